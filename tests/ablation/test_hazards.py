"""What is known to go wrong is said, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ablation.catalogue import rows
from ablation.hazards import hazards
from ablation.spec import Part, TrialSpec

CELU = Part("celu", "torch.nn.CELU")
KNOWN: list[tuple[dict[str, Any], str]] = [
    ({"loss": "wasserstein"}, "wasserstein without a penalty"),
    ({"architecture": "dcgan", "penalty": "gradient_penalty"}, "batch norm in the discriminator"),
    ({"activation": "elu", "penalty": "gradient_penalty"}, "appendix D"),
    ({"activation": CELU, "penalty": "gradient_penalty"}, "appendix D"),
    ({"discriminator": "elu", "penalty": "gradient_penalty"}, "appendix D"),
    ({"at": {"discriminator.0": "elu"}, "penalty": "gradient_penalty"}, "appendix D"),
]


@pytest.mark.parametrize(("way", "told"), KNOWN, ids=str)
def test_a_known_hazard_is_said_in_one_sentence(
    way: dict[str, Any], told: str, ask: Callable[..., TrialSpec]
) -> None:
    found = hazards(ask(**way))
    assert len(found) == 1
    assert told in found[0]
    assert "\n" not in found[0]


@pytest.mark.parametrize(
    "way",
    [
        {"loss": "wasserstein", "penalty": "weight_clip"},
        {"loss": "wasserstein", "penalty": "gradient_penalty"},
        {"architecture": "dcgan", "penalty": "weight_clip"},
        {"activation": "elu"},
        {"activation": "elu", "penalty": "weight_clip"},
        *({"activation": name} for name in rows("activation")),
        *({"loss": name} for name in rows("loss") if name != "wasserstein"),
    ],
    ids=str,
)
def test_a_sound_question_gets_no_warning(
    way: dict[str, Any], ask: Callable[..., TrialSpec]
) -> None:
    assert hazards(ask(**way)) == []


def test_a_norm_that_was_taken_out_is_no_hazard(
    ask: Callable[..., TrialSpec], part: Callable[..., Part]
) -> None:
    bare = part("architecture", "dcgan", discriminator_norm="none")
    assert hazards(ask(architecture=bare, penalty="gradient_penalty")) == []


def test_several_hazards_are_all_said(ask: Callable[..., TrialSpec]) -> None:
    found = hazards(ask(architecture="dcgan", penalty="gradient_penalty", activation="elu"))
    assert len(found) == 2
