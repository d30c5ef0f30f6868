"""Scores as a script takes them: torch-fidelity called plainly, with a classifier as its feature extractor."""

from __future__ import annotations

from pathlib import Path

import torch
import torch_fidelity
from torch import Tensor, nn
from torch.utils.data import Dataset
from torch_fidelity.feature_extractor_base import FeatureExtractorBase

LAYERS = ("features", "logits")
NAMES = {
    "fid": "frechet_inception_distance",
    "is": "inception_score_mean",
    "kid": "kernel_inception_distance_mean",
    "precision": "precision",
    "recall": "recall",
}


class Samples(Dataset[Tensor]):
    """Pictures (uint8 N C H W), one by one."""

    def __init__(self, images: Tensor) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        return self.images[index]


class Seen(FeatureExtractorBase):
    """What torch-fidelity asks of a network: named layers of a batch of pictures."""

    model: nn.Module

    def __init__(self, name: str, features_list: list[str], **_: object) -> None:
        super().__init__(name, features_list)

    @staticmethod
    def get_provided_features_list() -> tuple[str, ...]:
        return LAYERS

    @staticmethod
    def get_default_feature_layer_for_metric(metric: str) -> str:
        return {"isc": "logits"}.get(metric, "features")

    @staticmethod
    def can_be_compiled() -> bool:
        return False

    @staticmethod
    def get_dummy_input_for_compile() -> Tensor:
        return torch.zeros(1, 1, 28, 28, dtype=torch.uint8)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        found = dict(zip(LAYERS, self.model(images.float() / 127.5 - 1), strict=True))
        return tuple(found[name] for name in self.features_list)


def load_classifier(file: Path) -> nn.Module:
    """Return the classifier of a study, trained once for both sides: three convolutions, 64 features, ten classes."""
    body = nn.Sequential(
        *(nn.Conv2d(1, 16, 3, 1, 1), nn.LeakyReLU(0.1), nn.Conv2d(16, 32, 3, 2, 1)),
        *(nn.LeakyReLU(0.1), nn.Conv2d(32, 64, 3, 2, 1), nn.LeakyReLU(0.1)),
        *(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(256, 64), nn.LeakyReLU(0.1)),
    )
    model = TwoLayers(body, nn.Linear(64, 10))
    model.load_state_dict(torch.load(file, weights_only=True)["model"])
    return model.eval()


class TwoLayers(nn.Module):
    """Features and logits."""

    def __init__(self, body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.body, self.head = body, head

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(x)
        return features, self.head(features)


@torch.no_grad()
def sampled(generator: nn.Module, latent: int, count: int) -> Tensor:
    """Return generated pictures (uint8 N C H W), 250 at a time."""
    generator.eval()
    parts = [generator(torch.randn(250, latent)) for _ in range(0, count, 250)]
    return torch.cat(parts)[:count].clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8)


def fidelity(fake: Tensor, real: Tensor, model: nn.Module) -> dict[str, float]:
    """Return FID, IS, KID, precision and recall of pictures (uint8 N C H W) by one call of torch-fidelity."""
    Seen.model = model
    if "plain" not in torch_fidelity.registry.FEATURE_EXTRACTORS_REGISTRY:
        torch_fidelity.register_feature_extractor("plain", Seen)
    found = torch_fidelity.calculate_metrics(
        input1=Samples(fake),
        input2=Samples(real),
        feature_extractor="plain",
        cuda=False,
        isc=True,
        fid=True,
        kid=True,
        prc=True,
        kid_subset_size=500,  # ours; theirs is 1,000, which takes them longer
        verbose=False,
    )
    return {name: float(found[theirs]) for name, theirs in NAMES.items()}
