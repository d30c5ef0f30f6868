"""What a page weighs: at most 5 MB for 500 trials, 15 MB for 5,000, however much its trials left."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
import study_builder as builder
from PIL import Image

from reports.page import write_report

pytestmark = pytest.mark.long


def _picture(seed: int) -> bytes:
    """Return a colour grid of 64 noisy images, as large as a trial on CIFAR-10 leaves one."""
    random = np.random.default_rng(seed)
    wave = 128 + 60 * np.sin(np.arange(264) / random.uniform(5, 40))
    pixels = wave[:, None, None] + random.normal(0, 15, (264, 264, 3))
    stream = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(("seeds", "most"), [(6, 5_000_000), (63, 15_000_000)])
def test_a_page_is_light(tmp_path: Path, seeds: int, most: int) -> None:
    study = builder.build(
        tmp_path / "s",
        activations=("sigmoid", "relu", "leaky_relu", "gelu", "tanh", "elu", "silu", "mish"),
        losses=("minimax", "hinge", "wasserstein", "non_saturating", "least_squares"),
        datasets=("digits", "ring8"),
        seeds=seeds,
        declared={"score": "auto", "seeds": seeds},
    )
    folders = sorted((study / "trials").iterdir())
    for i, folder in enumerate(f for f in folders if "-s0-" in f.name):
        for step in (375, 750, 1125, 1500):
            name = "samples.png" if step == 1500 else f"samples-{step}.png"
            (folder / name).write_bytes(_picture(4 * i + step))
    report = write_report(study)
    size = report.html.stat().st_size
    print(f"{report.trials} trials: {size:,} bytes")
    assert size <= most
    page = report.html.read_text(encoding="utf-8")
    assert page.count('class="mark ') >= report.trials
    row = re.search(r'id="trials".*?<tbody>(.*?)</tbody>', page, flags=re.DOTALL)
    assert row is not None
    assert row[1].count("<tr>") == report.trials == 80 * seeds
