"""From words to a question: every row composes, every wrong word is refused in one line."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hydra.core.global_hydra import GlobalHydra

from ablation.catalogue import groups, rows
from ablation.compose import compose, expand
from ablation.spec import Part

GROUPS = [group for group in groups() if group not in ("sweep", "launcher", "claim")]


TURNS = range(max(len(rows(group)) for group in GROUPS))
"""Turn n chooses row n of every group, so that few compositions see every row."""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "one.png").write_bytes(b"one")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("turn", TURNS)
def test_every_row_of_every_group_composes(turn: int, pictures: Path) -> None:
    chosen = {group: sorted(rows(group))[turn % len(rows(group))] for group in GROUPS}
    words = [f"{group}={name}" for group, name in chosen.items()]
    if chosen["dataset"] == "image_folder":
        words.append(f"dataset.root={pictures}")
    spec = compose(words)
    for group, name in chosen.items():
        row = rows(group)[name]
        if group == "budget":
            found = {"steps": spec.budget.steps, "batch_size": spec.budget.batch_size}
            assert found == row["budget"]
            assert spec.protocol.probes == row["protocol"]["probes"]
            assert spec.protocol.samples == row["protocol"]["samples"]
            continue
        part = spec.generator_activation if group == "activation" else getattr(spec, group)
        body = dict(row.get("module", row))
        assert (part.name, part.target, part.cite) == (name, body.pop("_target_"), row["cite"])
        asked = {k: v for k, v in body.items() if k not in ("name", "cite")}
        assert part.keywords.keys() == asked.keys()
        assert {
            k: v for k, v in asked.items() if part.keywords[k] != v and v not in ("???", "auto")
        } == {}
    assert spec.discriminator_activation == spec.generator_activation


WRONG = [
    ("activation=geluu", "geluu", "gelu"),
    ("generator.activation=reluu", "reluu", "relu"),
    ("activation=relu,tahn", "tahn", "tanh"),
    ("activaton=gelu", "activaton", "activation"),
    ("loss=wasserstien", "wasserstien", "wasserstein"),
    ("activation_at={generator.1: tahn}", "tahn", "tanh"),
    ("activation_at=[1,2]", "[1, 2]", "generator.2: tanh"),
    ("optimizer.lrr=1e-4", "optimizer.lrr", "optimizer.lr"),
    ("sed=1", "sed", "seed"),
    ("seed=-1", "seed is -1", "0"),
    ("seed=1.5", "1.5", "seed"),
    ("seed=1,2", "2 trials", "seed"),
    ("seeds=0", "seeds=0", "empty"),
    ("seed=range(0)", "range(0)", "empty"),
    ("init=xavier", "xavier", "matched"),
    ("ema=1", "ema is 1", "1"),
    ("budget.steps=0", "budget.steps is 0", "10,000,000"),
    ("protocol.samples=3", "protocol.samples is 3", "16"),
    ("optimizer.lr=nan", "nan", "optimizer.lr"),
    ("activation=glob(z*)", "glob(z*)", "gelu"),
    ("dataset=image_folder", "dataset.root", "missing"),
    ("penalty=null", "None", "none"),
    ("~loss", "loss", "missing"),
    ("activation", "activation", "EQUAL"),
    ("activation=relu,", "activation=relu,", "cannot read"),
    ("=3", "=3", "cannot read"),
    ("", "''", "cannot read"),
    ("activation.module=3", "3", "activation"),
    ("loss._target_=os.system", "os.system", "torch.nn"),
]


MORE = [
    ("activation@generator.activation=reluu", "reluu", "relu"),
    ("activation=[relu,tanh]", "['relu', 'tanh']", "relu"),
    ("penalty=gradient_penality", "gradient_penality", "gradient_penalty"),
    ("dataset=digit", "digit", "digits"),
    ("architecture=dcgann", "dcgann", "dcgan"),
    ("optimizer=adamm", "adamm", "adam"),
    ("budget=smok", "smok", "smoke"),
    ("architecture.widht=9", "architecture.widht", "architecture.width"),
    ("protocol.sample=9", "protocol.sample", "protocol.samples"),
    ("budget.step=9", "budget.step", "budget.steps"),
    ("++x=3", "x", "known are"),
    ("seed=true", "rue", "seed"),
    ("seed=interval(0,1)", "interval", "range"),
    ("n_critic=0", "n_critic is 0", "1"),
    ("n_critic=true", "rue", "n_critic"),
    ("ema=x", "x", "ema"),
    ("budget.steps=ten", "ten", "budget.steps"),
    ("protocol.extractor='a b'", "a b", "protocol.extractor"),
    ("optimizer.lr=inf", "inf", "optimizer.lr"),
    ("optimizer.lr={a: 1}", "{'a': 1}", "optimizer.lr"),
    ("loss._target_=3", "loss", "_target_"),
]


@pytest.mark.parametrize(
    ("word", "named", "near"),
    [*WRONG, *(pytest.param(*row, marks=pytest.mark.slow) for row in MORE)],
    ids=[word for word, *_ in [*WRONG, *MORE]],
)
def test_a_wrong_word_is_refused_in_one_line(word: str, named: str, near: str) -> None:
    with pytest.raises(ValueError, match=r".") as refusal:
        compose([word])
    told = str(refusal.value)
    assert "\n" not in told
    assert named in told
    assert near in told.replace(named, "", 1)
    assert len(told) < 600


@pytest.mark.slow
def test_a_wrong_word_beside_right_ones_is_the_one_that_is_named() -> None:
    with pytest.raises(ValueError, match=r"unknown key 'architecture\.depht'.*architecture\.depth"):
        compose(["activation=gelu", "architecture=mlp", "architecture.depht=2", "seed=3"])


ROW = "name: hard\nmodule:\n  _target_: torch.nn.Hardswish\ncite: a page\n"


@pytest.mark.slow
def test_hydra_searchpath_finds_a_row_outside_the_checkout(tmp_path: Path) -> None:
    (tmp_path / "activation").mkdir()
    (tmp_path / "activation" / "hard.yaml").write_text(ROW)
    path = f"hydra.searchpath=[file://{tmp_path}]"
    spec = compose([path, "activation=hard"])
    assert spec.generator_activation == Part("hard", "torch.nn.Hardswish")
    assert compose([path, "activation_at={generator.0: hard}"]).activation_at[0][1].name == "hard"
    _, axes = expand([path, "activation=glob(*ard)"])
    assert axes[0].levels == (("activation=hard",),)
    with pytest.raises(ValueError, match=r"unknown key 'optimizer\.lrr'"):
        compose([path, "activation=hard", "optimizer.lrr=3"])
    with pytest.raises(ValueError, match="activation=hard is not a known activation"):
        compose(["activation=hard"])


@pytest.mark.slow
def test_an_own_folder_gives_rows_and_code_and_pins_them(trusted: Path) -> None:
    (trusted / "conf" / "activation" / "wave.yaml").write_text(
        "name: wave\nmodule:\n  _target_: own_waves.Wave\n  speed: 1e-4\ncite: mine\n"
    )
    code = trusted / "own_waves.py"
    code.write_text(
        "import torch\nclass Wave(torch.nn.Module):\n  def __init__(self, speed): ...\n"
    )
    assert "wave" in rows("activation")
    spec = compose(["activation=wave", "activation_at={generator.0: wave}"])
    found = {spec.generator_activation, spec.discriminator_activation, spec.activation_at[0][1]}
    assert len(found) == 1
    assert spec.generator_activation.keywords == {"speed": 1e-4}
    assert spec.generator_activation.source == hashlib.sha256(code.read_bytes()).hexdigest()
    assert spec.loss.source == ""
    assert "own_waves" not in sys.modules  # composing reads the code and does not run it

    code.write_text(code.read_text() + "# changed\n")
    assert compose(["activation=wave", "activation_at={generator.0: wave}"]).key != spec.key


@pytest.mark.slow
def test_a_row_of_a_stranger_s_code_is_refused_without_its_folder(tmp_path: Path) -> None:
    (tmp_path / "activation").mkdir()
    (tmp_path / "activation" / "hard.yaml").write_text(ROW.replace("torch.nn", "strange_code"))
    with pytest.raises(
        ValueError, match=r"hard: the target 'strange_code\.Hardswish' lies neither"
    ):
        compose([f"hydra.searchpath=[file://{tmp_path}]", "activation=hard"])


@pytest.mark.slow
def test_a_damaged_own_row_is_named(trusted: Path) -> None:
    path = trusted / "conf" / "activation" / "torn.yaml"
    for text, told in (
        ("name: [torn\n", r"torn\.yaml"),
        ("- a list\n", "a list"),
        ("name: torn\n", "activation lacks"),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=told) as refusal:
            compose(["activation=torn"])
        assert "\n" not in str(refusal.value)


ASKED = [
    ["activation=gelu", "loss=wasserstein"],
    ["generator.activation=tanh", "budget=smoke"],
    ["activation=nonsense"],
    ["architecture=dcgan", "optimizer.lrr=3"],
    [],
]


def outcome(words: list[str]) -> str:
    try:
        return compose(words).key
    except ValueError as error:
        return str(error)


@pytest.mark.slow
def test_composing_does_not_depend_on_what_was_composed_before() -> None:
    code = "import sys; from ablation.compose import compose; print(compose(sys.argv[1:]).key)"
    fresh = subprocess.run(
        [sys.executable, "-c", code, *ASKED[0]],
        capture_output=True, text=True, check=True, env=os.environ,
    ).stdout.strip()  # fmt: skip
    orders = ([0, 1, 2, 3, 4], [3, 2, 0, 4, 1])
    found = [[(n, outcome(ASKED[n])) for n in order] for order in orders]

    assert len({tuple(sorted(row)) for row in found}) == 1
    assert dict(found[0])[0] == fresh
    assert not GlobalHydra.instance().is_initialized()
