"""The words of the command line: every verb with its arguments; reading them opens no room."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

EXPERIMENTS = """\
freeze-generator  what is left of each loss's gradient while a fresh discriminator learns a frozen generator
                  (Arjovsky & Bottou 2017, figure 2): 3 trials, about 2 minutes on two cores
layer-norms       the gradient's norm at every layer of 12-layer critics, clipped and penalised
                  (Gulrajani et al. 2017, figure 1b): 12 trials, 2 to 3 minutes on two cores
augmentation      accuracy on real images of a classifier that learned from generated ones, class by class
                  (Ravuri & Vinyals 2019): 3 trials of 10 classes, about 3 minutes on two cores
speed             what a training step takes with each activation of a study (--study S) or of overrides, measured
                  side by side in rounds of a random order, kept in costs.json: 15 seconds for 8 small ones
"""
WORDS = "Hydra's override grammar: activation=relu,gelu 'seed=range(6)' optimizer.lr=1e-4"


def parser() -> argparse.ArgumentParser:
    """Return the whole command line."""
    top = argparse.ArgumentParser(
        prog="ablation",
        description="Which activation function, in which network of a GAN, for my loss and my data, and why?",
        epilog="`ablation VERB --help` says more. Exit codes: 0 done, 1 the work failed, 2 the words were wrong.",
    )
    top.add_argument("--version", action="store_true", help="print the version and leave")
    top.add_argument("--debug", action="store_true", help="show tracebacks")
    verbs = top.add_subparsers(dest="verb", metavar="VERB")

    def verb(
        name: str, text: str, *, study: bool = False, own: bool = False
    ) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=text, description=text)
        added.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help="show tracebacks"
        )
        if study:
            added.add_argument("study", metavar="STUDY", help="name of the study")
        if study or name in ("sweep", "plan", "compare", "doctor", "probe"):
            added.add_argument(
                "--runs", default="runs", metavar="DIR", help="folder of studies (runs)"
            )
        if own:
            added.add_argument(
                "--with", dest="folders", action="append", default=[], metavar="DIR",
                help="folder of your own parts: DIR/conf and Python files beside it",
            )  # fmt: skip
        return added

    def json(added: argparse.ArgumentParser) -> None:
        added.add_argument("--json", action="store_true", help="answer for programs")

    def place(added: argparse.ArgumentParser, usual: str) -> None:
        added.add_argument("--out", metavar="DIR", help=f"folder of the report ({usual})")
        told = "what page, PDF and tables may take together; less is shown, all is said"
        added.add_argument("--most", type=float, metavar="MB", help=told)

    def limits(added: argparse.ArgumentParser) -> None:
        added.add_argument(
            "--time-limit", metavar="T", help="of one attempt at a trial: 90s, 20m, 1.5h"
        )
        added.add_argument(
            "--memory-limit", metavar="M", help="of a trial's process, in main memory: 500M, 4G"
        )

    added = verb("list", "names that may be chosen, one line each with what they are", own=True)
    added.add_argument(
        "group", metavar="GROUP", nargs="?", help="activation, loss, dataset, sweep ..."
    )
    json(added)

    added = verb("train", "one trial in the foreground", own=True)
    added.add_argument("words", nargs="*", metavar="OVERRIDE", help=WORDS)
    added.add_argument("--out", required=True, metavar="DIR", help="the trial's folder")
    added.add_argument("--device", default="cpu", metavar="DEVICE", help="cpu or cuda:K (cpu)")
    json(added)

    for name, text in (
        ("sweep", "plan, run and report a study; launching again runs only what is missing"),
        (
            "plan",
            "what a sweep would do: cells, skipped cells, trials, time, what its seeds can prove",
        ),
    ):
        added = verb(name, text, own=True)
        added.add_argument(
            "words", nargs="*", metavar="NAME|OVERRIDE", help=f"a preset's name, then {WORDS}"
        )
        added.add_argument("--study", metavar="STUDY", help="name of the study (the preset's name)")
        added.add_argument("--question", metavar="TEXT", help="the report's title")
        added.add_argument(
            "--factor", metavar="NAME", help="what is compared: activation, loss, packing, init ..."
        )
        added.add_argument(
            "--reference", metavar="LEVEL", help="the level that the others are compared with"
        )
        added.add_argument(
            "--score", metavar="FAMILY", help="score that decides: fid, frechet, reverse-kl ..."
        )
        added.add_argument(
            "--max-hours", type=float, metavar="H",
            help="hours of cores or GPUs, added up over all that work; then trials write a checkpoint",
        )  # fmt: skip
        added.add_argument(
            "--workers", type=_count, metavar="N", help="trials at once (one per core or GPU)"
        )
        added.add_argument(
            "--devices", default="auto", metavar="LIST", help="auto, cpu, cuda:0,cuda:1 ..."
        )
        added.add_argument(
            "--per-gpu",
            default="1",
            metavar="K",
            help="trials at once on each GPU, or auto: as its memory allows (1)",
        )
        limits(added)
        if name == "sweep":
            added.add_argument("--no-report", action="store_true", help="leave the report out")
        else:
            added.add_argument(
                "--spread", type=float, default=0.15, metavar="S",
                help="how much seeds of a cell are assumed to differ, for what these can prove (0.15: 15 %%)",
            )  # fmt: skip
        json(added)

    added = verb(
        "worker", "one more worker for a study, on this or another machine", study=True, own=True
    )
    added.add_argument("--device", default="cpu", metavar="DEVICE", help="cpu or cuda:K (cpu)")
    added.add_argument("--slot", type=int, default=0, help=argparse.SUPPRESS)
    limits(added)

    added = verb("status", "counts, time left, failures", study=True)
    added.add_argument(
        "--watch", action="store_true", help="look again every second until all is done"
    )
    added.add_argument(
        "--audit", action="store_true", help="every key with its starts, attempts and results"
    )
    json(added)

    added = verb("logs", "what a trial wrote while it ran", study=True)
    added.add_argument(
        "key", metavar="KEY", help="a trial's key, or a part of it that no other has"
    )

    added = verb(
        "retry",
        "queue crashed and damaged trials again; `sweep` or `worker` then runs them",
        study=True,
    )
    added.add_argument(
        "keys", nargs="*", metavar="KEY", help="these trials, whatever their outcome"
    )

    added = verb("score", "score stored generators again, without training", study=True, own=True)
    added.add_argument(
        "words", nargs="*", metavar="KEY|protocol.X=VALUE",
        help="these trials (all of them), and what is measured otherwise: protocol.samples=10000"
        " protocol.extractor=inception protocol.weights=FILE (as at their end)",
    )  # fmt: skip
    added.add_argument("--again", action="store_true", help="also what was scored so before")
    added.add_argument(
        "--workers", type=_count, metavar="N", help="trials at once (one per core or GPU)"
    )
    added.add_argument("--device", default="cpu", metavar="DEVICE", help="cpu or cuda:K (cpu)")
    json(added)

    added = verb(
        "report",
        "write HTML, PDF and tables; with --with, also judge the claims in DIR/conf/claim",
        study=True,
        own=True,
    )
    added.add_argument(
        "--watch", action="store_true", help="write it again whenever trials ended, until all have"
    )
    added.add_argument("--every", metavar="T", help="how often to look: 10s, 5m, 1h (30s)")
    place(added, "runs/STUDY/report")
    json(added)

    added = verb("compare", "one report over several studies")
    added.add_argument("studies", nargs="+", metavar="STUDY", help="names of two or more studies")
    place(added, "runs/compare-S1-S2")
    json(added)

    added = verb(
        "export", "pack a study into one zip file that others can read and rerun", study=True
    )
    added.add_argument("--out", metavar="FILE", help="the zip file (STUDY.zip)")
    added.add_argument(
        "--tensorboard", metavar="DIR", help="instead of it, an event file a trial: --logdir DIR"
    )
    added.add_argument(
        "--paper", metavar="DIR", help="only what a paper takes: LaTeX tables, data, figures"
    )
    added.add_argument(
        "--column", metavar="INCHES", type=float, action="append", default=[],
        help="width of the paper's figures, once or more often (3.5 and 7.16)",
    )  # fmt: skip

    added = verb("rerun", "train a trial again from its stored config", study=True, own=True)
    added.add_argument(
        "key", metavar="KEY", help="a trial's key, or a part of it that no other has"
    )
    added.add_argument("--verify", action="store_true", help="compare only; leave no folder behind")
    added.add_argument("--device", default="cpu", metavar="DEVICE", help="cpu or cuda:K (cpu)")
    json(added)

    added = verb("probe", "a built-in experiment: small trainings that end in one figure", own=True)
    added.formatter_class = argparse.RawDescriptionHelpFormatter
    added.epilog = f"experiments:\n{EXPERIMENTS}"
    added.add_argument("name", metavar="NAME", help="the experiment, or its preset (conf/sweep)")
    added.add_argument("words", nargs="*", metavar="OVERRIDE", help=WORDS)
    added.add_argument("--out", metavar="DIR", help="the experiment's folder")
    added.add_argument("--workers", type=_count, metavar="N", help="trials at once (one per core)")
    only = added.add_argument_group("only freeze-generator")
    only.add_argument(
        "--stages", metavar="LIST",
        help="generator updates before it is frozen (a 15th, a third and all of budget.steps)",
    )  # fmt: skip
    only.add_argument(
        "--critic-steps", metavar="N", help="updates of each fresh discriminator (1000)"
    )
    only.add_argument("--losses", metavar="LIST", help="generator losses to measure (five)")
    only = added.add_argument_group("only speed")
    only.add_argument("--study", metavar="STUDY", help="measure its first block; keep it there")
    only.add_argument("--steps", type=_count, metavar="N", help="of each cell in a round (20)")
    only.add_argument("--rounds", type=_count, metavar="N", help="15 or more (15)")
    json(added)

    added = verb("doctor", "check the environment, and a study's files")
    added.add_argument("study", nargs="?", metavar="STUDY", help="also check this study's files")
    added.add_argument(
        "--rebuild", action="store_true", help="make the study's index again from its folders"
    )
    added.add_argument(
        "--storage", metavar="URL", help="move it: --rebuild into postgresql://... or journal"
    )
    json(added)
    return top


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def parsed(top: argparse.ArgumentParser, words: Sequence[str] | None) -> argparse.Namespace:
    """Parse so that options may stand between the words of a verb; `help VERB` is `VERB --help`."""
    every = sys.argv[1:] if words is None else [*words]
    if every[:1] == ["help"]:
        every = [*every[1:], "--help"]
    given, rest = top.parse_known_args(every)
    wrong = [word for word in rest if word.startswith("-") or not hasattr(given, "words")]
    if wrong:
        top.error(f"unrecognized arguments: {' '.join(wrong)}")
    if rest:
        given.words = [*given.words, *rest]
    return given
