"""The benchmarks themselves: the tutorial's loop does the same work as ours, and the page says what was measured."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

sys.path.append(str(Path(__file__).resolve().parent / "benchmarks"))

import baseline

from ablation.compose import compose
from ablation.datasets import Dataset, scaled
from ablation.factories import make
from ablation.randomness import stream
from ablation.trainer import train
from ablation.training import Training, begin
from ablation.trial import probe_of

GAMES = {
    "mlp": ["dataset=digits", "architecture=mlp"],
    "dcgan": ["dataset=digits", "architecture=dcgan"],
    "ring8": ["dataset=ring8", "architecture=mlp"],
    "critic": [
        *("dataset=digits", "architecture=mlp", "loss=wasserstein"),
        *("penalty=gradient_penalty", "n_critic=5"),
    ],
}
STEPS = 3


def begun(words: list[str]) -> tuple[Training, Dataset]:
    spec = compose([*words, "budget=smoke"])
    spec = replace(
        spec,
        budget=replace(spec.budget, steps=STEPS),
        protocol=replace(spec.protocol, probes=STEPS),
    )
    data = make(spec.dataset, Dataset)
    return begin(spec, data, "cpu"), data


class Loop(baseline.Loop):
    """The tutorial's loop, with the noise of a trial."""

    def noise(self, count: int) -> Tensor:
        return torch.randn(count, baseline.LATENT, generator=self.draws)

    draws: torch.Generator


@pytest.mark.slow
@pytest.mark.parametrize("game", GAMES)
def test_the_tutorials_loop_moves_the_weights_as_ours_does(game: str) -> None:
    ours, data = begun(GAMES[game])
    spec = ours.spec
    side = data.shape[-1] if data.is_images else 0
    convolves = spec.architecture.name == "dcgan"
    players = baseline.dcgan(side) if convolves else baseline.mlp(data.shape)
    for mine, theirs in zip(
        (ours.networks.generator, ours.networks.discriminator), players, strict=True
    ):
        state = mine.state_dict().values()
        assert [x.shape for x in state] == [x.shape for x in theirs.state_dict().values()]
        theirs.load_state_dict(dict(zip(theirs.state_dict(), state, strict=True)))
    order, draws = stream(spec, "order"), stream(spec, "noise")

    def batches() -> Iterator[Tensor]:
        while True:
            yield scaled(data.train[torch.randint(len(data.train), (64,), generator=order)])

    critic = game == "critic"
    loop = Loop(*players, batches(), spec.n_critic, 10.0 if critic else 0.0)
    loop.draws = draws
    torch.default_generator.set_state(stream(spec, "penalty").get_state())
    for _ in range(STEPS):
        loop.step()

    probe = probe_of(spec, ours, data, "cpu")
    train(ours, data.train, probe, lambda _: None)
    found = {(r.step, r.network): r.value for r in probe.readings if r.quantity == "loss"}
    for step, (d_loss, g_loss) in enumerate(loop.losses, 1):
        assert found[step, "discriminator"] == pytest.approx(d_loss, rel=1e-3)
        assert found[step, "generator"] == pytest.approx(g_loss, rel=1e-3)
    assert len(loop.losses) == STEPS
    own = (ours.networks.generator, ours.networks.discriminator)
    for mine, theirs in zip(own, players, strict=True):
        for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
            # Adam's first steps turn a gradient near 0 into a whole step of either sign
            off = (a - b).abs() > 1e-5
            assert off.double().mean() < (0.05 if critic else 0.02)  # a critic takes 15 of them
