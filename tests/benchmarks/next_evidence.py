"""How many questions lead to a firm price: asked along `next_evidence`, in the catalogue's order, and in random orders.

Simulated insureds, of whom nothing is known at first; each answer is the truth, verified by the signal's best source. A
price is firm once the premium's 80 % interval is half as wide as at first. Run it from the repository:
`python tests/benchmarks/next_evidence.py [--insureds 200] [--seed 7]`. The notebook
`shortest_path_to_a_price` imports `measure`.
"""

import argparse
import time
from dataclasses import dataclass
from datetime import date

import numpy as np

from cyberscore import Coverage, Insured, Profile, ProfileError, load_plan, next_evidence, quote, signals
from cyberscore.market.simulation import simulate
from cyberscore.perils import country_group
from cyberscore.profile import industry
from cyberscore.quoting.next_evidence import seen_in_cell
from cyberscore.rating.draws import ordered_codes

AS_OF = date(2026, 11, 23)
COUNTRIES = ("US", "CA", "GB", "DE", "JP")
ASKED = [name for name, about in signals().items() if not about.is_context]
FORM = len(signals())
"""Questions of the full form: every signal."""


@dataclass(frozen=True)
class Path:
    """One insured asked in one order: width of the interval of the premium (USD) before and after each answer."""

    widths: list[float]
    firm_after: int | None


def insureds(n, seed):
    """Simulated firms, of a NAICS code of their sector, with their true cells."""
    market = simulate(max(n, 1000), seed)
    chosen = np.random.default_rng(seed).choice(len(market.policies), n, replace=False)
    codes = {}
    for code in (*(str(code) for code in range(11, 93)), *(str(code) for code in range(110, 930))):
        try:
            codes.setdefault(industry(code).sector, code)
        except ProfileError:
            continue  # no such code
    found = []
    for row in chosen:
        policy = market.policies.iloc[row]
        country = next(one for one in COUNTRIES if country_group(one) == policy["country"])
        revenue = float(policy["annual_revenue"])
        insured = Insured(naics=codes[policy["sector"]], country=country, annual_revenue=revenue)
        found.append((insured, market.truth[row]))
    return found


def answer(name, cells):
    """Observe the truth about a signal, by its best source."""
    position = list(signals()).index(name)
    return seen_in_cell(name, ordered_codes(signals()[name])[int(cells[position])], AS_OF).observation


def path(insured, cells, order, plan, cover, *, stop=True, share=0.5):
    """Ask one insured: `order` is a list of signals, or None to follow `next_evidence`."""
    profile = Profile(insured=insured)
    first = quote(profile, cover, as_of=AS_OF, plan=plan)
    widths, firm_after, asked = [first.premium_high - first.premium_low], None, set()
    for k in range(len(ASKED)):
        if order is None:
            told = next_evidence(profile, plan, cover, as_of=AS_OF)
            name = next((one.signal for one in told.questions if one.signal not in asked), None)
        else:
            name = order[k]
        if name is None:
            break
        asked.add(name)
        profile = profile.with_observations(answer(name, cells))
        now = quote(profile, cover, as_of=AS_OF, plan=plan)
        widths.append(now.premium_high - now.premium_low)
        if firm_after is None and widths[-1] <= share * widths[0]:
            firm_after = k + 1
            if stop:
                break
    return Path(widths, firm_after)


def measure(n, seed=7, *, orders=("next_evidence", "catalogue", "random"), stop=True):
    """Ask simulated insureds in each order; paths by order."""
    plan, cover = load_plan(), Coverage()
    rng = np.random.default_rng(seed)
    found = {order: [] for order in orders}
    for insured, cells in insureds(n, seed):
        for order in orders:
            listed = {"next_evidence": None, "catalogue": ASKED, "random": list(rng.permutation(ASKED))}[order]
            found[order].append(path(insured, cells, listed, plan, cover, stop=stop))
    return found


def summary(paths):
    """Share of insureds whose price became firm, and questions until then (the whole form where it never does)."""
    asked = np.array([FORM if one.firm_after is None else one.firm_after for one in paths])
    return {
        "insureds": len(paths),
        "firm": float(np.mean([one.firm_after is not None for one in paths])),
        "mean": float(asked.mean()),
        "median": float(np.median(asked)),
        "p90": float(np.quantile(asked, 0.9)),
        "within_half_the_form": float(np.mean(asked <= FORM / 2)),
    }


def main():
    """Print one line an order."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--insureds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    began = time.perf_counter()
    print(f"{'order':15}{'firm':>7}{'mean':>7}{'median':>8}{'p90':>6}{'within half the form':>22}")
    for order, paths in measure(options.insureds, options.seed).items():
        told = summary(paths)
        print(
            f"{order:15}{told['firm']:7.0%}{told['mean']:7.1f}{told['median']:8.0f}{told['p90']:6.0f}"
            f"{told['within_half_the_form']:22.0%}"
        )
    print(f"{options.insureds} insureds, {FORM} questions in the full form, {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
