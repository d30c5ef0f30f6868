"""A whole tuned study by the command line: it runs, goes on, reports, and its page fits a narrow window."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ablation.files import read_yaml
from ablation.tune import read_drawn
from sweeps.study import read_study

TINY = ["dataset=ring8", "dataset.points=512", "architecture.depth=2", "architecture.width=8"]
TINY += ["budget=smoke"]
LR = "tune.optimizer.lr=log(1e-5,1e-2)"


def ablation(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ablation", *words],
        capture_output=True, text=True, cwd=home, env=dict(os.environ), check=False, timeout=900,
    )  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tuned study, made by the command line: 2 activations x 3 points x 2 seeds, and a fresh seed."""
    home = tmp_path_factory.mktemp("tuned")
    words = [*TINY, "budget.steps=20", "activation=leaky_relu,tanh", "seeds=2", LR, "tune.points=3"]
    done = ablation(home, "sweep", *words, "tune.fresh=1", "--study", "t", "--workers", "2")
    assert done.returncode == 0, done.stderr
    return home


@pytest.mark.long
def test_a_tuned_study_runs_and_reports(home: Path) -> None:
    study = home / "runs" / "t"
    assert len(list((study / "trials").iterdir())) == 2 * 3 * 2 + 2
    assert read_study(study)["declared"]["tune"]["points"] == 3
    assert set(read_yaml(study / "tuning.yaml")["fresh"].values()) <= {0, 1, 2}
    page = (study / "report" / "index.html").read_text()
    for text in ('id="tuned-verdict"', "optimizer.lr", "settings tried in each cell", "(n = 1)"):
        assert text in page
    assert (study / "report" / "figures" / "tuned-best-of.svg").exists()


@pytest.mark.slow
def test_launching_again_runs_nothing_and_plan_counts(home: Path) -> None:
    words = [*TINY, "budget.steps=20", "activation=leaky_relu,tanh", "seeds=2", LR, "tune.points=3"]
    done = ablation(home, "plan", *words, "--study", "t", "--json")
    told = json.loads(done.stdout)
    assert (told["cells"], told["points"], told["trials"], told["to_run"]) == (2, 3, 12, 0)
    done = ablation(home, "plan", *words, "tune.seed=5", "--study", "t")
    assert done.returncode == 2
    assert "another --study" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
def test_a_tpe_study_runs_to_its_end(home: Path) -> None:
    words = [*TINY, "budget.steps=10", "activation=leaky_relu,tanh", "seeds=2", LR, "tune.points=3"]
    done = ablation(home, "sweep", *words, "tune.sampler=tpe", "--study", "p", "--workers", "2")
    assert done.returncode == 0, done.stderr
    results = list((home / "runs" / "p" / "trials").glob("*/result.json"))
    assert len(results) == 12
    assert {len(p) for p in read_drawn(home / "runs" / "p").cells.values()} == {2}


@pytest.mark.slow
def test_the_tuned_page_is_whole_and_fits_a_narrow_window(home: Path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    page_file = home / "runs" / "t" / "report" / "index.html"
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 320, "height": 800})
        page.goto(page_file.resolve().as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert page.locator("#tuning svg").count() == 2
        assert page.locator("#tuned tbody tr").count() == 1
        picture = page.locator("#tuning").screenshot()
        browser.close()
    assert picture.startswith(b"\x89PNG")
