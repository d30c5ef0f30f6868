"""A report within so many megabytes: less is shown, all is said, and it says so."""

from __future__ import annotations

import io
import re
from math import inf, isfinite, nan
from pathlib import Path

import numpy as np
import pytest
import study_builder as builder
from PIL import Image

from ablation.__main__ import main
from reports.bound import bound, slimmed
from reports.page import write_report

MB = 1_000_000


def _picture(seed: int) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 256, (96, 96), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = builder.build(
        tmp_path_factory.mktemp("runs") / "s",
        activations=("sigmoid", "relu", "leaky_relu"),
        losses=("minimax", "hinge"),
        seeds=4,
        declared={"score": "auto", "seeds": 4},
    )
    for i, folder in enumerate(sorted((study / "trials").glob("*-s0-*"))):
        (folder / "samples.png").write_bytes(_picture(i))
    return study


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.slow
def test_a_bound_report_keeps_its_bound_and_all_its_words(study: Path, tmp_path: Path) -> None:
    most = 0.6
    small = write_report(study, tmp_path / "small", bound(most))
    assert 0.5 * most * MB < _bytes(tmp_path / "small") <= most * MB
    assert not (tmp_path / "small" / "figures").exists()
    page, whole = small.html.read_text(), write_report(study, tmp_path / "whole").html.read_text()
    for text, folder in ((page, False), (whole, True)):
        assert ('id="bound"' in text) != folder
        assert ("in the folder figures/" in text) <= folder
    assert f"at most {most:g} MB" in page
    assert "ablation report s writes all of them" in page
    shown, every = (len(re.findall(r"<figure id=", text)) for text in (page, whole))
    left = re.findall(r"(\d+) more figures? (?:is|are) left out of this page", page)
    assert 0 < shown < every
    assert left
    pictures, all_pictures = (text.count("data:image/webp") for text in (page, whole))
    assert all_pictures == 6
    assert pictures < 6
    words = [re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL) for text in (page, whole)]
    tables = [re.findall(r"<table.*?</table>", text, flags=re.DOTALL) for text in words]
    assert tables[0] == tables[1]


@pytest.mark.slow
def test_the_command_writes_into_a_folder_and_refuses_what_is_no_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = builder.build(tmp_path / "runs" / "s", activations=("relu", "gelu"), seeds=4)
    words = ["report", "s", "--runs", str(study.parent), "--most", "1", "--out"]
    out = tmp_path / "docs" / "s"
    assert main([*words, str(out)]) == 0
    assert main([*words, str(out)]) == 0  # over its own report
    assert sorted(path.name for path in out.iterdir()) == ["index.html", "report.pdf", "tables"]
    (out / "thesis.txt").write_text("mine")
    refused = [tmp_path, study, study / "elsewhere", study / "trials" / "new", out]
    for place in (*refused, study / "nope" / ".." / "trials"):
        before = sorted(study.rglob("*"))
        assert main([*words, str(place)]) == 2
        assert sorted(study.rglob("*")) == before
    assert (out / "thesis.txt").read_text() == "mine"
    (out / "thesis.txt").unlink()
    (tmp_path / "link").symlink_to(out)
    (out / "index.html").write_text("old")
    assert main([*words, str(tmp_path / "link")]) == 0
    assert (tmp_path / "link").is_symlink()
    assert (out / "index.html").read_text() != "old"
    capsys.readouterr()
    held = (out / "index.html").read_bytes()
    assert main([*words, str(out), "--most", "0.25"]) == 2
    assert "--most 0.25: this report takes at least 0." in capsys.readouterr().err
    assert (out / "index.html").read_bytes() == held
    assert main([*words, str(out), "--watch"]) == 2
    assert "do not go with --watch" in capsys.readouterr().err


@pytest.mark.parametrize("most", [0.0, -1.0, 0.1, nan, inf])
def test_no_report_is_smaller_than_its_words(most: float) -> None:
    reason = "a report takes at least" if isfinite(most) else "it is a number of megabytes"
    with pytest.raises(ValueError, match=reason):
        bound(most)


def test_the_largest_tables_go_first_and_are_named(tmp_path: Path) -> None:
    sizes = {"readings.parquet": 900, "trials.csv": 500, "trials.parquet": 200, "claims.csv": 10}
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(bytes(size))
    assert slimmed(tmp_path, 10_000) == []
    assert slimmed(tmp_path, 300) == ["readings"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["claims.csv", "trials.parquet"]
