"""The verbs of one trial: list what there is to choose, train, rerun, read its log."""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ablation.texts import one_line, plain
from ablation.verbs import answer, check_device, study_of, tell, trial_of, trust


def do_list(given: Namespace) -> int:
    """Print the rows of a group, one line each."""
    trust(given)
    from ablation.catalogue import groups, rows

    if given.group is None:
        answer(groups()) if given.json else print("\n".join(groups()))
        return 0
    found = rows(given.group)
    if given.group == "claim":
        from ablation.claim import registered

        registered()  # a wrong one is named, not shown
    if given.group == "activation":
        from ablation.verbs.activations import described, table

        known = described(found)
        answer(known) if given.json else print(table(known))
        return 0
    if given.json:
        answer(found)
        return 0
    width = max(len(name) for name in found)
    for name, row in found.items():
        print(f"{name:<{width}}  {_told(row)}")
    return 0


def _told(row: dict[str, Any]) -> str:
    """Return in one line what a row is."""
    if "question" in row:
        return str(row["question"])
    if "statement" in row:
        return f"{row.get('id', ''):<4} {row['statement']}"
    body = dict(row.get("module", row))
    target = str(body.pop("_target_", ""))
    settings = {
        k: v
        for k, v in body.items()
        if k not in ("name", "cite", "about") and not isinstance(v, dict)
    }
    for part in body.values():
        settings |= part if isinstance(part, dict) else {}
    plain = {None: "null", True: "true", False: "false"}
    words = ", ".join(
        f"{k}={plain[v] if v is None or isinstance(v, bool) else v}" for k, v in settings.items()
    )
    return "  ".join(
        text for text in (target, words, str(row.get("cite", row.get("about", "")))) if text
    )


def do_train(given: Namespace) -> int:
    """Train one trial; its folder is `--out`. The same command goes on with a trial that was stopped."""
    trust(given)
    from ablation.compose import compose
    from ablation.record import read_config, read_record, set_aside, write_config

    spec, folder = compose(given.words), Path(given.out)
    check_device(given.device)
    if (folder / "config.yaml").exists() and read_config(folder) != spec:
        raise ValueError(
            f"{folder} holds another trial, {read_config(folder).key}; choose another --out"
        )
    if folder.is_dir() and not (folder / "config.yaml").exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty and not a trial's folder; choose another --out")
    record = read_record(folder)
    if record is not None and record.outcome.kind == "crashed":
        print(
            f"the last run crashed ({one_line(record.outcome.message)}); trying again",
            file=sys.stderr,
        )
        set_aside(folder)
        record = None
    if record is None:
        from ablation.preflight import check

        reason, warnings = check([spec], say=tell)[0]
        if reason:
            raise ValueError(reason)
        for text in warnings:
            print(f"warning: {text}", file=sys.stderr)
        write_config(folder, spec)
        record = _foreground(folder, given.device, None)
    if given.json:
        from ablation.files import read_json

        answer(read_json(folder / "result.json"))
    else:
        print(
            f"{record.key}: {record.outcome.kind} at step {record.outcome.step:,}"
            f" {one_line(record.outcome.message)}".rstrip()
        )
        from ablation.scores import base

        floors = record.provenance.get("floors", {})
        for score in record.scores:
            value, noise, n = floors.get(base(score.name), (None, None, None))
            real = "" if value is None else f"real samples {value:.4g} ± {noise:.2g} (n = {n:,})"
            print(f"  {score.name:<36} {score.value:<12.6g} {real}".rstrip())
        for name, why in record.provenance.get("refused", {}).items():
            print(f"  {name:<36} none: {why}")
        print(f"  {folder}/result.json")
    return 1 if record.outcome.kind == "crashed" else 0


def _foreground(folder: Path, device: str, extractors: Path | None) -> Any:
    """Run a trial here, with a progress line; Ctrl-C writes a checkpoint and leaves."""
    from ablation import trial

    attempts = [int(path.name.split("-")[1]) for path in folder.glob(".attempt-*")]

    def stop(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        trial.request_stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        return trial.run(
            folder,
            attempt=max(attempts, default=-1) + 1,
            device=device,
            extractors=extractors,
            progress=_line(),
        )
    except trial.Stopped:
        raise KeyboardInterrupt from None
    finally:
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _line() -> Callable[[int, int], None] | None:
    """Return what rewrites one progress line on a terminal, None elsewhere."""
    if not sys.stderr.isatty():
        return None
    shown, began, first = 0.0, time.monotonic(), 0

    def show(step: int, steps: int) -> None:
        nonlocal shown, first
        first = first or step
        now = time.monotonic()
        if now - shown >= 0.2:
            shown = now
            left = (now - began) / max(step - first, 1) * (steps - step)
            text = f"\rstep {step:,}/{steps:,} · {left:.0f} s left\x1b[K"
            print(text, end="", file=sys.stderr, flush=True)

    return show


def do_rerun(given: Namespace) -> int:
    """Train a stored trial again and say whether it agrees bit for bit."""
    trust(given)
    check_device(given.device)
    study = study_of(given)
    first = trial_of(study, given.key)
    from ablation.preflight import check
    from ablation.record import read_config, read_record, write_config
    from ablation.verify import agreement

    spec = read_config(first)
    if read_record(first) is None:
        raise ValueError(f"{first.name} has no result yet: nothing to compare a rerun with")
    reason, _ = check([spec], study / "extractors")[0]
    if reason:
        raise ValueError(reason)
    (study / "reruns").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=study / "reruns", prefix=f"{first.name}.") as scratch:
        again = Path(scratch)
        write_config(again, spec)
        _foreground(again, given.device, study / "extractors")
        found = agreement(first, again)
        if not given.verify:
            kept = study / "reruns" / first.name
            number = next(
                n for n in range(1, 10_000) if not kept.with_name(f"{kept.name}.{n}").exists()
            )
            again.rename(kept.with_name(f"{kept.name}.{number}"))
            again.mkdir()
    if given.json:
        answer(
            {
                "key": first.name,
                "equal": found.equal,
                "differences": found.differences,
                "settings": found.settings,
                "same": found.same,
                "beside": found.beside,
            }
        )
        return 0 if found.equal else 1
    print(f"{first.name}: {'equal bit for bit' if found.equal else 'differs'}", end="")
    print(f" ({', '.join(found.same)})" if found.equal else "")
    for text in found.differences:
        print(f"  {text}")
    if found.same and not found.equal:
        print(f"  equal: {', '.join(found.same)}")
    for text in found.beside:
        print(f"  {text}")
    if found.equal:
        return 0
    for text in found.settings:
        print(f"  not the same machine or software, so equal bits are not promised: {text}")
    return 1


def do_logs(given: Namespace) -> int:
    """Print what a trial wrote: its log, or that of the attempt that runs now."""
    folder = trial_of(study_of(given), given.key)
    logs = [folder / "log.txt", *sorted(folder.glob(".attempt-*/log.txt"))]
    found = [path for path in logs if path.is_file()]
    if not found:
        print(f"{folder.name} has written nothing yet", file=sys.stderr)
        return 1
    for path in found:
        sys.stdout.write(plain(path.read_text(errors="replace")))
    return 0
