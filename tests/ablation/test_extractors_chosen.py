"""Which extractor looks at samples: as the protocol asks, Inception from a file and nothing else from it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch_fidelity.metric_isc import isc_features_to_metric

from ablation.datasets import Dataset, as_bytes, scaled
from ablation.scores import (
    choose,
    inception,
    score,
)
from ablation.scores.kernel import SEED
from ablation.spec import TrialSpec

Ask = Callable[..., TrialSpec]


def test_choose_follows_the_protocol(ask: Ask, digits: Dataset, ring: Dataset) -> None:
    bare = Dataset(train=digits.train, selection=digits.selection, test=digits.test)
    assert choose(ask(extractor="auto", dataset="ring8"), ring, None) is None
    for wanted in ("auto", "random"):
        found = choose(ask(extractor=wanted), bare, None)
        assert found is not None
        assert found.kind == "random"
    with pytest.raises(
        ValueError, match=r"protocol\.extractor is 'vgg'; it is one of auto, classifier"
    ):
        choose(ask(extractor="vgg"), digits, None)
    with pytest.raises(ValueError, match="needs labelled images; digits has none"):
        choose(ask(extractor="classifier"), bare, None)


def test_inception_without_its_file_says_where_it_comes_from(
    ask: Ask, digits: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "weights.pth"
    spec = ask(extractor="inception", weights=str(path))
    with pytest.raises(
        ValueError, match=rf"protocol\.weights={path} is not a file; get it from https://"
    ):
        choose(spec, digits, None)


@pytest.mark.slow
def test_inception_without_a_network_says_how_to_give_its_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(ValueError, match=r"cannot be had .*give protocol\.weights=FILE"):
        inception(None)


class Payload:
    """What a hostile file of weights unpickles."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("format", ["torch", "pickle", "garbage", "empty", "other tensors"])
def test_a_file_that_is_not_of_weights_is_refused_unrun(format: str, tmp_path: Path) -> None:
    path, mark = tmp_path / "weights.pth", tmp_path / "it-ran"
    if format == "torch":
        torch.save({"fc.weight": Payload(mark)}, path)
    elif format == "pickle":
        path.write_bytes(pickle.dumps(Payload(mark)))
    elif format == "other tensors":
        torch.save({"fc.weight": torch.zeros(3)}, path)
    else:
        path.write_bytes(b"" if format == "empty" else b"garbage" * 100)
    with pytest.raises(ValueError, match=r"weights") as refusal:
        inception(str(path))
    assert str(path) in str(refusal.value)
    assert not mark.exists()
    if format == "pickle":  # and the trap is alive
        with open(path, "rb") as file:
            pickle.load(file)
        assert mark.exists()


@pytest.mark.long
def test_inception_scores_with_the_weights_of_a_file(ask: Ask, tmp_path: Path) -> None:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Unloaded(FeatureExtractorInceptionV3):
        """The network with the weights that it was born with."""

        def load_state_dict(self, *_: Any, **__: Any) -> None:
            """Keep them."""

    empty, path = tmp_path / "empty.pth", tmp_path / "weights.pth"
    torch.save({}, empty)
    torch.manual_seed(0)
    born = Unloaded("inception-v3-compat", ["2048", "logits_unbiased"], str(empty))
    torch.save(born.state_dict(), path)

    stream = torch.Generator().manual_seed(2)
    pixels = torch.randint(0, 256, (24, 3, 16, 16), generator=stream, dtype=torch.uint8)
    data = Dataset(train=pixels[:12], selection=pixels[12:18], test=pixels[12:])
    extractor = choose(ask(weights=str(path)), data, None)
    assert extractor is not None
    assert (extractor.kind, extractor.name) == ("inception", f"inception-{extractor.weights[:6]}")
    samples = scaled(pixels[:12]) * 0.5
    features, logits = extractor.features(as_bytes(samples[:3]))
    expected = born(as_bytes(samples[:3]))
    assert torch.equal(features, expected[0])
    assert logits is not None
    assert torch.equal(logits, expected[1])

    fid, inception_score, *_ = score(samples, data, "pixels", extractor).scores
    assert fid.name == f"fid_{extractor.name}_12"
    assert fid.value > 0
    logits = born(as_bytes(samples))[1]
    theirs = isc_features_to_metric(logits, splits=10, shuffle=True, rng_seed=SEED)
    assert inception_score.value == pytest.approx(theirs["inception_score_mean"], rel=1e-6)
    grey = extractor.features(pixels[:2, :1])[0]  # one channel counts as three equal ones
    colour = extractor.features(pixels[:2, :1].expand(-1, 3, -1, -1))[0]
    assert torch.equal(grey, colour)
