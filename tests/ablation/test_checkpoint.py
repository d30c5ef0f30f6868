"""A training on disk goes on bit for bit, and damage is named."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ablation.checkpoint import load, newest, save
from ablation.spec import TrialSpec

Ask = Callable[..., TrialSpec]
Fit = Callable[..., Any]
WAYS: list[dict[str, Any]] = [
    {},
    {"loss": "wasserstein", "penalty": "gradient_penalty", "n_critic": 2},
    {"loss": "wasserstein", "penalty": "weight_clip", "n_critic": 2, "optimizer": "rmsprop"},
    {"architecture": "dcgan", "activation": "relu"},
    {"dataset": "ring8", "loss": "least_squares"},
    {"dataset": "ring8", "packing": 2, "schedule": "cosine", "ttur": 3.0, "ema": 0.0},
    {"architecture": "dcgan", "constraint": "spectral_norm", "precision": "bf16"},
    {"constraint": "gradient_clip", "penalty": "lecam", "activation": "rrelu"},
    {"dataset": "ring8", "activation": "swish", "evaluations": 4},
    {"architecture": "maxout_mlp", "generator": "relu", "discriminator": "maxout"},
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "stop"), [*((way, 5) for way in WAYS), (WAYS[0], 1), (WAYS[0], 11)], ids=str
)
def test_a_stopped_training_ends_in_the_same_bits(
    way: dict[str, Any], stop: int, ask: Ask, fit: Fit, begun: Fit, goes: Fit, tmp_path: Path
) -> None:
    spec = ask(**way, steps=12, probes=4)
    grids = {2: torch.arange(8, dtype=torch.uint8).reshape(2, 1, 2, 2), 5: torch.rand(3, 2)}
    whole = fit(spec)

    half, path = fit(spec, until=stop), tmp_path / "checkpoint.pt"
    save(path, half.training, half.probe, half.selection, grids)
    torch.manual_seed(stop)  # nothing may depend on the global stream
    rest = begun(spec)
    found = load(path, rest.training, rest.probe, rest.selection)
    assert rest.training.step == stop
    assert {k: v.tolist() for k, v in found.items()} == {k: v.tolist() for k, v in grids.items()}
    goes(rest)

    expected, state = whole.state(), rest.state()
    assert expected.keys() == state.keys()
    assert [k for k, v in state.items() if not torch.equal(v, expected[k])] == []
    assert [v.dtype for v in state.values()] == [v.dtype for v in expected.values()]
    assert rest.probe.readings == whole.probe.readings
    assert rest.selection.history == whole.selection.history
    assert rest.selection.best.keys() == whole.selection.best.keys()
    assert all(torch.equal(v, whole.selection.best[k]) for k, v in rest.selection.best.items())
    assert rest.outcome == whole.outcome


def test_a_checkpoint_keeps_every_thing_that_training_moves(
    ask: Ask, fit: Fit, begun: Fit, tmp_path: Path
) -> None:
    spec = ask(architecture="dcgan", penalty="gradient_penalty", steps=6, probes=2)
    half = fit(spec, until=3)
    half.training.broken = 2
    save(tmp_path / "c.pt", half.training, half.probe, half.selection, {})
    fresh = begun(spec)
    start = {k: v.clone() for k, v in fresh.state().items()}
    load(tmp_path / "c.pt", fresh.training, fresh.probe, fresh.selection)
    state, moved = fresh.state(), half.state()
    assert all(torch.equal(state[k], v) for k, v in moved.items())
    unmoved = [k for k, v in start.items() if torch.equal(v, state[k])]
    assert unmoved == []  # each of them differs after three steps, or it was no test
    assert fresh.training.broken == 2
    assert [path.name for path in tmp_path.iterdir()] == ["c.pt"]


@pytest.mark.slow
def test_saving_moves_nothing(ask: Ask, fit: Fit, begun: Fit, goes: Fit, tmp_path: Path) -> None:
    spec = ask(architecture="dcgan", steps=5, probes=2)
    whole, saved = fit(spec), begun(spec)
    goes(
        saved,
        after=lambda training: save(tmp_path / "c.pt", training, saved.probe, saved.selection, {}),
    )
    expected = whole.state()
    assert [k for k, v in saved.state().items() if not torch.equal(v, expected[k])] == []


@pytest.mark.parametrize(
    "damage",
    [lambda _: b"", lambda data: data[: len(data) // 2], lambda _: b"x" * 500],
    ids=["empty", "half", "another file"],
)
def test_a_damaged_checkpoint_is_named(
    damage: Callable[[bytes], bytes], ask: Ask, fit: Fit, begun: Fit, tmp_path: Path
) -> None:
    spec = ask(steps=4)
    half, path = fit(spec, until=2), tmp_path / "checkpoint.pt"
    save(path, half.training, half.probe, half.selection, {})
    path.write_bytes(damage(path.read_bytes()))
    fresh = begun(spec)
    with pytest.raises(ValueError, match=r"checkpoint\.pt is damaged"):
        load(path, fresh.training, fresh.probe, fresh.selection)
    assert fresh.training.step == 0


class Payload:
    """What a hostile checkpoint unpickles."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.mark),))


def test_a_checkpoint_runs_no_code(ask: Ask, begun: Fit, tmp_path: Path) -> None:
    fresh, mark = begun(ask()), tmp_path / "it-ran"
    torch.save({"key": fresh.training.spec.key, "step": Payload(mark)}, tmp_path / "c.pt")
    with pytest.raises(ValueError, match=r"c\.pt is damaged"):
        load(tmp_path / "c.pt", fresh.training, fresh.probe, fresh.selection)
    assert not mark.exists()


def test_another_trial_s_checkpoint_is_refused(
    ask: Ask, fit: Fit, begun: Fit, tmp_path: Path
) -> None:
    half, other = fit(ask(steps=4), until=2), begun(ask(steps=4, seed=1))
    save(tmp_path / "c.pt", half.training, half.probe, half.selection, {})
    with pytest.raises(ValueError, match=f"belongs to the trial {half.training.spec.key}"):
        load(tmp_path / "c.pt", other.training, other.probe, other.selection)
    same = begun(ask(steps=4, probes=3))  # another protocol is the same trial
    load(tmp_path / "c.pt", same.training, same.probe, same.selection)
    assert same.training.step == 2


def test_the_newest_checkpoint_of_all_attempts_is_found(tmp_path: Path) -> None:
    assert newest(tmp_path) is None
    for attempt, age in ((0, 50), (2, 10), (10, 30)):
        path = tmp_path / f".attempt-{attempt}" / "checkpoint.pt"
        path.parent.mkdir()
        path.touch()
        os.utime(path, (1e9 - age, 1e9 - age))
    assert newest(tmp_path) == tmp_path / ".attempt-10" / "checkpoint.pt"
