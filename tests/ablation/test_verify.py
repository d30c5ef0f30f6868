"""Two runs agree bit for bit, or the first difference is named."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ablation.record import (
    Outcome,
    Reading,
    Score,
    TrialRecord,
    attempt_folder,
    commit,
    write_readings,
)
from ablation.verify import agreement

READINGS = [
    Reading(step, network, "", "loss", value)
    for step, value in ((1, 0.1), (2, math.nan), (3, -math.inf))
    for network in ("discriminator", "generator")
]
RECORD = TrialRecord(
    key="k",
    spec={"seed": 0},
    outcome=Outcome("finished", 50),
    scores=(Score("fid", 1.5, 500, "lower"), Score("is", 2.5, 500, "higher")),
    weights="ab" * 32,
    provenance={
        "device": "cpu", "instruction_set": "AVX2", "threads": 1, "host": "a", "seconds": {"train": 1.0},
        "versions": {"torch": "2.5", "numpy": "2.0", "torch-fidelity": "0.4", "scipy": "1"},
    },
)  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Path]:
    def made(record: TrialRecord = RECORD, readings: list[Reading] | None = READINGS) -> Path:
        folder = tmp_path / f"run-{len([*tmp_path.iterdir()])}"
        scratch = attempt_folder(folder, 0)
        if readings is not None:
            write_readings(scratch / "readings.parquet", readings)
        assert commit(folder, scratch, record)
        return folder

    return made


def test_equal_runs_agree(run: Callable[..., Path]) -> None:
    """NaN equals itself here: what counts is the bits."""
    found = agreement(run(), run())
    assert found.equal
    assert found.differences == found.settings == ()
    assert agreement(run(readings=None), run(readings=None)).equal


def test_time_and_host_are_no_difference(run: Callable[..., Path]) -> None:
    later = {**RECORD.provenance, "host": "b", "seconds": {"train": 9.0}, "attempt": 3}
    assert agreement(run(), run(replace(RECORD, provenance=later))).equal


@pytest.mark.parametrize("row", range(len(READINGS)))
def test_the_first_reading_that_differs_by_one_bit_is_named(
    row: int, run: Callable[..., Path]
) -> None:
    changed = list(READINGS)
    for later in range(row, len(READINGS)):
        old = changed[later].value
        value = math.nextafter(old, 1.0) if not math.isnan(old) else 0.0
        changed[later] = replace(changed[later], value=value)
    found = agreement(run(), run(readings=changed))
    assert not found.equal
    assert len(found.differences) == 1
    told = found.differences[0]
    assert f"step {READINGS[row].step} {READINGS[row].network} loss" in told
    assert repr(READINGS[row].value) in told
    assert repr(changed[row].value) in told


@pytest.mark.parametrize("field", ["step", "network", "layer", "quantity"])
def test_a_reading_of_something_else_is_a_difference(field: str, run: Callable[..., Path]) -> None:
    other = 7 if field == "step" else "other"
    changed = [replace(READINGS[0], **{field: other}), *READINGS[1:]]
    assert "readings differ first here" in agreement(run(), run(readings=changed)).differences[0]


@pytest.mark.parametrize("changed", [READINGS[:-1], [*READINGS, READINGS[0]], []], ids=len)
def test_a_missing_or_additional_reading_is_a_difference(
    changed: list[Reading], run: Callable[..., Path]
) -> None:
    (told,) = agreement(run(), run(readings=changed)).differences
    assert "none" in told


RESULTS = [
    (
        replace(RECORD, outcome=Outcome("diverged", 50)),
        "outcome: finished at step 50 against diverged",
    ),
    (
        replace(RECORD, outcome=Outcome("finished", 49)),
        "outcome: finished at step 50 against finished at step 49",
    ),
    (replace(RECORD, weights="cd" * 32), "weights: abababababababab against cdcdcdcdcdcdcdcd"),
    (replace(RECORD, scores=RECORD.scores[:1]), "is: 2.5 against None"),
    (replace(RECORD, scores=()), "fid: 1.5 against None"),
    (
        replace(
            RECORD, scores=(Score("fid", math.nextafter(1.5, 2), 500, "lower"), RECORD.scores[1])
        ),
        "fid: 1.5 against 1.5000000000000002",
    ),
    (replace(RECORD, scores=(Score("fid", 1.5, 501, "lower"), RECORD.scores[1])), "fid"),
]


@pytest.mark.parametrize(("record", "told"), RESULTS, ids=[told for _, told in RESULTS])
def test_results_that_differ_are_named(
    record: TrialRecord, told: str, run: Callable[..., Path]
) -> None:
    for pair in ((run(), run(record)), (run(record), run())):
        found = agreement(*pair)
        assert not found.equal
    assert told in agreement(run(), run(record)).differences[0]


def test_readings_are_told_before_results(run: Callable[..., Path]) -> None:
    """In the order of training: what differs in a reading made the rest differ."""
    other = run(replace(RECORD, weights="cd" * 32), READINGS[:-1])
    first, second = agreement(run(), other).differences
    assert first.startswith("readings")
    assert second.startswith("weights")


@pytest.mark.parametrize(
    ("name", "value"), [("device", "H100"), ("instruction_set", "AVX512"), ("threads", 2)]
)
def test_other_machines_are_told_beside(name: str, value: object, run: Callable[..., Path]) -> None:
    found = agreement(run(), run(replace(RECORD, provenance={**RECORD.provenance, name: value})))
    assert found.equal
    assert found.settings == (f"{name}: {RECORD.provenance[name]} against {value}",)


@pytest.mark.parametrize("package", ["torch", "numpy", "torch-fidelity"])
def test_other_versions_are_told_beside(package: str, run: Callable[..., Path]) -> None:
    versions = {**RECORD.provenance["versions"], package: "99"}
    other = replace(RECORD, provenance={**RECORD.provenance, "versions": versions})
    (told,) = agreement(run(), run(other)).settings
    assert told == f"{package}: {RECORD.provenance['versions'][package]} against 99"


def test_a_run_without_a_result_is_named(run: Callable[..., Path], tmp_path: Path) -> None:
    for pair in ((run(), tmp_path), (tmp_path, run())):
        with pytest.raises(ValueError, match=r"has no result\.json to compare with"):
            agreement(*pair)


def test_readings_that_were_lost_are_named(run: Callable[..., Path]) -> None:
    first, second = run(), run()
    (second / "readings.parquet").unlink()
    with pytest.raises(ValueError, match=r"readings\.parquet is damaged or missing"):
        agreement(first, second)


NEWER = {"versions": RECORD.provenance["versions"] | {"activation-ablation": "9.9"}}
MORE = [
    each
    for old in READINGS
    for each in (replace(old, layer=f"{old.network}.0", quantity="slope_power", value=0.7), old)
]


def test_what_only_another_version_measures_is_said_and_no_difference(
    run: Callable[..., Path],
) -> None:
    newer = replace(
        RECORD,
        scores=(*RECORD.scores, Score("kid", 0.1, 500, "lower")),
        provenance={**RECORD.provenance, **NEWER, "commit": "abc"},
    )
    found = agreement(run(), run(newer, MORE))
    assert found.equal
    assert found.beside == (
        "the code is another version: unknown version stored, 9.9 at commit abc now",
        "only the rerun reads slope_power: not compared",
        "only the rerun scores kid: not compared",
    )
    assert found.same == ("2 common scores", "all common readings", "weights abababababababab")
    assert agreement(run(newer, MORE), run()).beside[1:] == (
        "only the stored trial reads slope_power: not compared",
        "only the stored trial scores kid: not compared",
    )


def test_what_both_versions_measure_is_compared_like_with_like(run: Callable[..., Path]) -> None:
    newer = replace(RECORD, provenance={**RECORD.provenance, **NEWER})
    changed = [*MORE[:-1], replace(MORE[-1], value=0.5)]
    found = agreement(run(), run(newer, changed))
    assert found.differences == (
        "readings differ first here: step 3 generator loss = -inf against step 3 generator loss = 0.5",
    )
    assert found.same == ("2 common scores", "weights abababababababab")


def test_within_one_version_what_only_one_run_reads_is_a_difference(
    run: Callable[..., Path],
) -> None:
    found = agreement(run(), run(readings=MORE))
    assert found.differences == (
        "readings differ first here: none against step 1 discriminator.0 slope_power = 0.7",
    )
    assert found.beside == ()
