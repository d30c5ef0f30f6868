"""A trial's readings and scores as an event file, which `tensorboard --logdir` shows."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from ablation.record import Reading, TrialRecord, read_readings

SCORES = "scores"
"""Begins the tag of a score."""


def ready() -> None:
    """Raise ValueError that says what to install, if TensorBoard is missing."""
    if find_spec("tensorboard") is None:
        raise ValueError(
            "--tensorboard uses the package tensorboard, which is not installed:"
            ' pip install "activation-ablation[tensorboard]"'
        )


def tag(reading: Reading) -> str:
    """Return where a reading stands: `generator/0/gradient_norm`, `discriminator/loss`, `event_not_finite`."""
    inside = reading.layer.removeprefix(f"{reading.network}.").replace(".", "/")
    return "/".join(filter(None, (reading.network, inside, reading.quantity)))


def scalars(folder: Path, record: TrialRecord) -> Iterator[tuple[str, int, float]]:
    """Yield tag, step and value of a trial's readings, then of its scores, at the step at which it ended.

    Raises ValueError that names a damaged file.
    """
    if "readings.parquet" in record.files:
        for reading in read_readings(folder):
            yield tag(reading), reading.step, reading.value
    for score in record.scores:
        yield f"{SCORES}/{score.name}", record.outcome.step, score.value


def write_events(folder: Path, record: TrialRecord, out: Path) -> int:
    """Write a trial's one event file into the folder `out` and return how many values it holds.

    They are float32: TensorBoard's own server passes over others.
    """
    from torch.utils.tensorboard import SummaryWriter

    found = list(scalars(folder, record))
    writer = SummaryWriter(str(out), max_queue=1000)
    for where, step, value in found:
        writer.add_scalar(where, value, step)
    writer.close()
    return len(found)
