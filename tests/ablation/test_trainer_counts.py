"""How often the players are updated, and the average that follows the generator."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from test_trainer import Ask, Fit

from ablation.catalogue import rows
from ablation.spec import Part

COUNTED = """
from dataclasses import dataclass
from ablation.losses import Loss

calls = []

def counting() -> Loss:
    def discriminator(*, real, fake):
        calls.append("D")
        return fake.mean() - real.mean()
    def generator(*, real, fake):
        calls.append("G")
        return -fake.mean()
    return Loss(discriminator, generator)
"""


@pytest.mark.parametrize("n_critic", [1, 2, 5])
def test_the_discriminator_is_updated_n_critic_times_for_each_update_of_the_generator(
    n_critic: int, ask: Ask, fit: Fit, trusted: Any
) -> None:
    import importlib
    import sys

    from ablation.factories import source_of

    (trusted / "counted.py").write_text(COUNTED)
    part = Part("counting", "counted.counting")
    part = Part("counting", "counted.counting", source=source_of(part))
    sys.modules.pop("counted", None)
    fitted = fit(ask(loss=part, n_critic=n_critic, steps=4))
    calls = importlib.import_module("counted").calls
    assert "".join(calls) == ("D" * n_critic + "G") * 4
    for name, updates in (("discriminator", 4 * n_critic), ("generator", 4)):
        slots = fitted.training.optimizers[name].state_dict()["state"]
        assert {int(slot["step"]) for slot in slots.values()} == {updates}
    del sys.modules["counted"]


@pytest.mark.slow
@pytest.mark.parametrize("ema", [0.0, 0.15, 0.5, 0.999])
@pytest.mark.parametrize("architecture", rows("architecture"))
def test_the_average_follows_its_formula(
    architecture: str, ema: float, ask: Ask, begun: Fit, goes: Fit
) -> None:
    """avg <- d avg + (1 - d) w with d = min(ema, (1 + t)/(10 + t)); batch norm's statistics are copied."""
    data = "photo_patches" if architecture == "resnet" else "digits"
    fitted = begun(ask(architecture=architecture, dataset=data, ema=ema, steps=8))
    generator, average = fitted.training.networks.generator, fitted.training.average
    expected = [p.detach().double().clone() for p in generator.parameters()]

    def after(training: Any) -> None:
        t = training.step
        decay = min(ema, (1 + t) / (10 + t))
        for mine, weight, found in zip(
            expected, generator.parameters(), average.parameters(), strict=True
        ):
            mine.mul_(decay).add_(weight.detach().double(), alpha=1 - decay)
            torch.testing.assert_close(found.double(), mine, rtol=1e-5, atol=1e-7)
        for mine, theirs in zip(average.buffers(), generator.buffers(), strict=True):
            assert torch.equal(mine, theirs)

    goes(fitted, after=after)
    assert not average.training
    if ema == 0.0:
        pairs = zip(average.parameters(), generator.parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)
