"""Wazuh vulnerability states (indexer of 4.8 and later) and what older versions told, as telemetry from agents.

States come as a search's answer or as the dashboard's table, older ones as the API's answers or as the detector's
alerts, of which the newest about a package's vulnerability tells whether it is open. Agents look from inside. Only
agents with a vulnerability are listed (version 5 names them `wazuh.agent`, before it was `agent`; fields come nested or
with dots), so zero is never claimed; a search answers with its first hits alone, and how
many it left out is reported. The date is that of the newest detection. Callers are the command line and apps.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from cyberscore.exceptions import ReadingError
from cyberscore.readers import exposure
from cyberscore.readers.base import Leftovers, Reading, date_of, loose_moment
from cyberscore.readers.documents import read_objects
from cyberscore.readers.fields import at, objects, text_at, texts_at
from cyberscore.readers.findings import Asset, Inventory
from cyberscore.readers.head import Head
from cyberscore.readers.opening import Input, name_of
from cyberscore.readers.tables import Table, read_findings
from cyberscore.readers.vulnerabilities import Catalogue, cves_in

TOOL = "Wazuh"
OPTIONS = ("vantage", "catalogue")

MAX_BYTES = 100_000_000
"""An export larger than this is refused."""

TABLE = Table(
    headers=tuple(
        (f"{agent}.{field}", "vulnerability.id") for agent in ("agent", "wazuh.agent") for field in ("name", "id")
    ),
    identity=("vulnerability.id",),
    title=("vulnerability.id",),
    host=("agent.host.ip", "wazuh.agent.host.ip", "host.ip", "agent.ip", "agent.name", "wazuh.agent.name", "agent.id",
          "wazuh.agent.id"),
    asset=("agent.id", "wazuh.agent.id", "agent.name", "wazuh.agent.name"),
    risk=("vulnerability.severity",),
    cve=("vulnerability.id",),
    severities=dict.fromkeys(("", "none", "untriaged"), "low"),
    last=("vulnerability.detected_at",),
    authenticated=("vulnerability.id",),
)  # fmt: skip
_GONE = {"OBSOLETE", "SOLVED"}


def looks_like(head: Head) -> int:
    """Whether a file holds vulnerability states of Wazuh, or an answer of its older API."""
    for prefix in ("hits.hits._source.", "_source.", "hits.hits.fields.", ""):
        for agent in ("agent", "wazuh.agent"):
            named = head.has_keys(f"{prefix}{agent}.id") or head.has_keys(f"{prefix}{agent}.name")
            vulnerability = {f"{prefix}vulnerability.id", f"{prefix}data.vulnerability.cve"}
            if named and not vulnerability.isdisjoint(head.keys):
                return 2
    if (
        TABLE.fits(head)
        or head.has_keys("data.affected_items.cve")
        or head.has_keys("cve", "detection_time", "agent_name")
    ):
        return 2
    empty = "wazuh-states-vulnerabilities" in head.text[:4000]
    return 2 if empty or head.has_keys("data.affected_items", "data.total_affected_items") else 0


def read(
    source: Input,
    *,
    observed_at: date | datetime | str | None = None,
    assets_total: int | None = None,
    vantage: exposure.Vantage = "auto",
    catalogue: Catalogue | None = None,
) -> Reading:
    """Read vulnerability states of Wazuh: a search's answer or hits, a table, or alerts or an API's answer before 4.8.

    Parameters
    ----------
    source : path or bytes
    observed_at : date, datetime or str, optional
        When the states were exported; used only when no detection has a date.
    assets_total : int, optional
        How many agents there are in all.
    vantage : {"auto", "external", "internal"}
        With "external" the agents' hosts are internet-facing, see `exposure.Vantage`.
    catalogue : Catalogue, optional
        Known exploited vulnerabilities and EPSS; default the packaged snapshot.

    Raises
    ------
    ReadingError
        When the file is missing, too large, not JSON, or holds no such states.
    """
    name, leftovers = name_of(source), Leftovers()
    inventory = Inventory(name, leftovers, vantage)
    inventory.source = "telemetry"
    assets: dict[str, Asset] = {}
    newest: datetime | None = None
    version: str | None = None
    if Head.of(source, MAX_BYTES).form == "text":
        newest = read_findings(source, TABLE, inventory, leftovers)
        return _reading(inventory, None, date_of(newest, observed_at, name, leftovers), catalogue, assets_total)
    alerts: dict[tuple[str, str, str], tuple[datetime | None, bool]] = {}
    for found in _states(source, name, leftovers):
        agent = found.get("agent") or at(found, "wazuh", "agent")
        host = text_at(agent, "name") or text_at(found, "agent_name") or text_at(agent, "id") or "agent"
        told_address = _address(found, agent)
        key = text_at(agent, "id") or text_at(found, "agent_id") or host
        asset = assets.setdefault(key, Asset(host, checked=True, authenticated=True))
        asset.reach(told_address)
        version = version or text_at(agent, "version").removeprefix("v") or None
        told = text_at(found, "vulnerability", "detected_at") or text_at(found, "detection_time")
        when = loose_moment(told or text_at(found, "timestamp") or text_at(found, "@timestamp"))
        newest = when if when is not None and (newest is None or when > newest) else newest
        alert = at(found, "data", "vulnerability")
        cves = cves_in(text_at(found, "vulnerability", "id") or text_at(found, "cve") or text_at(alert, "cve"))
        status = (text_at(found, "status") or text_at(alert, "status")).upper()
        if not cves:
            leftovers.add("state without a CVE", text_at(found, "vulnerability", "id") or "state", count=1)
        elif alert is not None:
            package = "|".join(text_at(alert, "package", part) for part in ("name", "version", "architecture"))
            state, is_open = (key, package, cves[0]), status not in _GONE
            before = alerts.get(state, (None, True))[0]
            newer = when is not None and (before is None or when >= before)
            if state not in alerts or newer or (is_open and when is None):
                alerts[state] = (when or before, is_open)
        elif status in _GONE:
            leftovers.add("vulnerability that is no more", *cves)
        else:
            asset.cves.update(dict.fromkeys(cves))
    for (key, _, cve), (_, is_open) in alerts.items():
        if is_open:
            assets[key].cves[cve] = None
        else:
            leftovers.add("vulnerability that is no more", cve)
    for asset in assets.values():
        inventory.close(asset)
    return _reading(inventory, version, date_of(newest, observed_at, name, leftovers), catalogue, assets_total)


def _reading(
    inventory: Inventory, version: str | None, when: datetime, catalogue: Catalogue | None, assets_total: int | None
) -> Reading:
    return inventory.reading(
        TOOL,
        version,
        when,
        complete=False,
        listed=False,
        catalogue=catalogue,
        assets_total=assets_total,
    )


def _address(found: dict[str, Any], agent: object) -> str:
    """Return, of an agent's addresses, the one that others reach it at."""
    addresses = texts_at(agent, "host", "ip") or texts_at(found, "host", "ip") or texts_at(agent, "ip")
    return exposure.best_address(addresses or [text_at(found, "agent_ip")])


def _nested(state: object) -> object:
    """Return a state with its fields nested, which a search may give with dots and as lists of one."""
    if not isinstance(state, dict) or not any("." in name for name in state):
        return state
    found: dict[str, Any] = {}
    for name, value in state.items():
        place, *parents = reversed(name.split("."))
        inside = found
        for parent in reversed(parents):
            deeper = inside.setdefault(parent, {})
            inside = deeper if isinstance(deeper, dict) else {}
        one = value[0] if isinstance(value, list) and len(value) == 1 else value
        if isinstance(inside.get(place), dict) and isinstance(one, dict):
            inside[place].update(one)
        else:
            inside[place] = one
    return found


def _states(source: Input, name: str, leftovers: Leftovers) -> Iterator[dict[str, Any]]:
    for whole in read_objects(source, MAX_BYTES):
        if "hits" in whole:
            hits = objects(at(whole, "hits", "hits"), f"{name}: hits.hits")
            total = at(whole, "hits", "total")
            count = at(total, "value") if isinstance(total, dict) else total
            if isinstance(count, int) and count > len(hits):
                leftovers.add("state that the search left out: ask for all hits", "state", count=count - len(hits))
            found = [one.get("_source") or one.get("fields") or one for one in hits]
        elif isinstance(data := whole.get("data"), dict) and "affected_items" in data:
            found = objects(at(data, "affected_items"), f"{name}: data.affected_items")
            count = at(data, "total_affected_items")
            if isinstance(count, int) and count > len(found):
                leftovers.add("state that the answer left out: ask for all", "state", count=count - len(found))
        else:
            found = [whole.get("_source", whole)]
        for one in found:
            state = _nested(one)
            alert = at(state, "data", "vulnerability")
            if isinstance(state, dict) and "rule" in state and alert is None:
                about = text_at(state, "rule", "description") or text_at(state, "rule", "id") or "alert"
                leftovers.add("alert that is not of a vulnerability", about, count=1)
                continue
            if not isinstance(state, dict) or not ("vulnerability" in state or "cve" in state or alert is not None):
                raise ReadingError(f"{name}: not a vulnerability state of Wazuh: give the answer of its indexer or API")
            if "vulnerability" in state and not _agent_of(state):
                # All states would become those of one host.
                raise ReadingError(
                    f"{name}: a vulnerability state that names no agent (fields {', '.join(list(state)[:8])[:120]}): "
                    "export agent.id, or wazuh.agent.id, with the states"
                )
            yield state


def _agent_of(state: dict[str, Any]) -> str:
    """Return an agent's number or name; empty when a state tells neither."""
    for place in (("agent",), ("wazuh", "agent")):
        agent = at(state, *place)
        if told := text_at(agent, "id") or text_at(agent, "name"):
            return told
    return text_at(state, "agent_id") or text_at(state, "agent_name")
