"""The verbs of meaning: report a study, compare studies, pack one for others."""

from __future__ import annotations

import os
import sys
import zipfile
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ablation.texts import one_line
from ablation.verbs import answer, named_study, study_of, trust

if TYPE_CHECKING:
    from reports.page import Report


def do_report(given: Namespace) -> int:
    """Write a study's report; watching writes it again whenever trials ended."""
    trust(given)
    study = study_of(given)
    _register(study)
    if not given.watch:
        if given.every is not None:
            raise ValueError("--every goes with --watch")
        out = None if given.out is None else Path(given.out)
        report(study, as_json=given.json, out=out, most=given.most)
        return 0
    if given.out is not None or given.most is not None:
        raise ValueError("--out and --most do not go with --watch")
    from ablation.verbs.watching import seconds, watch

    every = seconds(given.every or "30s")
    return watch(study, every, lambda written: _rewritten(written, as_json=given.json))


def _register(study: Path) -> None:
    """Keep the claims of the user's own folders in the study, which says that they came after its trials."""
    from ablation.claim import own_claims

    if claims := own_claims():
        from sweeps.study import register

        register(study, claims)


def report(
    study: Path, *, as_json: bool, out: Path | None = None, most: float | None = None
) -> None:
    """Write a study's report, in `out` and at most so many megabytes of it, and say where it is and what it says."""
    from reports.bound import bound
    from reports.page import write_report

    _say(write_report(study, out, bound(most)), as_json=as_json)


def _say(written: Report, *, as_json: bool) -> None:
    if as_json:
        answer(
            {
                "verdict": written.verdict,
                "html": str(written.html),
                "pdf": str(written.pdf),
                "trials": written.trials,
                "failures": written.failures,
                "ended": written.ended,
                "expected": written.expected,
            }
            | ({"changed": dict(written.changed)} if written.changed else {})
        )
        return
    for sentence in written.changed["sentences"] if written.changed else ():
        print(one_line(sentence))
    print(f"\n{one_line(written.verdict)}\n\n  {written.html}\n  {written.pdf}")


def _rewritten(written: Report, *, as_json: bool) -> None:
    """Say in one line that the report was written again, and what it says now."""
    if as_json:
        _say(written, as_json=True)
    else:
        count = f"{written.ended:,} of {written.expected:,} trials"
        print(f"{count}: {written.html} is written; {one_line(written.verdict)}")
    sys.stdout.flush()


def do_compare(given: Namespace) -> int:
    """Write one report over several studies."""
    from reports.bound import bound
    from reports.page import write_comparison

    if len(given.studies) < 2:
        raise ValueError("compare takes two or more studies")
    for name in given.studies:
        if given.studies.count(name) > 1:
            raise ValueError(
                f"compare is given {name!r} more than once; it takes different studies"
            )
    studies = [named_study(given.runs, name) for name in given.studies]
    out = Path(given.out) if given.out else Path(given.runs) / f"compare-{'-'.join(given.studies)}"
    if (out / "study.yaml").exists():
        raise ValueError(f"{out} is a study's folder; choose another --out")
    _say(write_comparison(studies, out, bound(given.most)), as_json=given.json)
    return 0


def do_export(given: Namespace) -> int:
    """Pack a study: what it asked, every trial's files, extractors, journal, report and what a paper takes.

    No scratch and no locks. With `--paper` only the last, into a folder.
    """
    if given.tensorboard is not None:
        if given.paper is not None or given.column:
            raise ValueError("--tensorboard and --paper write different things: give one of them")
        from ablation.verbs.tensorboard import do_tensorboard

        return do_tensorboard(given)
    study = study_of(given)
    if given.paper is not None or given.column:
        from ablation.verbs.papers import do_paper

        return do_paper(study, given)
    from ablation.verbs.papers import pack_paper

    out = Path(given.out or f"{study.name}.zip")
    if out.exists():
        raise ValueError(f"{out} exists; choose another --out")
    paths = sorted(
        p
        for p in study.rglob("*")
        if p.is_file() and not p.is_symlink() and _kept(p.relative_to(study))
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f".{out.name}.tmp")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in paths:
            packed.write(path, Path(study.name) / path.relative_to(study))
        pages = pack_paper(study, packed)
    os.replace(draft, out)
    print(f"{out}: {len(paths) + pages} files, {out.stat().st_size / 1e6:.1f} MB", file=sys.stderr)
    return 0


def _kept(path: Path) -> bool:
    return not any(part.startswith(".") for part in path.parts) and path.parts[0] not in (
        "logs",
        "reruns",
    )
