"""Fixtures that several files of this room share: data, an extractor, a user's own activations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ablation.datasets import Dataset, scaled
from ablation.extractors import Classifier, Extractor, state_hash
from ablation.factories import make, source_of
from ablation.spec import Part

OURS = """
import torch
from torch import nn

class Both(nn.Module):
    '''relu(u) and relu(-u) side by side.'''
    def channels_out(self, incoming):
        return 2 * incoming
    def forward(self, u):
        return torch.cat([u, -u], 1).relu()

class Pairs(nn.Module):
    '''The larger of two neighbours.'''
    def channels_out(self, incoming):
        if incoming % 2:
            raise ValueError(f"pairs cannot take {incoming} channels")
        return incoming // 2
    def forward(self, u):
        shape = (u.shape[0], 1, u.shape[1], -1)
        flat = nn.functional.max_pool2d(u.reshape(shape), (2, 1), ceil_mode=True)
        return flat.reshape(u.shape[0], -1, *u.shape[2:])

class Thrice(nn.Module):
    '''3 u, whose gain is a third.'''
    def forward(self, u):
        return 3 * u
"""


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return make(Part("digits", "ablation.datasets.digits"), Dataset)


@pytest.fixture(scope="session")
def ring() -> Dataset:
    return make(Part("ring8", "ablation.datasets.ring8", (("points", 1000),)), Dataset)


@pytest.fixture(scope="session")
def trained(digits: Dataset) -> Extractor:
    """Return a classifier that tells digits apart: a few hundred steps of a small network."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Classifier(1, 10)
        optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
        assert digits.train_labels is not None
        for step in range(250):
            rows = torch.arange(step * 64, step * 64 + 64) % len(digits.train)
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(
                model(scaled(digits.train[rows]))[1], digits.train_labels[rows]
            )
            loss.backward()
            optimizer.step()
    model.eval().requires_grad_(False)
    return Extractor(
        "test-cnn", "classifier", lambda images: model(scaled(images)), state_hash(model)
    )


def written(folder: Path, module: str, text: str) -> Callable[[str], Part]:
    """Write a module of the user's own; return its activations by class name."""
    (folder / f"{module}.py").write_text(text)

    def of(name: str) -> Part:
        found = Part(name.lower(), f"{module}.{name}")
        return replace(found, source=source_of(found))

    return of


@pytest.fixture
def own(trusted: Path) -> Callable[[str], Part]:
    """Return an activation of the user's own by name."""
    return written(trusted, "own_channels", OURS)
