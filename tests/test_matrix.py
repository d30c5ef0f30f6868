"""Every activation trains in every kind of network under both kinds of loss: `ablation train`, 20 steps each."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from ablation.__main__ import main
from ablation.catalogue import rows

SMALL = {
    "mlp": ["architecture.width=32", "architecture.depth=2"],
    "dcgan": ["architecture.width=8", "architecture.discriminator_norm=none"],
}
GAMES = {
    "non_saturating": ["loss=non_saturating"],
    "wasserstein": ["loss=wasserstein", "penalty=gradient_penalty"],
}


@pytest.mark.slow
@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("architecture", SMALL)
@pytest.mark.parametrize("activation", rows("activation"))
def test_an_activation_trains(
    activation: str,
    architecture: str,
    game: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [f"activation={activation}", f"architecture={architecture}", *SMALL[architecture]]
    words += [*GAMES[game], "budget=smoke", "budget.steps=20", "budget.batch_size=16"]
    words += ["protocol.samples=64", "protocol.probes=2"]
    code = main(["train", *words, "--out", str(tmp_path / "trial"), "--json"])
    result = json.loads(capsys.readouterr().out)
    assert code == 0
    assert result["outcome"] in ("finished", "collapsed"), result["message"]
    assert result["step"] == 20
    assert all(math.isfinite(score["value"]) for score in result["scores"].values())
    assert result["provenance"]["activations"][activation]["gain"] > 0
