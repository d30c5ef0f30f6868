"""The instruments of training itself: losses, gradients, weights."""

from __future__ import annotations

from ablation.instruments.instrument import (
    ARJOVSKY,
    GLOROT,
    GRADIENTS,
    LOSSES,
    MIYATO,
    WEIGHTS,
    Instrument,
)

TRAINING = (
    Instrument(
        "loss",
        LOSSES,
        "Loss",
        "What each network minimises, penalty included, on the training batch.",
    ),
    Instrument(
        "accuracy",
        LOSSES,
        "Discriminator accuracy",
        "Share of training samples that D puts on the right side of the logit at which its"
        " loss finds real and generated equally likely; absent where a loss has no such logit.",
    ),
    Instrument(
        "separation",
        LOSSES,
        "Separation",
        "Share of (real, generated) pairs in which D gives the real sample the greater logit,"
        " ties half: the area under the ROC curve, comparable between all losses.",
        "Fawcett 2006, doi:10.1016/j.patrec.2005.10.010",
    ),
    Instrument(
        "gradient_norm",
        GRADIENTS,
        "Gradient norm per layer",
        "L2 norm of the gradient of each network's loss with respect to the outputs of its"
        " activation sites, on the training batch, unclipped, before the update.",
        GLOROT,
    ),
    Instrument(
        "generator_loss_gradient_norm",
        GRADIENTS,
        "Gradient of G's loss inside D",
        "The same norm of G's loss at D's activation sites, through which the signal to G passes.",
    ),
    Instrument(
        "signal_to_generator",
        GRADIENTS,
        "Signal to G",
        "L2 norm of the gradient of G's loss with respect to the generated samples: all that"
        " D tells G.",
        ARJOVSKY,
    ),
    Instrument(
        "parameter_gradient_norm",
        GRADIENTS,
        "Gradient norm per parameter",
        "L2 norm of the gradient of each network's loss with respect to each of its"
        " parameters, and to all together (no layer named).",
    ),
    Instrument(
        "attenuation",
        GRADIENTS,
        "Attenuation",
        "Decades by which the gradient norm shrinks per activation site on its way back to"
        " the input: least-squares slope of log10 norm against depth. Above 0 gradients"
        " vanish, below 0 they explode.",
        "Gulrajani et al. 2017, figure 1b, arXiv:1704.00028",
    ),
    Instrument(
        "generator_loss_attenuation",
        GRADIENTS,
        "Attenuation of G's loss inside D",
        "The attenuation of G's loss over D's activation sites.",
    ),
    Instrument(
        "weight_norm",
        WEIGHTS,
        "Weight norm",
        "Frobenius norm of each weight after the update, as its layer uses it.",
    ),
    Instrument(
        "update_norm",
        WEIGHTS,
        "Update norm",
        "Frobenius norm of what one update changes in a weight, clipping included.",
    ),
    Instrument(
        "spectral_norm",
        WEIGHTS,
        "Spectral norm",
        "Largest singular value of each weight as the matrix (out, everything else),"
        " before training and at deep probes: how much the layer can stretch.",
        MIYATO,
    ),
)
