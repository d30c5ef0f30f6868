"""The training step waits for nothing: between probes and looks at the guard no value leaves the device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from ablation.spec import TrialSpec
from ablation.trainer import GUARD, train
from ablation.training import Training
from ablation.trial import probe_of

Ask = Callable[..., TrialSpec]
Fit = Callable[..., Any]
WAYS: list[dict[str, Any]] = [
    {},
    {"architecture": "dcgan"},
    {"dataset": "ring8", "loss": "relativistic_average"},
    {"loss": "wasserstein", "penalty": "gradient_penalty", "n_critic": 3},
    {"loss": "hinge", "penalty": "lecam", "constraint": "gradient_clip"},
    {"constraint": "spectral_norm", "precision": "bf16", "schedule": "cosine"},
]


class Waits(TorchDispatchMode):
    """Counts what makes a GPU's host wait: reading a value, or moving a tensor to another device."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(
        self, function: Any, _: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = function.overloadpacket.__name__
        source = args[0].device if args and isinstance(args[0], torch.Tensor) else None
        moved = name == "_to_copy" and (kwargs or {}).get("device", source) != source
        if moved or name in ("_local_scalar_dense", "nonzero", "equal", "is_nonzero"):
            self.found.append(name)
        return function(*args, **(kwargs or {}))


class Reads(TorchFunctionMode):
    """Counts the ways in which Python asks for values, which a CPU tensor may answer without a kernel."""

    def __init__(self, found: list[str]) -> None:
        super().__init__()
        self.found = found

    def __torch_function__(
        self, function: Any, _: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = getattr(function, "__name__", "")
        if name in ("tolist", "item", "numpy", "cpu", "__bool__", "__float__", "__int__"):
            self.found.append(name)
        return function(*args, **(kwargs or {}))


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_no_value_is_read_between_probes(way: dict[str, Any], ask: Ask, begun: Fit) -> None:
    steps = GUARD + 10
    fitted = begun(ask(**way, steps=steps, probes=1))
    training, data = fitted.training, fitted.data
    probe = probe_of(training.spec, training, data, "cpu")
    waits, heard = Waits(), dict[int, list[str]]()

    def note(state: Training) -> None:
        heard[state.step] = list(waits.found)
        waits.found.clear()

    with waits, Reads(waits.found):
        train(training, data.train, probe, note)
    assert len(heard) == steps
    looked = [step for step in heard if heard[step]]
    assert all(probe.due(step) or step % GUARD == 0 or step == steps for step in looked), {
        step: heard[step] for step in looked
    }
    assert heard[GUARD] == ["tolist"], "the guard reads once"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device here")
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_gpu_is_not_waited_for_between_probes(way: dict[str, Any], ask: Ask, begun: Fit) -> None:
    from ablation.training import begin

    steps = GUARD - 1
    fitted = begun(ask(**way, steps=2 * GUARD, probes=0))
    training = begin(fitted.training.spec, fitted.data, "cuda")
    data = fitted.data.train.to("cuda")
    probe = probe_of(training.spec, training, fitted.data, "cuda")
    told: list[int] = []

    def note(state: Training) -> None:
        told.append(state.step)
        if state.step == 2:  # caches are filled, optimisers have their state
            torch.cuda.set_sync_debug_mode("error")
        if state.step == steps:
            torch.cuda.set_sync_debug_mode("default")

    try:
        train(training, data, probe, note)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert told == list(range(1, 2 * GUARD + 1))
