"""Where the mass of a toy distribution lies, and what a perfect sampler of it would score."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

WIDTHS = 3.0
"""Standard deviations around its nearest mode within which a sample is of high quality."""
BLOCK = 1024
"""Samples whose distances to all centres are held in memory at once."""
DRAWS = 8192
"""Points by which the ceiling is computed."""


@dataclass(frozen=True)
class Modes:
    """Isotropic normal noise of `std` around centres (M D); `which` (int64 M) is the mode that each belongs to.

    Without `which` each centre is a mode of its own. A mode that is a curve has many centres, evenly in mass and
    less than `std` apart.
    """

    centres: Tensor
    std: float
    which: Tensor | None = None

    @property
    def count(self) -> int:
        """The number of modes."""
        return len(self.centres) if self.which is None else int(self.which.max()) + 1

    def nearest(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Return each sample's (N D) distance to the nearest centre and that centre's mode."""
        centres = self.centres.double()
        found = [torch.cdist(some.double(), centres).min(dim=1) for some in samples.split(BLOCK)]
        centre = torch.cat([indices for _, indices in found])
        mode = centre if self.which is None else self.which[centre]
        return torch.cat([values for values, _ in found]), mode

    def to(self, device: torch.device) -> Modes:
        """Return the same on another device."""
        which = None if self.which is None else self.which.to(device)
        return replace(self, centres=self.centres.to(device), which=which)

    def reached(self, samples: Tensor) -> Tensor:
        """Return how many modes have a high-quality sample (N D), as a scalar on the samples' device."""
        distance, mode = self.nearest(samples)
        hits = self.good(distance).double()
        count = torch.zeros(self.count, dtype=torch.float64, device=samples.device)
        return (count.scatter_add(0, mode, hits) > 0).sum()

    def good(self, distance: Tensor) -> Tensor:
        """Return which samples are of high quality: within 3 standard deviations of their nearest centre."""
        return distance <= WIDTHS * self.std

    @cached_property
    def ceiling(self) -> float:
        """The share of high-quality samples that a perfect sampler reaches.

        Within 3 standard deviations of its own centre lies the mass P(D/2, 9/2) of a normal distribution (P the
        regularised gamma function; 1 - exp(-9/2) in the plane). What lies farther away counts as well where another
        centre is near, as along a curve: that share is computed at fixed points, to about 1e-4.
        """
        from scipy.special import gammainc, gammaincinv

        half, random = self.centres.shape[1] / 2, np.random.default_rng(0)
        core = float(gammainc(half, WIDTHS**2 / 2))
        mass = core + (1 - core) * (random.permutation(DRAWS) + 0.5) / DRAWS
        away = random.normal(size=(DRAWS, self.centres.shape[1]))
        away *= (np.sqrt(2 * gammaincinv(half, mass)) / np.linalg.norm(away, axis=1))[:, None]
        start = self.centres.double()[torch.arange(DRAWS) * len(self.centres) // DRAWS]
        distance, _ = self.nearest(start + self.std * torch.from_numpy(away))
        return core + (1 - core) * float(self.good(distance).double().mean())
