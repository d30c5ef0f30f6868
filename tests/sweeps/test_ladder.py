"""A seed ladder is declared before the first launch, keeps its rungs, and fixes its seeds by number."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest

from ablation.__main__ import main
from ablation.ladder import check_rungs, default_rungs, ladder_seeds, least_seeds, p_min
from ablation.verbs.planning import introduce
from ablation.verbs.promises import power, power_words, promise
from reports.study import read_study as read_plan
from sweeps.grid import plan
from sweeps.preset import Preset
from sweeps.study import Declared, Plan, read_study, write_study

TINY = ["dataset=ring8", "dataset.points=2000", "architecture.width=16", "budget=smoke"]
FOUR = [*TINY, "activation=leaky_relu,relu,gelu,tanh"]


def _planned(*words: str, study: Path | None = None, **declared: Any) -> Plan:
    return plan(None, [*FOUR, *words], declared=declared, study=study)


def test_the_first_rung_can_conclude_and_each_next_has_half_as_many_more() -> None:
    assert default_rungs(0.05 / 6) == (6, 9, 14)
    assert p_min([(6, 6)]) <= 0.05 / 18 < p_min([(5, 5)])
    assert default_rungs(0.05 / 28) == (7, 11, 17)
    assert default_rungs(0.05 / 6, streams=2) == (4, 6, 9)
    assert default_rungs(0.05, count=1) == (least_seeds(0.05),)


def test_the_seeds_of_every_rung_are_fixed_by_the_first_launch() -> None:
    assert ladder_seeds((0, 1, 2), 5) == (0, 1, 2, 3, 4)
    assert ladder_seeds((4, 2), 4) == (4, 2, 5, 6)
    assert ladder_seeds((0, 1, 2), 2) == (0, 1)


@pytest.mark.parametrize("said", [[9, 6], [6, 6], [1, 4], [6, 2.5], [True, 4], 0, ["6"], [2_000]])
def test_rungs_that_do_not_rise_are_refused(said: Any) -> None:
    with pytest.raises(ValueError, match=r"declared\.ladder is .*rising numbers of seeds, from 2"):
        check_rungs(said)


def test_a_ladder_is_hashed_and_one_that_is_none_leaves_the_hash_as_it_was() -> None:
    assert Declared().hash == "0fd59fe873"
    assert "ladder" not in Declared().row()
    assert Declared(ladder=(6, 9)).row()["ladder"] == [6, 9]
    hashes = {Declared().hash, Declared(ladder=(6, 9)).hash, Declared(ladder=(6, 9, 14)).hash}
    assert len(hashes) == 3


@pytest.mark.slow
def test_a_ladder_is_asked_for_in_words_and_in_a_preset() -> None:
    found = _planned("seeds=6", "declared.ladder=true")
    assert found.declared.ladder == (6, 9, 14)
    assert found.words[-1] == "declared.ladder=true"
    assert _planned("seeds=6", "declared.ladder=[5,8]").declared.ladder == (5, 8)
    assert _planned("seeds=6").declared.ladder == ()
    asked = Preset(overrides=(*FOUR, "seeds=6"), declared={"ladder": [6, 8]})
    assert plan(asked, []).declared.ladder == (6, 8)
    assert plan(asked, ["declared.ladder=false"]).declared.ladder == ()
    two = _planned("loss=non_saturating,minimax", "seeds=7", "declared.ladder=true")
    assert two.declared.ladder == (7, 11, 17)  # two tiers share alpha


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["declared.ladder=6,x"], r"declared\.ladder is \[6, 'x'\]; it is true or rising"),
        (["declared.ladder=5"], r"seed 5 is not on the ladder of 5 seeds; its seeds are 0, 1, 2"),
        (
            ["declared.ladder=true", "tune.optimizer.lr=log(1e-4,1e-3)", "tune.points=2"],
            "a ladder and tuning cannot be declared together",
        ),
    ],
)
def test_what_cannot_be_a_ladder_is_refused(words: list[str], answer: str) -> None:
    with pytest.raises(ValueError, match=answer):
        _planned("seeds=6", *words)
    with pytest.raises(ValueError, match="one level of activation"):
        plan(None, [*TINY, "seeds=6", "declared.ladder=true"])


@pytest.mark.slow
def test_a_study_keeps_its_ladder_and_climbs_it(tmp_path: Path) -> None:
    first = _planned("seeds=6", "declared.ladder=6,9")
    write_study(tmp_path, first)
    assert _planned("seeds=6", study=tmp_path).declared == first.declared
    assert _planned("seeds=6", "declared.ladder=true", study=tmp_path).declared == first.declared
    more = _planned("seeds=9", study=tmp_path)
    assert more.declared.ladder == (6, 9)
    write_study(tmp_path, more)
    kept = read_study(tmp_path)
    assert kept["declared"]["ladder"] == [6, 9]
    assert kept["history"][0]["declared"]["seeds"] == list(range(9))
    assert read_plan(tmp_path).declared.ladder == (6, 9)
    with pytest.raises(ValueError, match="seed 9 is not on the ladder of 6, 9 seeds"):
        _planned("seeds=10", study=tmp_path)
    with pytest.raises(ValueError, match="seed 20 is not on the ladder"):
        _planned("seed=0,1,2,3,4,5,20", study=tmp_path)
    for other in ("6,10", "false"):
        with pytest.raises(ValueError, match="was declared with the ladder 6, 9, not "):
            _planned("seeds=6", f"declared.ladder={other}", study=tmp_path)


@pytest.mark.slow
def test_a_ladder_cannot_be_declared_after_the_first_launch(tmp_path: Path) -> None:
    write_study(tmp_path, _planned("seeds=6"))
    with pytest.raises(ValueError, match="was declared without a ladder, not with the ladder 6, 9"):
        _planned("seeds=9", "declared.ladder=6,9", study=tmp_path)


@pytest.mark.slow
def test_a_plan_says_the_rungs(tmp_path: Path) -> None:
    told = promise(_planned("seeds=6", "declared.ladder=true"))
    assert told.startswith("6 comparisons need 6 seeds before a difference can be significant")
    assert told.endswith(
        "(alpha 0.0167 at each of 3 rungs); ladder of 6, 9, 14 seeds; this plan has 6: rung 1 of 3;"
        " the next rung is seeds=9"
    )
    study = tmp_path / "s"
    write_study(study, _planned("seeds=6", "declared.ladder=6,9"))
    told = promise(_planned("seeds=8", study=study), study)
    assert "this plan has 8: rung 1 of 2, which tests 6 of them; the others are shown" in told
    assert promise(_planned("seeds=9", study=study), study).endswith("rung 2 of 2; the last rung")
    few = promise(_planned("seeds=3", "declared.ladder=4,9"))
    assert "NOT ENOUGH for the first rung, give seeds=4" in few
    assert few.endswith("TOO FEW to prove anything: rung 4")


@pytest.mark.slow
def test_plan_says_what_its_seeds_find(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["plan", *FOUR, "seeds=6", "--spread", "0.3"]) == 0
    *_, told, claims = capsys.readouterr().out.splitlines()
    assert claims.startswith("claims that these trials may decide: A5, A10 (if generators")
    assert "(assumed: --spread 0.3), 6 seeds find a ratio of 2.31 with 80 % power" in told
    assert main(["plan", *FOUR, "seeds=6", "declared.ladder=true", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["declared"]["ladder"] == [6, 9, 14]
    assert said["power"] == {
        "spread": 0.15,
        "seeds": 6,
        "ratio": pytest.approx(math.exp(3.18 * 0.15)),  # 3.18 spreads, by 400 simulated studies
        "effect": 1.1,
        "power": pytest.approx(7 / 400),
        "seeds_needed": 80,
    }
    assert main(["plan", *FOUR, "seeds=6", "--spread", "15"]) == 2
    found = capsys.readouterr()
    assert "--spread is 15; it lies between 0 and 10" in found.err
    assert found.out == ""  # it is refused before anything is planned


def test_a_plan_says_the_smallest_effect_once_and_needed_seeds_only_beyond_its_own() -> None:
    said = {
        "spread": 0.05,
        "seeds": 6,
        "ratio": 1.1004,
        "effect": 1.1,
        "power": 0.7975,
        "seeds_needed": 7,
    }
    begin = "if seeds of a cell differ by 5 % (assumed: --spread 0.05), 6 seeds find a ratio of"
    assert power_words(said) == f"{begin} 1.1, the smallest that matters, with 80 % power"
    assert power_words(said | {"ratio": 1.12}) == (
        f"{begin} 1.12 with 80 % power, and 1.1, the smallest that matters, with 79.8 %; that needs about 7 seeds"
    )
    assert power_words(said | {"ratio": 1.08, "power": 0.91, "seeds_needed": 6}) == (
        f"{begin} 1.08 with 80 % power, and 1.1, the smallest that matters, with 91 %"
    )


@pytest.mark.slow
def test_seeds_that_simulation_finds_enough_need_no_more_by_the_formula() -> None:
    found = _planned("seeds=6")
    for spread in (0.02, 0.03):  # the formula asks for 7 seeds
        said = power(found, spread)
        assert said is not None
        assert said["power"] >= 0.8
        assert said["seeds_needed"] == 6


@pytest.mark.slow
def test_one_thing_is_counted_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    introduce(plan(None, [*TINY, "activation=relu", "seeds=1"]), sys.stdout)
    assert capsys.readouterr().out.splitlines()[1] == "1 trial: 1 cell x 1 seed"
    introduce(_planned("seeds=2"), sys.stdout)
    assert capsys.readouterr().out.splitlines()[1] == "8 trials: 4 cells x 2 seeds"
