"""The book of underwriting rules, read from rules.toml, checked as a whole, and what it says about one risk."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cyberscore.exceptions import RuleError
from cyberscore.rules.actions import DECISION_OF, DECISIONS, Actions
from cyberscore.rules.amounts import USD, Money
from cyberscore.rules.analysis import check_book
from cyberscore.rules.conditions import Lookup, SignalValue
from cyberscore.rules.edges import SIZES, Edge, Size, edges_of
from cyberscore.rules.fields import told
from cyberscore.rules.rule import FORMATS, Rule, parse_rule


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule said: `outcome` is one of OUTCOMES, `read` what it read, in words."""

    rule: Rule
    outcome: str
    actions: Actions
    lookup: Lookup = field(repr=False, compare=False)

    @property
    def rate_percent(self) -> float:
        """Debits (positive) and credits (negative) in all, in percent."""
        return rate_percent([self])

    def read(self, money: Money = USD) -> str:
        """Say what decided, with the insured's own figures; amounts as `money` tells them."""
        # the comparisons that came out as the whole did
        whole = None if self.outcome == "unknown" else self.outcome == self.rule.words[0]
        said = []
        for test in self.rule.tests:
            if test.holds(self.lookup) is whole:
                value = self.lookup(test.kind, test.name)
                plain = value.value if isinstance(value, SignalValue) else value
                said.append(told(test.kind, test.name, plain, money.told))
        return "; ".join(dict.fromkeys(said)) or "every insured"


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules of a plan, and the same by what they read.

    Attributes
    ----------
    rules : gravest stage first: decline, refer, pre_bind, post_bind, terms, rate
    setting_rules : rules that set priced terms; they read the request as it was made
    firm_rules : other rules that read no signal; they read the cover after terms
    posture_rules : rules that read a signal or what the evidence is
    premium_rules : rules that read the premium, once it is known
    signals : all signals that rules read
    reading : places in `posture_rules` of the rules that read a signal, by signal
    edges : sizes at which rules set other terms or rates, by what they are sizes of
    rates_by_size : ids of rules whose rate may change with a size
    """

    rules: tuple[Rule, ...]
    setting_rules: tuple[Rule, ...] = field(init=False)
    firm_rules: tuple[Rule, ...] = field(init=False)
    posture_rules: tuple[Rule, ...] = field(init=False)
    premium_rules: tuple[Rule, ...] = field(init=False)
    signals: frozenset[str] = field(init=False)
    reading: Mapping[str, tuple[int, ...]] = field(init=False, repr=False, compare=False)
    edges: Mapping[Size, tuple[Edge, ...]] = field(init=False, repr=False, compare=False)
    rates_by_size: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rules = tuple(sorted(self.rules, key=lambda rule: rule.stage))
        premium = tuple(rule for rule in rules if any(test.kind == "premium" for test in rule.tests))
        setting = tuple(rule for rule in rules if rule.sets_terms and rule not in premium)
        others = tuple(rule for rule in rules if not rule.sets_terms and rule not in premium)
        object.__setattr__(self, "rules", rules)
        object.__setattr__(self, "premium_rules", premium)
        object.__setattr__(self, "setting_rules", setting)
        object.__setattr__(self, "firm_rules", tuple(rule for rule in others if not rule.reads_posture))
        posture = tuple(rule for rule in others if rule.reads_posture)
        object.__setattr__(self, "posture_rules", posture)
        names = frozenset(name for rule in others for name in rule.signals)
        object.__setattr__(self, "signals", names)
        reading = {name: tuple(k for k, rule in enumerate(posture) if name in rule.signals) for name in names}
        object.__setattr__(self, "reading", reading)
        object.__setattr__(self, "edges", edges_of(rules))
        sized = (rule for rule in rules if any((test.kind, test.name) in SIZES for test in rule.tests))
        object.__setattr__(self, "rates_by_size", frozenset(rule.id for rule in sized if rule.sets_rates))

    @property
    def known_activities(self) -> frozenset[str]:
        """Business activities that some rule names."""
        tests = (test for rule in self.rules for test in rule.tests if test.name == "business_activities")
        return frozenset(str(activity) for test in tests for activity in test.operand)

    @property
    def renewal_cap(self) -> float | None:
        """Largest change of premium on renewal that a rule states, as a share; None when no rule states one."""
        caps = [a.percent for rule in self.premium_rules for a in rule.on_fail if a.type == "renewal_cap"]
        return None if not caps else (caps[0] or 0.0) / 100.0

    @classmethod
    def from_toml(cls, text: str) -> "RuleBook":
        """Read and check rules.toml.

        Raises
        ------
        RuleError
            Naming the rule that is wrong.
        """
        try:
            raw = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise RuleError(f"rules.toml: not valid TOML: {error}") from error
        except RecursionError as error:
            raise RuleError("rules.toml: nested too deeply: split the rule") from error
        version = raw.get("format")
        if isinstance(version, bool) or version not in FORMATS or set(raw) - {"format", "rule"}:
            raise RuleError(
                f"rules.toml: format must be 1 or 2, with a list of [[rule]]; got format {version!r} "
                f"and {', '.join(sorted(raw)) or 'nothing'}"
            )
        listed = raw.get("rule", [])
        if not isinstance(listed, list):
            raise RuleError("rules.toml: rules must be [[rule]] tables")
        rules = tuple(parse_rule(item, version) for item in listed)
        ids = [rule.id for rule in rules]
        if len(set(ids)) < len(ids):
            raise RuleError(
                f"rules.toml: rule ids must differ; got {sorted(i for i in set(ids) if ids.count(i) > 1)} twice"
            )
        check_book(rules)
        return cls(rules)


def evaluate(rule: Rule, lookup: Lookup) -> Finding:
    """Apply one rule."""
    holds = rule.condition.holds(lookup)
    if holds is None:
        return Finding(rule, "unknown", rule.on_unknown, lookup)
    if holds:
        return Finding(rule, rule.words[0], rule.on_fail, lookup)
    return Finding(rule, rule.words[1], rule.on_pass, lookup)


def decision_of(findings: Sequence[Finding]) -> str:
    """Gravest decision among findings."""
    return max(
        (DECISION_OF.get(action.type, "quote") for f in findings for action in f.actions),
        key=DECISIONS.index,
        default="quote",
    )


def rate_percent(findings: Sequence[Finding]) -> float:
    """Sum of debits (positive) and credits (negative), in percent."""
    return sum(action.percent or 0.0 for finding in findings for action in finding.actions if action.type == "rate")
