"""What is known to go wrong with a question, said before it is trained: told by its parts, never by names."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from ablation.activations import Activation, sites
from ablation.constraints import Constraint
from ablation.datasets import Dataset
from ablation.factories import make
from ablation.losses import Loss
from ablation.networks import Networks
from ablation.penalties import Penalty
from ablation.spec import TrialSpec


def hazards(spec: TrialSpec, networks: Networks, data: Dataset) -> list[str]:
    """Return one sentence for each known hazard of a trial with these players and this data."""
    return [
        *_critic(spec, networks),
        *_penalty(spec, networks),
        *_output(spec, networks, data),
        *_depth(spec, networks),
    ]


def _critic(spec: TrialSpec, networks: Networks) -> Iterator[str]:
    """Yield what is wrong with a loss that has no bottom."""
    penalty, constraint = make(spec.penalty, Penalty), make(spec.constraint, Constraint)
    held = (penalty.value, penalty.on_logits, penalty.constrain, constraint.dress)
    bounded = make(spec.loss, Loss).bounded_below or networks.judged == "sigmoid"
    if not bounded and not any(held):
        yield (
            f"{spec.loss.name} without a penalty: nothing bounds the critic; use"
            " penalty=gradient_penalty, penalty=weight_clip or constraint=spectral_norm (and n_critic=5)"
        )


def _penalty(spec: TrialSpec, networks: Networks) -> Iterator[str]:
    """Yield what a penalty on the discriminator's gradient does not agree with, and clipping neither."""
    penalty, name = make(spec.penalty, Penalty), spec.penalty.name
    used = {site.activation.name: site.activation for site in sites(networks.discriminator)}
    if penalty.constrain is not None:
        learned = [word for word, a in used.items() if a.facts["learnable"]]
        if learned:
            yield f"{name} bounds what {_listed(learned)} learns in the discriminator, too"
    if not penalty.differentiates_twice:
        return
    if any(
        isinstance(m, nn.modules.batchnorm._BatchNorm) for m in networks.discriminator.modules()
    ):
        yield (
            f"{name} with batch norm in the discriminator: the penalty is defined per sample,"
            " batch norm mixes them (Gulrajani et al. 2017); set architecture.discriminator_norm=none"
        )
    jumps = [word for word, a in used.items() if _jumps(a)]
    if jumps:
        yield (
            f"{name} differentiates the discriminator twice, and the second derivative of {_listed(jumps)}"
            " jumps: ELU failed to train so in Gulrajani et al. 2017, appendix D, where the smooth"
            " shifted_softplus trained"
        )
    straight = [word for word, a in used.items() if a.facts["piecewise_linear"]]
    if len(straight) == len(used):
        yield (
            f"{name} with {_listed(straight)}, whose second derivative is zero: the penalty moves the"
            " discriminator's weights and gives its biases no gradient"
        )


def _jumps(activation: Activation) -> bool:
    facts = activation.facts
    return not facts["twice_differentiable"] and not facts["piecewise_linear"]


def _output(spec: TrialSpec, networks: Networks, data: Dataset) -> Iterator[str]:
    """Yield where a range does not fit: the generator's that of the data, the discriminator's that of logits."""
    (low, high), (least, most) = networks.output_range, data.value_range
    if least < low or most > high:
        yield (
            f"the generator's output lies in ({low:g}, {high:g}) and {spec.dataset.name} in"
            f" [{least:.3g}, {most:.3g}]: it cannot reach all of the data; set architecture.output"
        )
    elif data.is_images and high == float("inf"):
        yield (
            f"the generator's output is not bounded and {spec.dataset.name} lies in [{least:.3g}, {most:.3g}]:"
            " what lies outside is clipped before it is scored; set architecture.output=tanh"
        )
    if networks.judged == "sigmoid":
        yield (
            "discriminator_output=sigmoid, and every loss takes logits: the sigmoid passes on at most a quarter of"
            " the gradient; where the loss squashes its logits too, this is a double sigmoid"
        )


def _depth(spec: TrialSpec, networks: Networks) -> Iterator[str]:
    """Yield which networks are too shallow to tell how a gradient shrinks on its way through them."""
    own = (("generator", networks.generator), ("discriminator", networks.discriminator))
    shallow = [name for name, network in own if len(sites(network)) == 1]
    if shallow and spec.protocol.probes:
        yield (
            f"one activation site in the {' and the '.join(shallow)}: there is no attenuation from site to site to"
            " measure there, and no claim about it to test; a deeper network, or larger images, would have more"
        )


def _listed(words: list[str]) -> str:
    return ", ".join(words)
