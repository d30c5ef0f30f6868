"""Scores with a known truth: modes, quality and the exact Frechet distance of vectors; histograms; variance."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ablation.datasets import Modes


def coverage(samples: Tensor, modes: Modes) -> tuple[int, float, float]:
    """Return modes covered, the share of high-quality samples, and the reverse KL of the mode histogram (nats).

    A sample (N D) is of high quality within 3 standard deviations of its nearest mode; a mode counts with one such
    sample; the reverse KL is log K - entropy over the nearest modes of all samples (Srivastava et al. 2017).
    """
    distance, mode = modes.nearest(samples)
    good = modes.good(distance)
    _, kl = histogram(mode, modes.count)
    return len(mode[good].unique()), float(good.double().mean()), kl


def histogram(which: Tensor, count: int) -> tuple[int, float]:
    """Return how many of `count` modes occur in `which` (N), and the reverse KL of their shares to equal ones (nats).

    A uniform sampler of n samples reaches K (1 - (1 - 1/K)^n) modes, and a KL near (K - 1)/(2n) where n is large.
    """
    share = torch.bincount(which, minlength=count).double() / len(which)
    entropy = -torch.special.xlogy(share, share).sum()
    return int((share > 0).sum()), max(float(np.log(count) - entropy), 0.0)


def frechet(samples: Tensor, real: Tensor) -> float:
    """Return the squared Frechet distance of two normal distributions fitted to N D vectors (Dowson & Landau 1982)."""
    a, b = samples.double(), real.double()
    first, second = a.T.cov(), b.T.cov()
    values = torch.linalg.eigvals(first @ second).real.clamp(min=0)
    trace = first.trace() + second.trace() - 2 * values.sqrt().sum()
    return max(float((a.mean(0) - b.mean(0)).square().sum() + trace), 0.0)


def varies(samples: Tensor, real: Tensor) -> float:
    """Return the total variance of samples as a share of the data's: near 0 the generator has collapsed."""
    a, b = samples.double().flatten(1), real.double().flatten(1)
    return float(a.var(0).sum() / b.var(0).sum())
