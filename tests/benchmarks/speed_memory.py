"""The memory of a whole trial: its process at its peak, less what it had once torch was imported.

`python tests/benchmarks/speed_memory.py FOLDER` runs the trial whose question lies in FOLDER and prints both, in MB.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

MOST = 600


def peak() -> float:
    """Return the greatest resident size of this process so far, in MB.

    Where the kernel tells that of the program itself, it is asked: the other number begins with that of the process
    which started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = [one for one in status.read_text().splitlines() if one.startswith("VmHWM")]
        return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def measured(*, quick: bool) -> dict[str, Any]:
    """Run a trial of the default budget (a tenth of it if `quick`) in a process of its own."""
    from speed_lanes import FASHION, as_a_worker

    from ablation.compose import compose
    from ablation.record import write_config

    words = ["dataset=fashion_mnist", f"dataset.root={FASHION}", "architecture=dcgan"]
    words += ["budget.steps=150"] if quick else []
    with tempfile.TemporaryDirectory() as place:
        write_config(Path(place), compose(words))
        done = subprocess.run(
            [sys.executable, __file__, place],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | as_a_worker(),
        )
    before, after = map(float, done.stdout.split()[-2:])
    what = "peak memory of a fashion_mnist/dcgan trial above `import torch`"
    return {"what": what, "most": MOST, "imported": before, "peak": after, "above": after - before}


def main() -> None:
    """Run one trial and print what its process took."""
    import torch

    assert torch.get_num_threads() > 0
    before = peak()
    from ablation.trial import run

    record = run(Path(sys.argv[1]))
    assert record.outcome.kind in ("finished", "collapsed"), record.outcome
    print(before, peak())


if __name__ == "__main__":
    main()
