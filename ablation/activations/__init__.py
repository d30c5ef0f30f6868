"""What an activation is: a factory of fresh modules, facts computed from it, and the site in which it stands."""

from __future__ import annotations

from ablation.activations.channels import GEGLU, GLU, CReLU, Maxout, SwiGLU
from ablation.activations.elementwise import (
    ArcTan,
    BentIdentity,
    Erf,
    Gaussian,
    HardSigmoid,
    Mish,
    Serf,
    ShiftedSoftplus,
    Sine,
    Smish,
    SquaredReLU,
    Squareplus,
    TanhExp,
)
from ablation.activations.learnable import AconC, DynamicTanh, Snake, Swish
from ablation.activations.site import (
    Activation,
    ActivationSite,
    Tap,
    facts_of,
    site_maker,
    sites,
)
from ablation.activations.slopes import slopes

__all__ = [
    "GEGLU",
    "GLU",
    "AconC",
    "Activation",
    "ActivationSite",
    "ArcTan",
    "BentIdentity",
    "CReLU",
    "DynamicTanh",
    "Erf",
    "Gaussian",
    "HardSigmoid",
    "Maxout",
    "Mish",
    "Serf",
    "ShiftedSoftplus",
    "Sine",
    "Smish",
    "Snake",
    "SquaredReLU",
    "Squareplus",
    "SwiGLU",
    "Swish",
    "TanhExp",
    "Tap",
    "facts_of",
    "site_maker",
    "sites",
    "slopes",
]
