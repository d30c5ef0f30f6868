"""A real browser, and a report whose trials left samples on the way: every page must stay quiet and alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import study_builder as builder

from reports.page import Report, write_report

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

Visit = Callable[..., Any]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="Chromium is not installed"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Visit]:
    """Open a file in a context of its own; at the end, nothing was complained of and nothing else asked for."""
    opened = []

    def go(file: Path, part: str = "", **asked: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | asked)
        context.set_default_timeout(120_000)
        page = context.new_page()
        own, complaints, requests = file.resolve().as_uri(), [], []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url.partition("#")[0]))
        page.goto(own + part)
        opened.append((context, own, complaints, requests))
        return page

    yield go
    for context, own, complaints, requests in opened:
        context.close()
        assert complaints == []
        assert {url for url in requests if not url.startswith("data:")} == {own}


@pytest.fixture(scope="session")
def reader_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three activations, two losses, two data sets, three seeds; one diverged, one collapsed; samples at four steps."""
    study = builder.build(
        tmp_path_factory.mktemp("reader") / "my study",
        activations=("leaky_relu", "gelu", "relu"),
        losses=("minimax", "hinge"),
        datasets=("digits", "ring8"),
        seeds=3,
        failing={("gelu", "minimax", 1): "diverged", ("relu", "hinge", 2): "collapsed"},
        declared={"score": "auto", "seeds": 3},
        probed=False,
    )
    for i, folder in enumerate(sorted((study / "trials").iterdir())):
        for step in (375, 750, 1125, 1500):
            name = "samples.png" if step == 1500 else f"samples-{step}.png"
            (folder / name).write_bytes(builder.samples_png(np.random.default_rng([i, step])))
    return study


@pytest.fixture(scope="session")
def reader(reader_study: Path) -> Report:
    """The written report of that study."""
    return write_report(reader_study)
