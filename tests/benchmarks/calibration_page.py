"""The page that `make calibrate` writes: counts of simulated studies as tables, with what was expected beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from calibration_frames import PLANTED, SPREAD
from calibration_notes import AFTER, BEFORE
from calibration_runs import REFERENCE, RUNGS, Counts, Setting
from calibration_settings import EXPECTED, SEEDS, SHIFTS
from scipy.stats import binomtest

from reports.words import listed

ALPHA = 0.05


def share(count: int, n: int) -> str:
    """Return a share in per cent with Clopper and Pearson's 95 % interval."""
    reach = binomtest(count, n).proportion_ci(method="exact")
    return f"{100 * count / n:.1f} [{100 * reach.low:.1f}, {100 * reach.high:.1f}]"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(map(str, line)) + " |" for line in lines] + [""]


def covered(counts: Counts, name: str) -> str:
    """Return the coverage of one kind of interval, a dash where there is none."""
    n = counts.get(f"{name}_intervals", 0)
    return share(counts[f"{name}_covers"], n) if n else "–"


def equal(settings: Sequence[Setting], found: Mapping[str, Counts]) -> list[str]:
    """Return the table of studies without any difference."""
    heads = ["studies of", "seeds", "noise", "studies", "claim, % [95 %]", "> 5 %?"]
    heads += ["interval covers, %", "in one block, %"]
    rows = []
    for one in settings:
        c = found[one.key]
        low = binomtest(c["claimed"], c["studies"]).proportion_ci(method="exact").low
        rows.append(
            [
                *(one.shape.words, one.shape.seeds, one.truth.words, c["studies"]),
                share(c["claimed"], c["studies"]),
                "**yes**" if low > ALPHA else "no",
                *(covered(c, "all"), covered(c, "block")),
            ]
        )
    return table(heads, rows)


def power(settings: Sequence[Setting], found: Mapping[str, Counts]) -> list[str]:
    """Return the table of planted effects beside what the protocol promises."""
    heads = ["studies of", "seeds"]
    for shift in SHIFTS:
        heads += [f"shift {shift}: found, % [95 %]", "promised"]
    heads += ["studies of each", "other claims, %", "interval covers, %"]
    by_shape: dict[tuple[int, int, int], list[Setting]] = {}
    for one in settings:
        key = (one.shape.activations, one.shape.blocks, one.shape.seeds)
        by_shape.setdefault(key, []).append(one)
    rows = []
    for (k, b, n), both in by_shape.items():
        told: list[object] = [both[0].shape.words, n]
        for one, promised in zip(both, EXPECTED[k, b][SEEDS.index(n)], strict=True):
            c = found[one.key]
            reach = binomtest(c["found"], c["studies"]).proportion_ci(0.999, "exact")
            fits = reach.low - 0.005 <= promised / 100 <= reach.high + 0.005
            mark = "" if fits else " **differs**"
            told += [share(c["found"], c["studies"]) + mark, promised]
        counts = [found[one.key] for one in both]
        sums = {name: sum(c[name] for c in counts) for name in ("studies", "wrong")}
        covers = sum(c["all_covers"] for c in counts)
        told += [counts[0]["studies"], share(sums["wrong"], sums["studies"])]
        rows.append([*told, share(covers, sums["studies"])])
    return table(heads, rows)


def others(settings: Sequence[Setting], found: Mapping[str, Counts]) -> list[str]:
    """Return the table of planted effects under other noise."""
    heads = ["studies of", "seeds", "noise", "shift", "studies", "found, % [95 %]"]
    heads += ["other claims, %", "interval covers, %", "open at an end, %"]
    rows = []
    for one in settings:
        c = found[one.key]
        n, name = c["studies"], "tuned_found" if one.shape.points > 1 else "found"
        rows.append(
            [
                *(one.shape.words, one.shape.seeds, one.truth.words, one.truth.shift, n),
                *(share(c[name], n), share(c["wrong"], n)),
                *(covered(c, "all"), share(c["all_open"], n)),
            ]
        )
    return table(heads, rows)


def looks(settings: Sequence[Setting], found: Mapping[str, Counts]) -> list[str]:
    """Return the table of how often studies without a difference claim one, by when they are looked at."""
    (one,) = settings
    c, rungs = found[one.key], listed([str(n) for n in RUNGS])
    rows = [
        [f"declared ladder, at {rungs} seeds", share(c["ladder"], c["studies"])],
        [f"once, at {RUNGS[-1]} declared seeds", share(c["once"], c["studies"])],
        [f"undeclared, at {rungs} seeds, each at the whole alpha", share(c["rungs"], c["studies"])],
        [
            f"undeclared, at every seed from {RUNGS[0]} to {RUNGS[-1]}",
            share(c["every"], c["studies"]),
        ],
    ]
    what = f"{one.shape.words}, {c['studies']} studies without a difference; looked at"
    return [
        *table([what, "claim, % [95 %]"], rows),
        f"Of the looks between the ladder's rungs (at {RUNGS[0] + 1} seeds) {c['between']} claimed what the rung below"
        " did not: seeds between rungs are not tested.",
        "",
    ]


def rates(settings: Sequence[Setting], found: Mapping[str, Counts]) -> list[str]:
    """Return the table of failure rates that are equal in truth."""
    heads = ["studies of", "seeds", "blocks of a seed", "failing, %", "studies"]
    heads += ["told apart at 5 %, %", "Wilson's pooled interval covers, %"]
    rows = []
    for one in settings:
        c, n = found[one.key], found[one.key]["studies"]
        together = "fail together" if one.truth.block else "fail independently"
        together = "one" if one.shape.blocks == 1 else together
        told = [one.shape.words, one.shape.seeds, together, f"{100 * one.truth.failing:.0f}", n]
        rows.append([*told, share(c["claimed"], n), share(c["covers"], n)])
    return table(heads, rows)


TABLES = {
    "equal": ("Equal activations", equal),
    "power": ("A planted effect", power),
    "others": ("Other noise, streams, tuning", others),
    "looks": ("Looking several times", looks),
    "failures": ("Failure rates", rates),
}


def page(settings: Sequence[Setting], found: Mapping[str, Counts], whole: int) -> str:
    """Return the page; `whole` reports were written and said the same as the frames."""
    total = sum(found[one.key]["studies"] for one in settings)
    words = {"planted": PLANTED, "reference": REFERENCE, "spread": SPREAD}
    lines = [BEFORE.format(total=total, whole=whole, **words).strip(), ""]
    for name, (title, made) in TABLES.items():
        own = [one for one in settings if one.table == name]
        lines += [f"## {title}", "", AFTER[name].format(**words).strip(), "", *made(own, found)]
    return "\n".join(lines)
