"""Only a trial's own files are read into a report: no link to another's, nothing that never ends."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import study_builder as builder

from reports.failures import log_tail
from reports.samples import read_picture


def test_a_log_that_is_a_link_or_a_pipe_is_none(tmp_path: Path) -> None:
    secret, link, pipe = tmp_path / "secret", tmp_path / "log.txt", tmp_path / "pipe"
    secret.write_text("a word of another's\n")
    link.symlink_to(secret)
    os.mkfifo(pipe)
    assert log_tail(secret) == "a word of another's"
    assert log_tail(link) == ""
    assert log_tail(pipe) == ""
    assert log_tail(tmp_path / "none") == ""


def test_a_picture_that_is_a_link_or_a_pipe_is_none(tmp_path: Path) -> None:
    picture, link, pipe = tmp_path / "real.png", tmp_path / "samples.png", tmp_path / "pipe.png"
    picture.write_bytes(builder.samples_png(np.random.default_rng(0)))
    link.symlink_to(picture)
    os.mkfifo(pipe)
    assert read_picture(picture) == picture.read_bytes()
    assert read_picture(link) is None
    assert read_picture(pipe) is None
