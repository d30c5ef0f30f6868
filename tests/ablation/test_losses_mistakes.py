"""Mistakes that public code makes in losses, each of which would fail here."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from test_losses import FAKE, REAL, logits, loss, seen, slope
from torch.nn.functional import binary_cross_entropy_with_logits

from ablation.spec import Part


@pytest.mark.parametrize(
    "name", ["non_saturating", "fgan_js", "relativistic_average", "relativistic_pairing"]
)
def test_the_gradient_survives_where_the_discriminator_is_sure(
    name: str, part: Callable[..., Part]
) -> None:
    """-log(sigmoid(x) + 1e-8), a mistake of public code, kills it below logit -18."""
    for logit in (-18.0, -50.0, -1e3):
        mistaken = logits(logit, dtype=torch.float32, grad=True)
        (-torch.log(mistaken.sigmoid() + 1e-8)).sum().backward()
        assert mistaken.grad is not None
        found = seen(loss(name, part).generator, 0.0, logit, torch.float32)[2]
        assert found == pytest.approx(-1.0, abs=1e-6)
        assert abs(found - mistaken.grad.item()) > 0.3
        saturating = seen(loss("minimax", part).generator, 0.0, logit, torch.float32)[2]
        assert -1e-7 < saturating <= 0


@pytest.mark.parametrize("name", ["relativistic_average", "relativistic_pairing"])
def test_the_relativistic_generator_is_no_plain_cross_entropy(
    name: str, part: Callable[..., Part]
) -> None:
    """Public code computed the relativistic loss of G and then overwrote it (PyTorch-GAN #52)."""
    chosen = loss(name, part)
    real, fake = logits(2.0, 1.0, grad=True), logits(0.5, -3.0, grad=True)
    value = chosen.generator(real=real, fake=fake)
    plain = binary_cross_entropy_with_logits(fake, torch.ones_like(fake))
    assert abs(value.item() - plain.item()) > 0.1
    by_real, by_fake = torch.autograd.grad(value, (real, fake))
    assert (by_real > 0).all()  # G also wants real samples to look worse
    assert (by_fake < 0).all()
    assert (by_real.sum() + by_fake.sum()).abs() < 1e-12  # only differences count
    swapped = chosen.discriminator(real=fake, fake=real)
    assert torch.equal(value, swapped)


def test_pairing_refuses_batches_of_different_size(part: Callable[..., Part]) -> None:
    """One fake logit would be broadcast to every real one without a word."""
    for fake in (FAKE[:1], FAKE):
        with pytest.raises(ValueError, match=f"3 real and {len(fake)} fake"):
            loss("relativistic_pairing", part).discriminator(real=logits(*REAL), fake=logits(*fake))


def test_least_squares_works_on_logits_not_on_probabilities(part: Callable[..., Part]) -> None:
    """On sigmoid outputs (compare_gan) it would be at most 1, and would vanish far out."""
    chosen = loss("least_squares", part)
    assert float(chosen.discriminator(real=logits(1.0), fake=logits(0.0))) == 0.0
    assert float(chosen.generator(real=logits(0.0), fake=logits(1.0))) == 0.0
    for logit in (-50.0, 50.0):
        assert slope(chosen.generator, 0.0, logit)[1] == logit - 1
        assert slope(chosen.discriminator, logit, 0.0)[0] == logit - 1


def test_minimax_and_non_saturating_are_two_games(part: Callable[..., Part]) -> None:
    """Mimicry's "gan" loss is really non-saturating: the two agree at logit 0 and nowhere else."""
    saturating, other = (loss(name, part).generator for name in ("minimax", "non_saturating"))
    for logit in (-3.0, 0.0, 2.0):
        ratio = slope(other, 0.0, logit)[1] / slope(saturating, 0.0, logit)[1]
        assert ratio == pytest.approx(math.exp(-logit), rel=1e-12)
