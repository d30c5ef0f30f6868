"""Patches of the two sample photographs that come with scikit-learn: colour without a download."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ablation.datasets.dataset import Dataset

STRIPE, SIDE, STRIDE = 64, 32, 8
"""Pixels: the width of a stripe, the side of a patch, the way from one patch to the next."""


def photo_patches() -> Dataset:
    """Return 5,000 patches without labels, 3 x 32 x 32, from vertical stripes: no pixel is in two splits.

    Of every five stripes of a photograph, three are for training, the fourth selects, the fifth tests.
    """
    from sklearn.datasets import load_sample_images

    splits: list[list[Tensor]] = [[], [], []]
    order = (0, 0, 0, 1, 2)
    for photo in load_sample_images().images:
        pixels = torch.from_numpy(np.array(photo)).permute(2, 0, 1)
        for number in range(pixels.shape[2] // STRIPE):
            stripe = pixels[:, :, number * STRIPE : (number + 1) * STRIPE]
            patches = stripe.unfold(1, SIDE, STRIDE).unfold(2, SIDE, STRIDE)
            splits[order[number % 5]].append(patches.permute(1, 2, 0, 3, 4).flatten(0, 1))
    train, selection, test = map(torch.cat, splits)
    return Dataset(train=train, selection=selection, test=test)
