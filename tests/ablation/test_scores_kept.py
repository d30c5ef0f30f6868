"""The real side of scores: computed once by all processes, kept, and believed only where it answers the question."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from test_scores_pictures import Ask
from torch import Tensor

from ablation.datasets import Dataset
from ablation.extractors import Extractor
from ablation.factories import make
from ablation.scores import (
    reference,
)
from ablation.scores.choosing import kind
from ablation.scores.real import kept
from ablation.spec import Part

ONE = """
import sys, time, os
from pathlib import Path
import torch
torch.set_num_threads(1)
from ablation.datasets import scaled
from ablation.extractors import random_features, Extractor
from ablation.factories import make
from ablation.datasets import Dataset
from ablation.scores import score, floors
from ablation.spec import Part
data = make(Part("digits", "ablation.datasets.digits"), Dataset)
inner = random_features("digits", 1)
seen = Path(sys.argv[1]) / f"looked-{os.getpid()}"
def look(images):
    with open(seen, "a") as file: file.write(f"{len(images)}\\n")
    return inner.look(images)
extractor = Extractor(inner.name, inner.kind, look, inner.weights)
found = score(scaled(data.train[:50]), data, "digits", extractor).scores
floors(data, "digits", extractor, 60)
print([s.value for s in found])
"""


@pytest.mark.long
def test_four_processes_at_once_compute_the_real_side_once(tmp_path: Path) -> None:
    environment = os.environ | {"ABLATION_CACHE": str(tmp_path / "cache")}
    words = [sys.executable, "-c", ONE, str(tmp_path)]
    running = [
        subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(4)
    ]
    said = [process.communicate(timeout=300)[0] for process in running]
    assert [process.returncode for process in running] == [0] * 4
    assert len(set(said)) == 1
    looked = [sorted(map(int, path.read_text().split())) for path in tmp_path.glob("looked-*")]
    assert len(looked) == 4
    assert sorted(looked, key=len)[:3].count([50]) >= 2  # no more than their own samples
    everything = [count for one in looked for count in one]
    real = make(Part("digits", "ablation.datasets.digits"), Dataset)
    assert sum(everything) == 4 * 50 + len(real.test) + len(real.train) + 60
    assert len(list((tmp_path / "cache" / "features").glob("*.pt"))) == 2


@pytest.mark.slow
def test_a_damaged_real_side_is_made_again(
    digits: Dataset, trained: Extractor, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ABLATION_CACHE", str(tmp_path))
        first = reference(digits, "x", trained)
        (path,) = (tmp_path / "features").glob("*.pt")
        path.write_bytes(path.read_bytes()[:1000])
        again = reference(digits, "x", trained)
    assert torch.equal(first.features, again.features)


def test_another_extractor_data_or_count_has_a_real_side_of_its_own(
    digits: Dataset, trained: Extractor, tmp_path: Path
) -> None:
    other = Extractor(trained.name, trained.kind, trained.look, "other")
    less = Dataset(train=digits.train[1:], selection=digits.selection, test=digits.test)
    made = []

    def produce() -> dict[str, Tensor]:
        made.append(1)
        return {"x": torch.zeros(1)}

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ABLATION_CACHE", str(tmp_path))
        for data, extractor, what in (
            (digits, trained, "a"), (digits, other, "a"), (less, trained, "a"), (digits, trained, "b"),
            (digits, None, "a"), (digits, trained, "a"),
        ):  # fmt: skip
            kept(data, "x", extractor, what, produce)
    assert len(made) == 5


def test_a_real_side_that_cannot_be_kept_is_used_all_the_same(
    digits: Dataset, trained: Extractor, tmp_path: Path
) -> None:
    """The file's name is its question's hash: a folder in the draft's place stops every writing of it."""
    answer = {"x": torch.arange(3.0)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ABLATION_CACHE", str(tmp_path))
        kept(digits, "x", trained, "a", lambda: answer)
        (path,) = (tmp_path / "features").glob("*.pt")
        path.unlink()
        path.with_name(f".{path.name}.tmp").mkdir()
        found = kept(digits, "x", trained, "a", lambda: answer)
        assert torch.equal(found["x"], answer["x"])
        assert not path.exists()


def test_what_answers_another_question_is_not_believed(
    digits: Dataset, trained: Extractor, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ABLATION_CACHE", str(tmp_path))
        kept(digits, "x", trained, "a", lambda: {"x": torch.zeros(1)})
        (path,) = (tmp_path / "features").glob("*.pt")
        for foreign in (
            {"asked": ["other"], "answer": {"x": torch.ones(1)}},
            {"x": torch.ones(1)},
            7,
        ):
            torch.save(foreign, path)
            found = kept(digits, "x", trained, "a", lambda: {"x": torch.full((1,), 2.0)})
            assert found["x"].item() == 2.0


def test_fewer_than_four_pictures_have_no_scores(ask: Ask, digits: Dataset) -> None:
    few = Dataset(train=digits.train, selection=digits.selection, test=digits.test[:3])
    with pytest.raises(ValueError, match="the test split of digits has 3 pictures; scores need 4"):
        kind(ask(), few)
