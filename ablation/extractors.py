"""What looks at pictures: a classifier trained on the data set's own labels, or fixed random features."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ablation.datasets import Dataset, cache_folder, scaled
from ablation.files import locked

FEATURES = 64
RECIPE = {
    "version": 1,
    "features": FEATURES,
    "steps": 1500,
    "batch": 64,
    "lr": 4e-3,
}

Say = Callable[[str], None]


def print_nothing(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Extractor:
    """Maps uint8 images (N C H W) to features (N F) and, where it classifies, logits (N K)."""

    name: str
    kind: str
    look: Callable[[Tensor], tuple[Tensor, Tensor | None]]
    weights: str
    accuracy: float | None = None

    def features(self, images: Tensor, batch: int = 500) -> tuple[Tensor, Tensor | None]:
        """Return features and logits of all images on the CPU."""
        with torch.no_grad():
            parts = [self.look(images[at : at + batch]) for at in range(0, len(images), batch)]
        features = torch.cat([part[0].cpu() for part in parts])
        logits = [part[1].cpu() for part in parts if part[1] is not None]
        return features, torch.cat(logits) if logits else None


def told_of(extractor: Extractor | None) -> dict[str, Any] | None:
    """Return what a result says of the extractor that looked at its samples, None for vectors."""
    if extractor is None:
        return None
    return {name: getattr(extractor, name) for name in ("name", "kind", "accuracy", "weights")}


class Classifier(nn.Module):
    """A small convolutional classifier of images of any size from 4 pixels."""

    def __init__(self, channels: int, classes: int) -> None:
        """Make three convolutions, `FEATURES` pooled features and one linear layer."""
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, 16, 3, 1, 1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(16, 32, 3, 2, 1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(32, 64, 3, 2, 1),
            nn.LeakyReLU(0.1),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(256, FEATURES),
            nn.LeakyReLU(0.1),
        )
        self.head = nn.Linear(FEATURES, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return features (N F) and logits (N K) of images in [-1, 1]."""
        features = self.body(x)
        return features, self.head(features)


def classifier(
    name: str, data: Dataset, folder: Path | None, say: Say = print_nothing
) -> Extractor:
    """Return the classifier of a labelled data set, trained once and kept in `folder` and in the cache.

    Its weights differ between machines, so a study keeps the file that its first trial made: the name carries their
    hash. `say` is told when it has to be trained. Stacked data are looked at by the classifier of what is stacked.
    Raises ValueError for data without labels.
    """
    if data.single is not None:
        return each_channel(classifier(name, data.single, folder, say))
    if data.train_labels is None or data.test_labels is None or not data.is_images:
        raise ValueError(f"protocol.extractor=classifier needs labelled images; {name} has none")
    recipe = json.dumps([RECIPE, data.fingerprint], sort_keys=True).encode()
    file = f"{name}-cnn-{hashlib.sha256(recipe).hexdigest()[:10]}.pt"
    model = Classifier(data.shape[0], data.classes)

    def produce(place: Path) -> None:
        say(f"training the classifier of {name} that scores its samples, once: up to a minute")
        _fit(model, data, place)

    path = _kept(file, folder, produce)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        model.load_state_dict(state["model"])
        accuracy = float(state["accuracy"])
    except Exception as error:  # torch raises many kinds for a damaged file
        raise ValueError(f"{path} is damaged; remove it and it is trained again") from error
    model.eval().requires_grad_(False)
    weights = state_hash(model)
    return Extractor(
        name=f"{name}-cnn-{weights[:6]}",
        kind="classifier",
        look=lambda images: model(scaled(images)),
        weights=weights,
        accuracy=accuracy,
    )


def each_channel(one: Extractor) -> Extractor:
    """Return an extractor that looks at each channel of an image by itself.

    Its features are those of all channels (N CF), its logits the log-probabilities of all combinations of their
    classes, the first channel counting most (N K^C); its accuracy is that of one channel.
    """

    def look(images: Tensor) -> tuple[Tensor, Tensor | None]:
        features, joint = [], torch.zeros(len(images), 1, device=images.device)
        for channel in images.split(1, dim=1):
            seen, logits = one.look(channel)
            assert logits is not None
            features.append(seen)
            joint = (joint[:, :, None] + logits.log_softmax(1)[:, None]).flatten(1)
        return torch.cat(features, 1), joint

    return replace(one, look=look)


def _kept(file: str, folder: Path | None, produce: Callable[[Path], None]) -> Path:
    """Return `file` in the study's folder, else from the cache, else produced: once among all processes."""
    cache = cache_folder() / "extractors"
    own = folder or cache
    own.mkdir(parents=True, exist_ok=True)
    with locked(own / f".{file}.lock"):
        if not (own / file).exists():
            cache.mkdir(parents=True, exist_ok=True)
            with locked(cache / f".{file}.cache-lock"):
                if not (cache / file).exists():
                    produce(cache / file)
            if own != cache:
                shutil.copyfile(cache / file, own / f"{file}.tmp")
                (own / f"{file}.tmp").replace(own / file)
    return own / file


def _fit(model: Classifier, data: Dataset, path: Path) -> None:
    """Train the classifier and write it with its accuracy on the test split."""
    assert data.train_labels is not None
    assert data.test_labels is not None
    fit(model, data.train, data.train_labels)
    right = predicted(model, data.test) == data.test_labels
    draft = path.with_name(path.name + ".tmp")
    torch.save({"model": model.state_dict(), "accuracy": float(right.double().mean())}, draft)
    draft.replace(path)


def fit(model: Classifier, images: Tensor, labels: Tensor, seed: int = 0) -> None:
    """Train a classifier of uint8 images (N C H W) on their labels (N) by `RECIPE`, from its first weights on."""
    stream = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        bound = (3 / parameter[0].numel()) ** 0.5 if parameter.dim() > 1 else 0.0
        with torch.no_grad():
            parameter.uniform_(-bound, bound, generator=stream)
    batch, steps = int(RECIPE["batch"]), int(RECIPE["steps"])
    optimizer = torch.optim.Adam(model.parameters(), lr=RECIPE["lr"])
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        rows = torch.randint(len(images), (batch,), generator=stream)
        optimizer.zero_grad()
        cross_entropy(model(scaled(images[rows]))[1], labels[rows]).backward()
        optimizer.step()
        decay.step()


@torch.no_grad()
def predicted(model: Classifier, images: Tensor) -> Tensor:
    """Return the class (N) that a classifier gives to each uint8 image (N C H W)."""
    return torch.cat([model(scaled(some))[1].argmax(1) for some in images.split(500)])


def random_features(name: str, channels: int) -> Extractor:
    """Return fixed random convolutional features: for pictures without labels, where Inception is not to be had."""
    stream = torch.Generator().manual_seed(0)
    body = Classifier(channels, 1).body
    for parameter in body.parameters():
        std = (2 / parameter[0].numel()) ** 0.5 if parameter.dim() > 1 else 0.0
        with torch.no_grad():
            parameter.normal_(0, std, generator=stream)
    body.requires_grad_(False)
    weights = state_hash(body)
    return Extractor(
        name=f"{name}-random-{weights[:6]}",
        kind="random",
        look=lambda images: (body(scaled(images)), None),
        weights=weights,
    )


def state_hash(*modules: nn.Module) -> str:
    """Return the SHA-256 over names, shapes and bytes of modules' weights and buffers."""
    digest = hashlib.sha256()
    for module in modules:
        for name, tensor in module.state_dict().items():
            digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
