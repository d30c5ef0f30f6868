"""The front door: `ablation VERB`. It reads the words, opens one room, and says in one line what went wrong."""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import sys
from collections.abc import Sequence

from ablation.texts import one_line
from ablation.words import parsed, parser

ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
ROOMS = {
    **dict.fromkeys(("list", "train", "rerun", "logs"), "one"),
    "sweep": "many",
    "plan": "planning",
    **dict.fromkeys(("worker", "status", "retry"), "running"),
    "score": "scoring",
    **dict.fromkeys(("report", "compare", "export"), "meaning"),
    "doctor": "health",
    "probe": "probe",
}


def main(words: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    top = parser()
    given = parsed(top, words)
    if given.version:
        from ablation import __version__

        print(__version__)
        return 0
    if given.verb is None:
        top.print_help()
        return 2
    if sys.platform == "win32":
        print("ablation: Windows is not supported; use Linux or macOS", file=sys.stderr)
        return 2
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))  # results differ with the number of threads
    atexit.register(gc.freeze)  # else leaving looks through all that torch has imported: 1.2 s
    try:
        room = importlib.import_module(f"ablation.verbs.{ROOMS[given.verb]}")
        return int(getattr(room, f"do_{given.verb}")(given))
    except KeyboardInterrupt:
        print("\nablation: interrupted; the same command goes on where it stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except ValueError as error:
        return _refuse(error, 2, debug=given.debug)
    except Exception as error:
        return _refuse(error, 1, debug=given.debug)


def _refuse(error: Exception, code: int, *, debug: bool) -> int:
    if debug:
        raise error
    text = str(error) or type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename or ''}: {error.strerror}".lstrip(": ")
    elif code == 1:
        text = f"{type(error).__name__}: {text} (--debug shows where)"
    print(f"ablation: {one_line(text)}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
