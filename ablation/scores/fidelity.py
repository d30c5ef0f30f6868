"""What torch-fidelity computes; its only importer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_isc import isc_features_to_metric

from ablation.scores.kernel import SEED

Moments = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Mean (F) and covariance (F F) of features."""


def moments(features: Tensor) -> Moments:
    """Return mean and covariance of features (N F)."""
    found = fid_features_to_statistics(features.double())
    return found["mu"], found["sigma"]


def frechet_distance(first: Moments, second: Moments) -> float:
    """Return the squared Frechet distance of two normal distributions of features (Heusel et al. 2017)."""
    one, other = ({"mu": mean, "sigma": covariance} for mean, covariance in (first, second))
    found = fid_statistics_to_metric(one, other, verbose=False)
    return max(float(found["frechet_inception_distance"]), 0.0)


def inception_score(logits: Tensor) -> float:
    """Return the mean inception score of ten splits of logits (N K; Salimans et al. 2016)."""
    found = isc_features_to_metric(logits, splits=10, shuffle=True, rng_seed=SEED)
    return float(found["inception_score_mean"])


def inception_network(weights: Path | None) -> nn.Module:
    """Return the 2015 Inception network, its weights from a file or downloaded; uint8 (N 3 H W) to features, logits.

    Raises OSError or RuntimeError where the weights cannot be had or do not fit, ValueError for a file that holds more
    than weights.
    """
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    if weights is not None:
        try:  # torch-fidelity unpickles anything: let only plain tensors reach it
            torch.load(weights, map_location="cpu", weights_only=True)
        except Exception as error:
            raise ValueError(f"not a file of weights: {error}") from None
    path = None if weights is None else str(weights)
    network: Any = FeatureExtractorInceptionV3("inception", ["2048", "logits_unbiased"], path)
    assert isinstance(network, nn.Module)
    return network
