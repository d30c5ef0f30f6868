"""Architectures: shapes, sites in order, and how weights start."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from built import build, normal
from torch import Tensor, nn

from ablation.activations import Activation, ActivationSite, sites
from ablation.catalogue import row, rows
from ablation.networks import NORMS, WEIGHTED, Networks, parameters
from ablation.networks.players import normal as norm_of
from ablation.networks.resnet import Block
from ablation.part import BEFORE
from ablation.probes import tapped
from ablation.spec import Part, TrialSpec

Ask = Callable[..., TrialSpec]
ACTIVATIONS = list(rows("activation"))
SAME = [
    name
    for name in ACTIVATIONS
    if Activation(Part.read(row("activation", name), "")).channels_out(60) == 60
]
"""The activations that keep the number of channels."""
PIXELS = [(1, 8, 8), (3, 16, 16), (6, 16, 16), (1, 28, 28), (3, 32, 32), (3, 64, 64), (6, 32, 32)]
VECTORS = [(2,), (8,)]
ARCHITECTURES = list(rows("architecture"))
PERCEPTRONS = [name for name in ARCHITECTURES if "mlp" in name]


SHAPES = [
    *((name, shape) for name in PERCEPTRONS for shape in VECTORS),
    *((name, shape) for name in ARCHITECTURES for shape in PIXELS),
]


def weighted(network: nn.Module) -> list[Any]:
    """Return the layers with weights, which no longer need gradients."""
    return [m.requires_grad_(False) for m in network.modules() if isinstance(m, WEIGHTED)]


@pytest.mark.parametrize(("name", "shape"), SHAPES, ids=str)
def test_noise_becomes_samples_and_samples_become_logits(
    name: str, shape: tuple[int, ...], ask: Ask
) -> None:
    networks = build(ask(architecture=name), shape)
    with torch.no_grad():
        samples = networks.generator(10 * normal(5, networks.latent))
        logits = networks.discriminator(samples)
    assert samples.shape == (5, *shape)
    assert logits.shape == (5,)
    assert samples.dtype == logits.dtype == torch.float32
    if len(shape) == 3:
        assert float(samples.abs().max()) <= 1
    networks.generator.eval()  # batch norm has nothing to say of one sample
    with torch.no_grad():
        assert networks.discriminator(samples[:2]).shape == (2,)
        assert networks.generator(normal(1, networks.latent)).shape == (1, *shape)


def test_vectors_are_not_squeezed_into_the_range_of_images(ask: Ask) -> None:
    generator = build(ask(architecture="mlp"), (2,)).generator
    with torch.no_grad():
        assert float(generator(30 * normal(200, 8)).abs().max()) > 1


@pytest.mark.parametrize(("name", "shape"), SHAPES, ids=str)
def test_sites_are_named_in_the_order_in_which_a_sample_passes(
    name: str, shape: tuple[int, ...], ask: Ask
) -> None:
    networks = build(ask(architecture=name), shape)
    for network, players in (
        ("generator", networks.generator),
        ("discriminator", networks.discriminator),
    ):
        passed: list[str] = []
        with (
            tapped(sites(players), lambda site, *_, to=passed: to.append(site.name)),
            torch.no_grad(),
        ):
            players(normal(4, networks.latent) if network == "generator" else normal(4, *shape))
        assert passed == [f"{network}.{number}" for number in range(len(passed))]
        assert passed == [site.name for site in sites(players)]
        assert passed


@pytest.mark.parametrize(
    ("shape", "levels"), [((1, 8, 8), 1), ((1, 28, 28), 2), ((3, 32, 32), 3), ((3, 64, 64), 4)]
)
def test_dcgan_has_a_site_at_each_halving(shape: tuple[int, ...], levels: int, ask: Ask) -> None:
    networks = build(ask(architecture="dcgan"), shape)
    assert len(sites(networks.generator)) == len(sites(networks.discriminator)) == levels
    norms = [m for m in networks.discriminator.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == levels - 1  # none next to the image (Radford et al. 2016)
    assert all(norm.momentum == 0.1 and norm.eps == 1e-5 for norm in norms)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_mlp_has_as_many_sites_as_it_is_deep(
    depth: int, ask: Ask, part: Callable[..., Part]
) -> None:
    spec = ask(architecture=part("architecture", "mlp", depth=depth, width=7))
    networks = build(spec, (1, 4, 4))
    assert len(sites(networks.generator)) == len(sites(networks.discriminator)) == depth
    assert [m.weight.shape[0] for m in weighted(networks.generator)] == [7] * depth + [16]


@pytest.mark.parametrize(
    "shape",
    [(2,), (1, 7, 7), (3, 9, 9), (1, 33, 33), (1, 3, 3), (3, 32, 16), (1, 22, 22), (1, 18, 18)],
)
@pytest.mark.parametrize("name", ["dcgan", "resnet"])
def test_shapes_that_do_not_halve_are_refused(name: str, shape: tuple[int, ...], ask: Ask) -> None:
    with pytest.raises(ValueError, match=f"{name} makes s") as refusal:
        build(ask(architecture=name), shape)
    assert str(shape[-1]) in str(refusal.value)


WRONG = [
    ("mlp", {"width": 0}, "architecture.width is 0"),
    ("mlp", {"depth": -1}, "architecture.depth is -1"),
    ("mlp", {"latent": 1.5}, "latent is 1.5"),
    ("mlp", {"width": True}, "width is True"),
    ("mlp", {"output": "relu"}, "architecture.output is 'relu'"),
    ("dcgan", {"width": 0}, "architecture.width is 0"),
    ("dcgan", {"output": "softmax"}, "architecture.output is 'softmax'"),
    ("dcgan", {"generator_norm": "weight"}, "generator_norm is 'weight'"),
    ("dcgan", {"discriminator_norm": "weight"}, "discriminator_norm is 'weight'"),
    ("dcgan", {"discriminator_norm": "spectral"}, "constraint=spectral_norm"),
    ("mlp", {"discriminator_norm": "spectral"}, "constraint=spectral_norm"),
    ("mlp", {"generator_norm": "instance"}, "generator_norm is 'instance'; instance norm needs p"),
    ("mlp", {"discriminator_norm": "instance"}, "architecture.discriminator_norm is 'instance'"),
    ("mlp", {"discriminator_output": "tanh"}, "discriminator_output is 'tanh'"),
    ("mlp", {"generator_width": 0}, "architecture.generator_width is 0"),
    ("mlp", {"generator_depth": -2}, "architecture.generator_depth is -2"),
    ("mlp", {"fixed_std": 0.0}, "architecture.fixed_std is 0.0"),
    ("resnet", {"width": 2.0}, "architecture.width is 2.0"),
    ("resnet", {"generator_width": 0}, "architecture.generator_width is 0"),
]


@pytest.mark.parametrize(("name", "settings", "told"), WRONG, ids=[told for *_, told in WRONG])
def test_a_wrong_setting_is_refused_by_its_place(
    name: str, settings: dict[str, Any], told: str, ask: Ask, part: Callable[..., Part]
) -> None:
    with pytest.raises(ValueError, match=told):
        build(ask(architecture=part("architecture", name, **settings)), (1, 8, 8))


def moments(networks: Networks, shape: tuple[int, ...]) -> dict[str, float]:
    """Return the second moment of the pre-activations at each site, for unit normal noise and samples."""
    found: dict[str, float] = {}

    def tap(site: ActivationSite, u: Tensor, _: Tensor) -> None:
        found[site.name] = float(u.square().mean())

    with torch.no_grad(), tapped(sites(networks.generator, networks.discriminator), tap):
        networks.generator(normal(1000, networks.latent))
        networks.discriminator(normal(1000, *shape))
    return found


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_matched_weights_give_pre_activations_of_unit_second_moment(
    name: str, ask: Ask, part: Callable[..., Part]
) -> None:
    """E u^2 = gain^2 E phi(v)^2 = 1 if the gain is that of the activation through which u's inputs came.

    Where slopes grow without end, so does a deviation from 1, layer by layer: there the first layers count.
    """
    wide = part("architecture", "mlp", width=400, depth=4, latent=400)
    found = moments(build(ask(activation=name, architecture=wide), (400,)), (400,))
    assert len(found) == 8
    endless = math.isinf(Activation(part("activation", name)).steepest)
    for site, moment in found.items():
        if not endless or site.endswith((".0", ".1")):
            assert 0.8 < moment < 1.25, (site, found)


@pytest.mark.parametrize("pair", [("sigmoid", "tanh"), ("relu", "identity")], ids=str)
def test_matched_weights_fit_sites_with_activations_of_their_own(
    pair: tuple[str, str], ask: Ask, part: Callable[..., Part]
) -> None:
    wide = part("architecture", "mlp", width=400, depth=3, latent=400)
    at = {"generator.1": pair[1], "discriminator.1": pair[1]}
    spec = ask(activation=pair[0], at=at, architecture=wide)
    for site, moment in moments(build(spec, (400,)), (400,)).items():
        assert 0.8 < moment < 1.25, site


@pytest.mark.parametrize("name", ["relu", "tanh", "sigmoid"])
def test_convolutions_count_the_inputs_that_reach_one_output(
    name: str, ask: Ask, part: Callable[..., Part]
) -> None:
    """Away from the border: there some inputs are padding. A transposed one has a quarter of its kernel's."""
    bare = {"generator_norm": "none", "discriminator_norm": "none"}
    wide = part("architecture", "dcgan", width=32, latent=128, **bare)
    networks = build(ask(activation=name, architecture=wide), (3, 32, 32))
    found: dict[str, float] = {}

    def tap(site: ActivationSite, u: Tensor, _: Tensor) -> None:
        found[site.name] = float(u[..., 1:-1, 1:-1].square().mean())

    with torch.no_grad(), tapped(sites(networks.generator, networks.discriminator), tap):
        networks.generator(normal(60, 128))
        networks.discriminator(normal(60, 3, 32, 32))
    for site in ("generator.0", "generator.1", "discriminator.0", "discriminator.1"):
        assert 0.7 < found[site] < 1.4, (site, found)


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("other", ["tanh", "sigmoid", "prelu"])
def test_fixed_weights_ignore_the_activation(other: str, name: str, ask: Ask) -> None:
    a, b = (
        build(ask(activation=activation, architecture=name), (1, 8, 8), "fixed")
        for activation in ("relu", other)
    )
    for mine, theirs in ((a.generator, b.generator), (a.discriminator, b.discriminator)):
        pairs = zip(weighted(mine), weighted(theirs), strict=True)
        assert all(torch.equal(x.weight, y.weight) for x, y in pairs)


def test_fixed_weights_are_those_of_the_papers(ask: Ask, part: Callable[..., Part]) -> None:
    """DCGAN starts from N(0, .02); an MLP from ReLU's gain."""
    wide = ask(architecture=part("architecture", "dcgan", width=32, latent=64))
    for module in weighted(build(wide, (3, 32, 32), "fixed").generator)[:-1]:
        assert float(module.weight.std()) == pytest.approx(0.02, rel=0.05)
    mlp = ask(activation="tanh", architecture=part("architecture", "mlp", width=300))
    module = weighted(build(mlp, (300,), "fixed").generator)[1]
    assert float(module.weight.std()) == pytest.approx(math.sqrt(2 / 300), rel=0.02)


@pytest.mark.parametrize(
    ("other", "name"),
    [
        *((other, "mlp") for other in SAME if other not in ("relu", "identity", "selu")),
        *((other, name) for other in ("tanh", "sigmoid") for name in ARCHITECTURES),
    ],
)
def test_equal_seeds_start_from_proportional_weights(other: str, name: str, ask: Ask) -> None:
    """So that two activations differ in the scale of their weights, and in no direction."""
    a, b = (build(ask(activation=x, architecture=name), (1, 8, 8)) for x in ("relu", other))
    ratio = Activation(sites(b.generator)[0].activation.part).gain / math.sqrt(2)
    seen = set()
    for mine, theirs in ((a.generator, b.generator), (a.discriminator, b.discriminator)):
        for x, y in zip(weighted(mine), weighted(theirs), strict=True):
            scale = float((x.weight * y.weight).sum() / x.weight.square().sum())
            torch.testing.assert_close(y.weight, x.weight * scale, rtol=1e-5, atol=1e-7)
            seen.add(min((1.0, ratio), key=lambda r: abs(r - scale)))
            assert scale == pytest.approx(1.0, rel=1e-4) or scale == pytest.approx(ratio, rel=1e-4)
    assert seen == {1.0, ratio} or ratio == pytest.approx(1.0, rel=1e-4)  # relu6's gain is relu's


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_weights_depend_on_the_seed_alone(name: str, ask: Ask) -> None:
    torch.manual_seed(1)
    first = build(ask(architecture=name), (1, 8, 8), seed=5)
    torch.manual_seed(2)
    again, other = (build(ask(architecture=name), (1, 8, 8), seed=n) for n in (5, 6))
    for mine, same, different in zip(
        weighted(first.generator), weighted(again.generator), weighted(other.generator), strict=True
    ):
        assert torch.equal(mine.weight, same.weight)
        assert not torch.equal(mine.weight, different.weight)
        assert not mine.bias.any()


def test_a_site_in_an_architecture_takes_the_place_of_its_name(ask: Ask) -> None:
    networks = build(ask(activation="relu", at={"discriminator.0": "tanh"}), (1, 8, 8))
    kinds = {s.name: type(s.phi) for s in sites(networks.generator, networks.discriminator)}
    assert {name for name, kind in kinds.items() if kind is nn.Tanh} == {"discriminator.0"}
    assert all(isinstance(s, ActivationSite) for s in sites(networks.generator))


KINDS = {
    "none": nn.Identity,
    "batch": (nn.BatchNorm1d, nn.BatchNorm2d),
    "layer": (nn.LayerNorm, nn.GroupNorm),
    "instance": nn.InstanceNorm2d,
    "group": nn.GroupNorm,
}


def normed(name: str, norm: str, ask: Ask, part: Callable[..., Part]) -> Networks:
    both = {"generator_norm": norm, "discriminator_norm": norm}
    shape = (3, 16, 16) if name in ("dcgan", "resnet") else (1, 8, 8)
    return build(ask(architecture=part("architecture", name, width=8, **both)), shape)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_norm_is_a_choice(name: str, norm: str, ask: Ask, part: Callable[..., Part]) -> None:
    if norm == "instance" and name in PERCEPTRONS:
        with pytest.raises(ValueError, match="instance norm needs pictures"):
            normed(name, norm, ask, part)
        return
    networks = normed(name, norm, ask, part)
    for player in (networks.generator, networks.discriminator):
        found = [m for m in player.modules() if isinstance(m, KINDS[norm])]
        kept = [m for m in player.modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d))]
        assert found or (norm == "none" and name in PERCEPTRONS)
        assert bool(kept) is (norm == "batch")
        assert all(m.momentum == 0.1 and m.eps == 1e-5 for m in kept)  # BatchNorm(n, 0.8) sets eps
    moved = networks.generator(normal(6, networks.latent))
    again = networks.generator(normal(6, networks.latent))
    torch.testing.assert_close(moved, again)
    networks.generator.eval()
    calm = networks.generator(normal(6, networks.latent))
    assert torch.allclose(calm, moved, rtol=1e-4, atol=1e-5) is (norm != "batch")


@pytest.mark.parametrize("norm", ["none", "layer", "instance", "group"])
def test_a_norm_without_a_batch_judges_each_sample_alone(
    norm: str, ask: Ask, part: Callable[..., Part]
) -> None:
    D = normed("resnet", norm, ask, part).discriminator
    x = normal(4, 3, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(D(x)[:1], D(torch.cat([x[:1], 5 * x[1:]]))[:1])


@pytest.mark.parametrize("norm", ["layer", "group", "instance"])
def test_norms_leave_channels_of_unit_variance(norm: str) -> None:
    layer = norm_of(norm, 48, images=True)
    out = layer(3 + 2 * normal(5, 48, 6, 6)).detach()
    over = {"layer": (1, 2, 3), "group": (1, 2, 3), "instance": (2, 3)}[norm]
    assert float(out.mean(over).abs().max()) < 1e-4
    torch.testing.assert_close(
        out.var(over, correction=0).mean(), torch.tensor(1.0), rtol=1e-3, atol=0
    )


def test_group_norm_has_the_most_groups_of_four_channels_or_more() -> None:
    """At 128 channels and above, those of Wu & He 2018."""
    channels = (1, 4, 13, 24, 48, 64, 128, 512, 1000)
    groups = [norm_of("group", number, images=True).num_groups for number in channels]
    assert groups == [1, 1, 1, 6, 12, 16, 32, 32, 25]


@pytest.mark.parametrize("norm", ["layer", "group"])
def test_norms_of_vectors_leave_narrow_layers_alive(
    norm: str, ask: Ask, part: Callable[..., Part]
) -> None:
    """A group of one channel would be 0 for every input."""
    narrow = part("architecture", "mlp", width=16, generator_norm=norm, discriminator_norm=norm)
    networks = build(ask(architecture=narrow), (2,))
    with torch.no_grad():
        samples = networks.generator(normal(50, networks.latent))
        assert float(samples.std(0).min()) > 0.1
        assert float(networks.discriminator(samples).std()) > 0.1


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_gradient_reaches_every_weight(name: str, ask: Ask) -> None:
    shape = (2,) if name in PERCEPTRONS else (3, 32, 32)
    networks = build(ask(activation="tanh", architecture=name), shape)
    D = networks.discriminator
    D(networks.generator(normal(6, networks.latent))).square().sum().backward()
    for player in (networks.generator, D):
        for layer in player.modules():
            if isinstance(layer, WEIGHTED):
                assert layer.weight.grad is not None
                assert layer.weight.grad.any()


@pytest.mark.parametrize("changing", [a for a in ACTIVATIONS if a not in SAME])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_activation_may_change_the_number_of_channels(
    changing: str, name: str, ask: Ask, part: Callable[..., Part]
) -> None:
    """The widths after a site stay the architecture's; where a stream enters one, the next layer follows."""
    shape = (4,) if name in PERCEPTRONS else (3, 32, 32)
    chosen = part("architecture", name, width=10)  # a stream that maxout can divide by 5
    networks = build(ask(activation=changing, architecture=chosen), shape)
    plain = build(ask(activation="relu", architecture=chosen), shape)
    samples = networks.generator(normal(4, networks.latent))
    assert samples.shape == (4, *shape)
    assert networks.discriminator(samples).shape == (4,)
    assert parameters(networks) != parameters(plain)
    assert len(sites(networks.generator)) == len(sites(plain.generator))


def test_a_width_that_an_activation_cannot_make_is_refused(
    ask: Ask, part: Callable[..., Part]
) -> None:
    with pytest.raises(ValueError, match="crelu makes no layer of 7 channels"):
        build(ask(activation="crelu", architecture=part("architecture", "mlp", width=7)), (2,))


def test_parameters_are_counted_by_player(ask: Ask, part: Callable[..., Part]) -> None:
    spec = ask(architecture=part("architecture", "mlp", width=10, depth=2, latent=3))
    assert parameters(build(spec, (2,))) == {
        "generator": 3 * 10 + 10 + 10 * 10 + 10 + 10 * 2 + 2,
        "discriminator": 2 * 10 + 10 + 10 * 10 + 10 + 10 + 1,
    }


def test_the_published_networks_have_their_sizes(ask: Ask) -> None:
    """PacGAN's: G 2-400-400-400-400-2, D three layers of 200 maxout units with 5 pieces."""
    whole = Part.read(row("architecture", "maxout_mlp"), "")
    networks = build(ask(generator="relu", discriminator="maxout", architecture=whole), (2,))
    shapes = [
        [tuple(m.weight.shape) for m in weighted(p)]
        for p in (networks.generator, networks.discriminator)
    ]
    assert shapes[0] == [(400, 2), (400, 400), (400, 400), (400, 400), (2, 400)]
    assert shapes[1] == [(1000, 2), (1000, 200), (1000, 200), (1, 200)]
    deep = build(ask(architecture=Part.read(row("architecture", "deep_mlp"), "")), (2,))
    assert len(sites(deep.discriminator)) == 12


SIDES = [  # widths of the generator's streams, of the discriminator's blocks, and the side at its end
    (8, (2, 2), (1, 1, 1), 4),
    (16, (2, 2, 2), (1, 1, 1), 8),
    (28, (2, 2, 2), (1, 1, 1), 14),
    (32, (2, 2, 2, 2), (1, 1, 1, 1), 8),  # table 3
    (48, (16, 8, 4, 2), (1, 2, 4, 8, 16), 3),  # table 4
    (64, (32, 16, 8, 4, 2), (1, 2, 4, 8, 16), 2),  # the authors' code
]


@pytest.mark.parametrize(("side", "above", "below", "end"), SIDES)
def test_resnet_has_the_paper_s_blocks(
    side: int,
    above: tuple[int, ...],
    below: tuple[int, ...],
    end: int,
    ask: Ask,
    part: Callable[..., Part],
) -> None:
    chosen = part("architecture", "resnet", width=1, generator_width=2, latent=8)
    networks = build(ask(architecture=chosen), (3, side, side))
    streams: dict[str, list[tuple[int, ...]]] = {"generator": [], "discriminator": []}
    for name, found in streams.items():
        for module in getattr(networks, name).modules():
            if isinstance(module, Block):
                module.register_forward_hook(lambda _, __, out, to=found: to.append(out.shape[1:]))
    networks.discriminator(networks.generator(normal(2, 8)))
    assert [c for c, *_ in streams["generator"]] == list(above[1:])
    assert [c for c, *_ in streams["discriminator"]] == list(below)
    assert streams["generator"][-1][1:] == (side, side)
    assert streams["discriminator"][-1][1:] == (end, end)
    assert len(sites(networks.generator)) == 2 * (len(above) - 1) + 1
    assert len(sites(networks.discriminator)) == 2 * len(below)  # none before the first block


def test_resnet_of_the_paper_s_widths_has_the_paper_s_size(
    ask: Ask, part: Callable[..., Part]
) -> None:
    chosen = part("architecture", "resnet", width=128, generator_width=256, latent=128)
    assert parameters(build(ask(architecture=chosen), (3, 32, 32))) == {
        "generator": 4_276_739,
        "discriminator": 1_053_825,
    }


def test_resnet_refuses_sides_for_which_there_is_no_table(ask: Ask) -> None:
    with pytest.raises(ValueError, match="resnet makes sides of 8 to 64, not 128"):
        build(ask(architecture="resnet"), (3, 128, 128))


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_an_activation_that_works_in_place_leaves_the_shortcut_alone(
    norm: str, ask: Ask, part: Callable[..., Part]
) -> None:
    bare = part("architecture", "resnet", width=8, generator_norm=norm, discriminator_norm=norm)
    inplace = Part("inplace", "torch.nn.ReLU", (("inplace", True),))
    plain, other = (
        build(ask(activation=a, architecture=bare), (3, 16, 16)) for a in ("relu", inplace)
    )
    for network in (plain, other):
        samples = network.generator(normal(6, network.latent))
        network.discriminator(samples + normal(6, 3, 16, 16)).square().sum().backward()
    for mine, theirs in (
        (plain.generator, other.generator),
        (plain.discriminator, other.discriminator),
    ):
        for x, y in zip(mine.parameters(), theirs.parameters(), strict=True):
            assert torch.equal(x.grad, y.grad)


@pytest.mark.parametrize(
    ("output", "ends"),
    [("tanh", (-1, 1)), ("sigmoid", (0, 1)), ("identity", (-math.inf, math.inf))],
)
def test_the_output_s_range_is_known(
    output: str, ends: tuple[float, float], ask: Ask, part: Callable[..., Part]
) -> None:
    networks = build(ask(architecture=part("architecture", "mlp", output=output)), (1, 8, 8))
    assert networks.output_range == ends
    with torch.no_grad():
        found = networks.generator(300 * normal(50, networks.latent))
    assert float(found.min()) >= ends[0]
    assert float(found.max()) <= ends[1]


def test_a_sigmoid_discriminator_answers_with_probabilities(
    ask: Ask, part: Callable[..., Part]
) -> None:
    chosen = part("architecture", "mlp", discriminator_output="sigmoid")
    D = build(ask(architecture=chosen), (2,)).discriminator
    with torch.no_grad():
        found = D(100 * normal(40, 2))
    assert 0 <= float(found.min()) < 0.5 < float(found.max()) <= 1


def test_keys_of_older_questions_stay() -> None:
    """An mlp or dcgan that spells out the later arguments at their earlier values is the same question."""
    for name in ("mlp", "dcgan"):
        whole = Part.read(row("architecture", name), "")
        before = BEFORE[whole.target]
        old = replace(whole, arguments=tuple(a for a in whole.arguments if a[0] not in before))
        assert len(old.arguments) < len(whole.arguments)
        assert old.canonical() == whole.canonical()
        other = whole.keywords | {"discriminator_output": "sigmoid"}
        assert replace(whole, arguments=tuple(sorted(other.items()))).canonical() != old.canonical()
