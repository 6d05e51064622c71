"""Bodies of requests to the service: the costliest that are allowed, and bad ones of many kinds. Made from a seed.

Callers are the tests of the service and the benchmark of its worst requests.
"""

import json
import random
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import cyberscore
from cyberscore import Observation
from cyberscore.app.requests import LARGEST_BODY, MOST_CHANGES, MOST_OF_A_PROFILE
from cyberscore.examples import example_text

AS_OF = "2026-11-23"
CLINIC: dict[str, Any] = json.loads(example_text("dental_clinic"))
SEEN: dict[str, Any] = CLINIC["observations"][0]
ASKED = {"profile": CLINIC, "as_of": AS_OF}
QUOTING = ("/quote", "/report", "/next", "/what-if", "/path")
ENDPOINTS = (*QUOTING, "/posture")
MOST_OPTIONS = 100


def profile(kind: str) -> dict[str, Any]:
    """Make a profile as large as a request may hold: of all signals or of one, with sources and disputes."""
    rng = random.Random(12)  # noqa: S311  no secret
    names = list(cyberscore.signals()) if kind == "all signals" else ["mfa_email_coverage"]
    sources = [{"name": f"connection {k}", "kind": "telemetry"} for k in range(MOST_OF_A_PROFILE["sources"])]
    observations = [observation(names[k % len(names)], k, rng) for k in range(MOST_OF_A_PROFILE["observations"])]
    for seen in observations:
        if seen["source"] == "telemetry":
            seen["connection"] = rng.choice(sources)["name"]
    made = {"insured": CLINIC["insured"], "observations": observations, "sources": sources, "disputes": []}
    for seen in observations:
        if len(made["disputes"]) == MOST_OF_A_PROFILE["disputes"]:
            break
        found, about = Observation(**seen), cyberscore.signals()[seen["signal"]]
        if not about.is_context and found.prepared.code_at(about, date(2026, 11, 23).toordinal()) > about.unknown:
            dispute = {"observation": found.digest, "kind": "false_positive", "note": "Looked at.", "at": AS_OF}
            made["disputes"].append(dispute)
    return made


def observation(name: str, number: int, rng: random.Random) -> dict[str, Any]:
    """Make an observation of a signal, unlike all others."""
    about = cyberscore.signals()[name]
    value: Any
    if about.levels:
        value = rng.choice(about.levels)
    elif about.kind in {"flag", "count", "level", "age"}:
        value = rng.randint(int(about.low), int(min(about.high, about.low + 400)))
    else:
        value = round(rng.uniform(about.low, min(about.high, about.low + 400)), 4)
    when = datetime(2026, 11, 22, tzinfo=UTC) - timedelta(minutes=number)
    return {
        "signal": name,
        "value": value,
        "observed_at": when.isoformat(),
        "source": rng.choice(about.sources),
        "reference": f"finding {number}",
    }


@cache
def costly() -> dict[str, tuple[str, bytes]]:
    """Make allowed requests that cost most, by name: endpoint and body."""
    found: dict[str, tuple[str, bytes]] = {}
    options = [{"retention": 5_000 + k, "sublimits": {"ransomware": 100_000}} for k in range(MOST_OPTIONS)]
    shares = [name for name, about in cyberscore.signals().items() if about.kind == "share"]
    changes: dict[str, list[dict[str, Any]]] = {
        "values": [dict.fromkeys(shares, k / MOST_CHANGES) for k in range(MOST_CHANGES // len(shares))],
        "evidence": [observation("mfa_email_coverage", 9_000 + k, random.Random(k)) for k in range(MOST_CHANGES)],  # noqa: S311
        "firms": [{"annual_revenue": 1e6 + k, "retention": 5_000 + k} for k in range(MOST_CHANGES // 2)],
        "nothing": [dict.fromkeys(cyberscore.signals()) for _ in range(MOST_CHANGES // len(cyberscore.signals()))],
    }
    fixable = [name for name, about in cyberscore.signals().items() if about.target is not None]
    costs = {name: 1_000 + 7 * k for k, name in enumerate(fixable)}
    for kind in ("all signals", "one signal"):
        asked = {"profile": profile(kind), "as_of": AS_OF}
        found[f"/posture {kind}"] = "/posture", _json(asked)
        found[f"/next {kind}"] = "/next", _json({**asked, "language": "zh"})
        found[f"/quote {kind}, options"] = "/quote", _json({**asked, "options": options})
        found[f"/report {kind}, options"] = "/report", _json({**asked, "options": options, "language": "zh"})
        for name, listed in changes.items():
            found[f"/what-if {kind}, {name}"] = "/what-if", _json({**asked, "changes": listed})
        for target in ("band:A", "no-conditions", "premium:1"):
            found[f"/path {kind}, {target}"] = "/path", _json({**asked, "target": target})
            found[f"/path {kind}, {target}, costs"] = "/path", _json({**asked, "target": target, "costs": costs})
    return found


@cache
def nonsense() -> dict[str, bytes]:
    """Make bodies of the allowed size that no endpoint takes, by name: JSON of one thing over and over, and no JSON."""
    start = _json(ASKED)[:-1]

    def filled(text: str, before: bytes = b"[", after: bytes = b"0]") -> bytes:
        room = LARGEST_BODY - len(before) - len(after)
        return before + text.encode() * (room // len(text.encode())) + after

    return {
        "empty": b"",
        "cut short": b"{",
        "not text": b"\xff" * LARGEST_BODY,
        "zero bytes": bytes(LARGEST_BODY),
        "blanks": b" " * LARGEST_BODY,
        "a long number": b"1" * LARGEST_BODY,
        "an open text": b'"' + b"x" * (LARGEST_BODY - 1),
        "open brackets": b"[" * LARGEST_BODY,
        "open objects": b'{"a":' * (LARGEST_BODY // 5),
        "closed brackets": b"[" * (LARGEST_BODY // 2) + b"]" * (LARGEST_BODY // 2),
        "nested lists": b"[" * 900 + b"]" * 900,
        "numbers": filled("0,"),
        "empty lists": filled("[],"),
        "empty objects": filled("{},"),
        "lists of lists": filled("[[[[]]]],"),
        "observations of numbers": filled("0,", start[:-1] + b', "profile2": [', b"0]}}"),
        "an unknown list": filled("0,", start + b', "more": [', b"0]}"),
        "an unknown text": filled("x", start + b', "more": "', b'"}'),
        "escapes in a text": filled("\\ud800", start + b', "more": "', b'"}'),
        "a long field": filled("x", start + b', "', b'": 1}'),
        "a repeated field": filled('"a":1,', b"{", b'"a":1}'),
        "fields": b"{" + b",".join(b'"%d":1' % k for k in range(150_000)) + b"}",
        "unknown fields": start + b"," + b",".join(b'"%d":1' % k for k in range(150_000)) + b"}",
    }


@cache
def bad(path: str) -> dict[str, bytes]:
    """Make bodies that an endpoint refuses because of one part, by name."""
    long, many, text = "x" * 100_000, 50_000, "\U0001f600" * 20_000
    of_profile: dict[str, dict[str, Any]] = {
        "numbers for observations": {"observations": [0] * 4_999},
        "too many observations": {"observations": [0] * many},
        "too many sources": {"sources": [0] * many},
        "too many disputes": {"disputes": [0] * many},
        "unknown signals": {"observations": [{**SEEN, "signal": "mfa_emial_coverage"}] * 4_999},
        "a long signal": {"observations": [{**SEEN, "signal": "mfa" * many}]},
        "long values": {"observations": [{**SEEN, "value": text}] * 9},
        "lists for values": {"observations": [{**SEEN, "value": [[0] * 500] * 9}] * 90},
        "bad sources": {"observations": [{**SEEN, "source": "\u4e2d" * 1_000}] * 90},
        "unknown connections": {"observations": [{**SEEN, "connection": "\u4e2d" * 200}] * 90},
        "unknown fields of observations": {
            "observations": [{**SEEN, **{f"{k} {text[:90]}": 1 for k in range(40)}}] * 40
        },
        "a mass of fields of observations": {"observations": [{**SEEN, **{f"k{k}": 1 for k in range(90)}}] * 900},
        "long fields": {"observations": [{**SEEN, text: 1}] * 9},
        "bad dates": {"observations": [{**SEEN, "observed_at": long, "occurred_at": long}] * 9},
        "nested values": {"observations": [{**SEEN, "value": json.loads("[" * 60 + "]" * 60)}] * 90},
        "unknown fields of the insured": {"insured": {f"k{k}": 1 for k in range(many)}},
        "a long industry": {"insured": {**CLINIC["insured"], "naics": "1" * many}},
        "a long country": {"insured": {**CLINIC["insured"], "country": text, "currency": text, "name": text}},
        "lists for the insured": {"insured": dict.fromkeys(CLINIC["insured"], [0] * 1_000)},
        "activities": {"insured": {**CLINIC["insured"], "business_activities": [text] * 9}},
        "many activities": {"insured": {**CLINIC["insured"], "business_activities": [0] * many}},
        "bad disputes": {"disputes": [{"observation": long, "kind": long, "note": "", "at": long}] * 4},
        "repeated sources": {"sources": [{"name": "\u4e2d" * 200, "kind": "scan"}] * 200},
        "unknown fields of a profile": {f"k{k}": 1 for k in range(many)},
    }
    requests: dict[str, dict[str, Any]] = {name: {"profile": {**CLINIC, **part}} for name, part in of_profile.items()}
    requests |= {
        "a list for the profile": {"profile": [0] * many},
        "text for the profile": {"profile": text},
        "a long date": {"as_of": long},
        "a list for the date": {"as_of": [0] * many},
        "an early date": {"as_of": "1999-01-01"},
    }
    if path in QUOTING:
        unknown = [f"{k} gamblin" for k in range(99)]
        requests |= {
            "sublimits": {"coverage": {"sublimits": {f"{k} {text[:40]}": 1 for k in range(99)}}},
            "many sublimits": {"coverage": {"sublimits": {str(k): 1 for k in range(many)}}},
            "bad sublimits": {"coverage": {"sublimits": {str(k): text[:500] for k in range(99)}}},
            "coinsurance": {"coverage": {"coinsurance": {text: 1}}},
            "a long currency": {"coverage": {"currency": text, "retention": text}},
            "unknown fields of the cover": {"coverage": {f"k{k}": 1 for k in range(many)}},
            "a rate": {"exchange_rate": text},
            "unknown activities": {
                "profile": {**CLINIC, "insured": {**CLINIC["insured"], "business_activities": unknown}}
            },
        }
    if path in {"/quote", "/report"}:
        requests |= {
            "too many options": {"options": [0] * many},
            "bad options": {"options": [{"sublimits": {f"{k}": [text[:9]] for k in range(90)}}] * 90},
            "unknown fields of options": {"options": [{f"k{k}": 1 for k in range(60)}] * 90},
        }
    if path == "/what-if":
        requests |= {
            "too many changes": {"changes": [{}] * many},
            "bad changes": {"changes": [text[:500]] * 199},
            "unknown changes": {"changes": [{f"mfa_emial_{k}": text[:9] for k in range(50)}] * 19},
            "a change of many": {"changes": [{f"k{k}": 1 for k in range(many)}]},
            "bad evidence": {"changes": [{**SEEN, "signal": text}] * 9},
            "a long value": {"changes": [{"mfa_email_coverage": text}]},
            "a list of values": {"changes": [{"naics": [0] * many}]},
        }
    if path == "/path":
        requests |= {
            "a long target": {"target": text},
            "an unknown target": {"target": "\u4e2d" * 100},
            "too many costs": {"target": "band:A", "costs": {str(k): 1 for k in range(many)}},
            "bad costs": {"target": "band:A", "costs": {f"{k} {text[:40]}": text[:500] for k in range(99)}},
            "unknown costs": {"target": "band:A", "costs": {text: 1}},
        }
    whole = {"/what-if": {**ASKED, "changes": []}, "/path": {**ASKED, "target": "band:A"}}.get(path, ASKED)
    return {name: _json({**whole, **part}) for name, part in requests.items()}


def _json(content: Any) -> bytes:
    """Write JSON as short as a caller could: more fits into a body."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
