"""One seed, many streams: each use of randomness draws from a stream of its own."""

from __future__ import annotations

import zlib

import numpy as np
import torch

from ablation.spec import TrialSpec

TRAINING = ("order", "noise", "penalty")
"""The streams that training moves, and that a checkpoint therefore keeps."""


def stream(spec: TrialSpec, name: str, device: str = "cpu") -> torch.Generator:
    """Return the stream `name` of a trial, at its start.

    It depends on seed, data set and architecture, not on activation or loss: cells with equal seeds see the same
    data and the same noise.
    """
    words = f"{spec.dataset.name}/{spec.architecture.name}/{name}"
    entropy = np.random.SeedSequence([spec.seed, zlib.crc32(words.encode())])
    seed = int(entropy.generate_state(1, np.uint64)[0] >> np.uint64(1))
    return torch.Generator(device).manual_seed(seed)
