"""Fair tuning: equal points in every cell, refusals in words, points asked for on the way, and a whole tuned study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ablation.factories import WITH
from ablation.files import write_yaml
from ablation.preflight import check
from ablation.space import dimension
from ablation.spec import TrialSpec
from ablation.tune import Tune, applied, setting_of
from sweeps import search
from sweeps.grid import plan
from sweeps.sampling import sobol, tpe
from sweeps.study import write_study
from sweeps.tuning import standing, words_of

TINY = ["dataset=ring8", "dataset.points=512", "architecture.depth=2", "architecture.width=8"]
TINY += ["budget=smoke"]
LR = "tune.optimizer.lr=log(1e-5,1e-2)"


def planned(*words: str, **more: Any) -> Any:
    return plan(None, [*TINY, *words], **more)


@pytest.mark.slow
def test_every_cell_has_the_same_points_with_every_seed() -> None:
    found = planned(
        "activation=relu,tanh", "seeds=3", LR, "tune.ttur=uniform(0.5,4)", "tune.points=4"
    )
    tune = found.declared.tune
    assert (found.cells, len(found.specs), found.trials) == (2, 2 * 4 * 3, 24)
    assert len(tune.settings) == 3
    for name in ("relu", "tanh"):
        for seed in range(3):
            own = [s for s in found.specs if s.activation == name and s.seed == seed]
            told = [setting_of(spec, tune) for spec in own]
            assert told == [{"optimizer.lr": 2e-4, "ttur": 1.0}, *tune.settings]
    assert [spec.seed for spec in found.specs] == [0] * 8 + [1] * 8 + [2] * 8
    assert found.declared.row()["tune"]["space"] == {
        "optimizer.lr": "log(1e-05,0.01)", "ttur": "uniform(0.5,4.0)",
    }  # fmt: skip


@pytest.mark.slow
def test_the_declared_hash_covers_the_points_and_not_their_absence() -> None:
    plain = planned("activation=relu", "seeds=2").declared
    one = planned("activation=relu", "seeds=2", LR, "tune.points=3").declared
    two = planned("activation=relu", "seeds=2", LR, "tune.points=3", "tune.seed=1").declared
    assert "tune" not in plain.row()
    assert len({plain.hash, one.hash, two.hash}) == 3
    assert one.tune.settings != two.tune.settings


@pytest.mark.slow
def test_one_point_is_no_tuning() -> None:
    assert planned("activation=relu", LR, "tune.points=1").declared.tune is None


@pytest.mark.slow
def test_a_cell_s_own_setting_is_no_second_point() -> None:
    found = planned("activation=relu", "tune.n_critic=integer(1,3)", "tune.points=3")
    assert sorted(spec.n_critic for spec in found.specs) == [1, 2, 3]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tune.optimizer.l=log(1e-5,1e-2)"], "tune.optimizer.l is no training field.*did you mean opti"),
        (["tune.seeds=uniform(1,2)"], "tune.seeds is no training field"),
        (["tune.optimizer.lr=log(0,1)"], "begins above 0"),
        (["tune.optimizer.lr=log(1,0.1)"], "the lower one first"),
        (["tune.optimizer.lr=foo(1,2)"], "it is log"),
        (["tune.optimizer.lr="], "says nothing"),
        (["tune.n_critic=uniform(1,5)"], "use integer"),
        (["tune.init=uniform(1,5)"], "use choice"),
        (["tune.init=choice(matched,odd)"], "init is 'odd'; it is one of matched, fixed"),
        (["tune.ema=uniform(0.5,1.5)"], "ema is 1.5"),
        (["tune.optimizer.beta1=uniform(0.9,3)"], "relu.*cannot be tuned to optimizer.beta1=.*lies from 0"),
        (["tune.n_critic=integer(1,2)"], "tune.points is 4; .* hold 1 beside"),
        ([LR, "optimizer.lr=1e-4,1e-3"], "two cells differ in nothing but optimizer.lr"),
        ([LR, "tune.sampler=grid"], "tune.sampler is 'grid'; it is sobol or tpe"),
        ([LR, "tune.pruning=true"], "every point runs to its last step"),
        ([LR, "tune.points=few"], "tune.points is 'few'; it is a whole number"),
        ([LR, "tune.points=65"], "tune.points is 65; it is a whole number from 1 to 64"),
        ([], "names nothing to tune"),
        (["tune.penalty.weight=log(1,10)", "penalty=gradient_penalty,none"], "no training field"),
    ],
)  # fmt: skip
def test_what_cannot_be_tuned_is_refused_in_one_line(words: list[str], said: str) -> None:
    if not any(word.startswith("tune.points") for word in words):
        words = ["tune.points=4", *words]
    with pytest.raises(ValueError, match=said) as error:
        planned("activation=relu", *words, check=check)
    assert "\n" not in str(error.value)


def test_points_are_missing_in_words() -> None:
    with pytest.raises(ValueError, match=r"tune\.points is missing"):
        planned("activation=relu", LR)


@pytest.mark.slow
def test_a_preset_says_it_in_yaml_and_a_word_takes_its_place() -> None:
    row = {
        "points": 4,
        "sampler": "sobol",
        "space": {"optimizer.lr": "log(1e-5, 1e-2)", "init": ["matched", "fixed"]},
    }
    words = words_of(row, "conf/sweep/x.yaml: tune")
    found = planned("activation=relu", *words)
    assert found.declared.tune.points == 4
    assert {spec.init for spec in found.specs} <= {"matched", "fixed"}
    with pytest.raises(ValueError, match="unknown key 'point'; known are points"):
        words_of({"point": 4}, "conf/sweep/x.yaml: tune")


@pytest.mark.slow
def test_a_preset_s_space_is_a_file_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "own"
    (folder / "conf" / "sweep").mkdir(parents=True)
    write_yaml(
        folder / "conf" / "sweep" / "lr.yaml",
        {"overrides": [*TINY, "activation=relu,tanh", "seeds=2"],
         "tune": {"points": 3, "space": {"optimizer.lr": "log(1e-5,1e-2)"}}},
    )  # fmt: skip
    monkeypatch.setenv(WITH, str(folder))
    assert len(plan("lr", []).specs) == 2 * 3 * 2
    assert len(plan("lr", ["tune.points=2"]).specs) == 2 * 2 * 2


@pytest.mark.parametrize(
    ("said", "shares", "values"),
    [
        ("log(1e-4,1e-2)", (0.0, 0.5, 1.0), (1e-4, 1e-3, 1e-2)),
        ("uniform(-1,3)", (0.0, 0.5, 1.0), (-1.0, 1.0, 3.0)),
        ("integer(2,4)", (0.0, 0.34, 0.99, 1.0), (2, 3, 4, 4)),
        ("choice(a,b,2)", (0.0, 0.5, 0.99), ("a", "b", 2)),
        ("[true,false]", (0.0, 0.99), (True, False)),
    ],
)
def test_a_space_holds_its_ends(said: str, shares: Sequence[float], values: Sequence[Any]) -> None:
    one = dimension("x", said)
    assert tuple(one.at(share) for share in shares) == pytest.approx(values) or (
        tuple(one.at(share) for share in shares) == tuple(values)
    )
    assert dimension("x", one.text) == one


def test_sobol_points_fill_the_space_and_repeat() -> None:
    space = [dimension("x", "uniform(0,1)"), dimension("y", "integer(1,8)")]
    points = [p for p, _ in zip(sobol(space, 3), range(64), strict=False)]
    assert points == [p for p, _ in zip(sobol(space, 3), range(64), strict=False)]
    assert len({int(8 * p["x"]) for p in points}) == 8
    assert {p["y"] for p in points} == set(range(1, 9))


@pytest.mark.slow
def test_tpe_learns_where_less_is() -> None:
    space = [dimension("x", "uniform(0,1)")]
    told: list[tuple[dict[str, Any], float]] = [({"x": 7.0}, 0.0)]  # outside: no harm
    for number in range(24):
        setting = tpe(space, told, number)
        told.append((setting, abs(setting["x"] - 0.2)))
    late = [s["x"] for s, _ in told[-8:]]
    assert sum(abs(x - 0.2) < 0.2 for x in late) >= 6
    assert tpe(space, told, 9) == tpe(space, told, 9)


@pytest.mark.slow
def test_a_study_keeps_its_points(tmp_path: Path) -> None:
    study = tmp_path / "s"
    words = ["activation=relu,tanh", "seeds=2", LR, "tune.points=3"]
    first = planned(*words)
    write_study(study, first)
    more = ["activation=relu,tanh", "seeds=4", LR, "tune.points=3"]
    again = planned(*more, study=study)
    assert again.declared.tune == first.declared.tune
    assert {s.key for s in first.specs} < {s.key for s in again.specs}
    with pytest.raises(
        ValueError, match=r"declared with 3 sobol points .* not with 4 .*another --study"
    ):
        planned("activation=relu", LR, "tune.points=4", study=study)
    with pytest.raises(ValueError, match="not without tuning"):
        planned("activation=relu", study=study)
    assert standing(tmp_path / "other", None) is None


def test_the_best_point_has_the_least_ranks_and_a_failure_is_last() -> None:
    inf = float("inf")
    assert search.best([[1.0, 2.0], [0.5, inf], [3.0, 3.0]]) == 0
    assert search.best([[inf, inf], [2.0, 9.0]]) == 1
    assert search.best([[1.0], [1.0]]) == 0


@pytest.mark.slow
def test_applied_changes_the_key_and_back() -> None:
    spec = planned("activation=relu").specs[0]
    moved = applied(spec, {"optimizer.lr": 0.003, "ttur": 2, "n_critic": 3})
    assert (moved.ttur, moved.n_critic, moved.optimizer.keywords["lr"]) == (2.0, 3, 0.003)
    assert isinstance(moved.ttur, float)
    assert moved.key != spec.key
    assert applied(moved, {"optimizer.lr": 2e-4, "ttur": 1.0, "n_critic": 1}).key == spec.key
    assert TrialSpec.read(moved.config()) == replace(moved)


def test_one_setting_is_no_two_points() -> None:
    with pytest.raises(ValueError, match="two or more different values"):
        planned("tune.optimizer.lr=choice(1,1.0,0.1)", "tune.points=3")


@pytest.mark.slow
def test_a_level_that_stands_at_a_point_cannot_join(tmp_path: Path) -> None:
    study = tmp_path / "grow"
    words = ["dataset=ring8", "tune.optimizer.lr=choice(1e-3,1e-4,1e-5)", "tune.points=3"]
    write_study(study, plan(None, [*words, "activation=relu", "optimizer.lr=1e-3"]))
    with pytest.raises(ValueError, match=r"its own setting is point \d of this study"):
        plan(None, [*words, "activation=tanh", "optimizer.lr=1e-4"], study=study)


def test_a_seed_of_any_size_serves_tpe() -> None:
    space = {"optimizer.lr": "log(1e-5,1e-2)"}
    tune = Tune.read({"points": 3, "seed": 2**40, "sampler": "tpe", "space": space})
    assert search._next(tune, [], []).keys() == space.keys()
