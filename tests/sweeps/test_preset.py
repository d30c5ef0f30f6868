"""Presets as people write them: every wrong entry is one line that names it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from ablation.spec import TrialSpec
from reports.study import read_study as look
from sweeps.grid import plan
from sweeps.study import Plan, declare, read_study, write_study

WRONG = [
    ("declared: foo", "declared is 'foo'"),
    ("declared:", "declared is None"),
    ("declared: {alpha: 0.7}", "declared.alpha is 0.7"),
    ("declared: {alpha: x}", "declared.alpha is 'x'"),
    ("declared: {effect: 5000}", "declared.effect is 5000"),
    ("declared: {score: 5}", "declared.score is 5"),
    ("declared: {pairs: some}", "declared.pairs is 'some'"),
    ("declared: {seeds: [7, 8]}", "declared.seeds is [7, 8]"),
    ("overrides: dataset=ring8", "overrides is 'dataset=ring8'; it is a list"),
    ("overrides: [5]", "overrides holds 5"),
    ("joint: 5", "joint is 5"),
    ("joint: [[5]]", "holds 5"),
    ("joint: [[loss=hinge, loss=minimax]]", "sets one thing twice"),
    ("joint: [[seed=1]]", "or the seed"),
    ("swap_one_site: relu", "swap_one_site is 'relu'"),
    ("swap_one_site: [5]", "swap_one_site holds 5"),
    ("question: [why]", "question is ['why']"),
    ("experiment: [why]", "experiment is ['why']; it is a text"),
    ("{experiment: layer-norms, joint: [], tune: {}}", "it says nothing by joint, tune"),
    ("{5: 1, foo: 2}", "unknown key 5"),
    ("published: 3", "published is 3"),
]


@pytest.mark.parametrize(("text", "told"), WRONG, ids=[text for text, _ in WRONG])
def test_a_wrong_entry_is_named(
    text: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "conf" / "sweep").mkdir(parents=True)
    (tmp_path / "conf" / "sweep" / "mine.yaml").write_text(text + "\n")
    monkeypatch.setenv("ABLATION_WITH", str(tmp_path))
    with pytest.raises(ValueError, match=re.escape(told)) as refusal:
        plan("mine", ["dataset=ring8", "budget=smoke"])
    assert "\n" not in str(refusal.value)


CLAIM = """
id: M1
statement: Mine
a: relu
r: tanh
parts: [{metric: frechet, direction: better, effect: 1.1}]
command: ablation sweep
"""


@pytest.mark.slow
def test_a_users_claims_are_kept_in_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["dataset=ring8", "budget=smoke", "activation=relu,tanh"]
    assert plan(None, words).claims == ()
    folder = tmp_path / "own" / "conf" / "claim"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(CLAIM)
    monkeypatch.setenv("ABLATION_WITH", str(tmp_path / "own"))
    asked = plan(None, words)
    for _ in range(2):  # a second launch adds nothing
        write_study(tmp_path / "runs" / "s", asked)
        kept = read_study(tmp_path / "runs" / "s")["claims"]
        assert [row["id"] for row in kept] == ["M1"]
    assert [claim.id for claim in look(tmp_path / "runs" / "s").claims] == ["M1"]
    (folder / "mine.yaml").write_text(CLAIM.replace("a: relu", "a: rellu"))
    with pytest.raises(
        ValueError, match=r"parts\[0\].a is 'rellu', which is no activation: did you"
    ):
        plan(None, words)
    (folder / "mine.yaml").write_text(CLAIM.replace("frechet", "fidd"))
    with pytest.raises(ValueError, match=r"conf/claim/mine.yaml.parts\[0\].metric is 'fidd'"):
        plan(None, words)


MINE = {"id": "M1", "statement": "Mine", "a": "relu", "r": "tanh"} | {
    "parts": [{"metric": "frechet", "direction": "better", "effect": 1.1}]
}


def test_a_claim_that_comes_with_the_same_words_is_kept_and_late(
    tmp_path: Path, tiny: TrialSpec
) -> None:
    study, said = tmp_path / "s", declare({}, [tiny], [tiny.seed])
    first = Plan(None, "Why?", ("a",), (tiny,), (), (), said, claims=(MINE,))
    write_study(study, first)
    (study / "trials" / tiny.key).mkdir(parents=True)
    (study / "trials" / tiny.key / "result.json").write_text("{}")
    write_study(study, replace(first, claims=(MINE, MINE | {"id": "M2"})))
    found = look(study)
    assert [claim.id for claim in found.claims] == ["M1", "M2"]
    assert {name: late.ended for name, late in found.registered.items()} == {"M2": 1}
    assert read_study(study)["history"] == []
