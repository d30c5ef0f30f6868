"""What the quick ways change: nothing but the order of sums. Convolutions of pictures; real and fake as one batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from conftest import question
from torch import Tensor, nn

from ablation.activations import site_maker
from ablation.catalogue import rows
from ablation.networks import dcgan, each_alone, mlp, resnet
from ablation.networks.few import FEW, FromPicture, ToPicture
from ablation.probes import unmoved
from ablation.spec import Part, TrialSpec

Ask = Callable[..., TrialSpec]
Fit = Callable[..., Any]


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("channels", [1, 3, FEW + 1])
@pytest.mark.parametrize(
    ("quick", "plain"), [(FromPicture, nn.Conv2d), (ToPicture, nn.ConvTranspose2d)]
)
def test_a_pictures_convolution_is_torchs_twice_differentiated_too(
    quick: type[nn.Conv2d], plain: type[nn.Conv2d], channels: int
) -> None:
    fed, made = (channels, 6) if quick is FromPicture else (6, channels)
    own, theirs = (kind(fed, made, 4, 2, 1).double() for kind in (quick, plain))
    theirs.load_state_dict(own.state_dict())
    for side in (8, 14):
        x = random(5, fed, side, side).requires_grad_(True)
        seen = []
        for layer in (own, theirs):
            y = layer(x)
            weights = random(*y.shape, seed=1)
            first = torch.autograd.grad(
                (y * weights).sin().sum(), [x, *layer.parameters()], create_graph=True
            )
            second = torch.autograd.grad(first[0].square().sum(), [x, *layer.parameters()])
            seen.append([y, *first, *second])
        for mine, other in zip(*seen, strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-9, atol=1e-9)


def calls(layer: nn.Module, x: Tensor) -> list[str]:
    """Return the kernels of one forward pass."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as seen:
        layer(x)
    return [event.name for event in seen.events()]


def test_a_picture_goes_the_quick_way_where_its_gradient_is_wanted() -> None:
    x = torch.rand(2, 1, 8, 8)
    assert "aten::im2col" not in calls(FromPicture(1, 6, 4, 2, 1), x)
    assert "aten::im2col" in calls(FromPicture(1, 6, 4, 2, 1), x.requires_grad_(True))
    assert "aten::col2im" in calls(ToPicture(6, 1, 4, 2, 1), torch.rand(2, 6, 8, 8))
    assert "aten::col2im" not in calls(ToPicture(6, 16, 4, 2, 1), torch.rand(2, 6, 8, 8))


@pytest.mark.parametrize("norm", ["none", "batch", "layer", "instance", "group"])
@pytest.mark.parametrize("name", ["mlp", "dcgan", "resnet"])
def test_samples_that_are_told_to_be_alone_are(name: str, norm: str) -> None:
    kinds = {"mlp": mlp, "dcgan": dcgan, "resnet": resnet}
    if (name, norm) == ("mlp", "instance"):
        norm = "none"  # instance norm needs pictures
    wide = {} if name != "resnet" else {"generator_width": None}
    wide |= {"depth": 2} if name == "mlp" else {}
    torch.manual_seed(0)
    D = kinds[name](
        (1, 16, 16), site_maker(question()), width=8, latent=8, output="auto", generator_norm="none",
        discriminator_norm=norm, discriminator_output="identity", **wide,
    ).discriminator  # fmt: skip
    assert each_alone(D) == (norm != "batch")
    x, y = (torch.randn(6, 1, 16, 16, generator=torch.Generator().manual_seed(s)) for s in (0, 1))
    with torch.no_grad(), unmoved(D):
        apart = torch.cat([D(x), D(3 * y)])
        joined = D(torch.cat([x, 3 * y]))
    assert torch.allclose(apart, joined, rtol=1e-4, atol=1e-5) == (norm != "batch")


@pytest.mark.parametrize("name", rows("architecture"))
def test_every_architecture_is_known_to_it(name: str, ask: Ask, begun: Fit) -> None:
    networks = begun(ask(architecture=name)).training.networks
    batch = any(
        isinstance(m, nn.modules.batchnorm._BatchNorm) for m in networks.discriminator.modules()
    )
    assert each_alone(networks.discriminator) != batch


class Mean(nn.Linear):
    """A layer of a user's own that looks at the batch."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x - x.mean(0))


@pytest.mark.parametrize(
    "layer",
    [Mean(2, 2), nn.Dropout(), nn.BatchNorm1d(2), nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2))],
    ids=lambda layer: type(layer).__name__,
)  # fmt: skip
def test_what_is_not_known_is_not_joined(layer: nn.Module) -> None:
    assert each_alone(nn.Sequential(nn.Linear(2, 2)))
    assert not each_alone(nn.Sequential(nn.Linear(2, 2), layer))


@pytest.mark.parametrize(
    ("way", "passes"),
    [({}, 2), ({"norm": "batch"}, 3), ({"constraint": "spectral_norm"}, 3)],
    ids=str,
)
def test_real_and_fake_pass_as_one_batch_where_they_may(
    way: dict[str, Any],
    passes: int,
    ask: Ask,
    begun: Fit,
    goes: Fit,
    part: Callable[..., Part],
) -> None:
    if "norm" in way:
        way = {"architecture": part("architecture", "mlp", discriminator_norm=way["norm"])}
    fitted, sizes = begun(ask(**way, steps=2, probes=0, batch_size=6)), list[int]()
    fitted.training.networks.discriminator.register_forward_pre_hook(
        lambda _, given: sizes.append(len(given[0]))
    )
    goes(fitted)
    assert len(sizes) == 2 * passes
    assert max(sizes) == (12 if passes == 2 else 6)
