"""Which studies are simulated, how many of each, and what was expected of them before."""

from __future__ import annotations

from calibration_frames import Shape, Truth
from calibration_runs import RUNGS, Setting

GAUSSIAN, HEAVY, FAILING = Truth(), Truth("Student t(2)"), Truth(failing=0.2)
SEEDS = (5, 6, 8, 10, 12)
SHIFTS = (1.13, 2.12)
"""Of the planted activation, in spreads within a cell."""

EXPECTED = {
    (4, 1): ((9, 42), (14, 55), (22, 80), (40, 93), (45, 98)),
    (4, 6): ((61, 100), (84, 100), (95, 100), (99, 100), (100, 100)),
    (8, 1): ((0, 0), (0, 0), (12, 56), (15, 78), (24, 93)),
    (8, 6): ((0, 0), (0, 0), (77, 100), (96, 100), (99, 100)),
}
"""Power in per cent that the protocol promises: by activations and blocks, over `SEEDS` and `SHIFTS`."""

EQUAL = [
    Setting("equal", Shape(4, 1, 6), GAUSSIAN, 1_000),
    *(
        Setting("equal", Shape(4, 1, 6), truth, 500)
        for truth in (HEAVY, FAILING, Truth(seed=0.3), Truth(seed=-0.25))
    ),
    Setting("equal", Shape(4, 1, 10), GAUSSIAN, 300),
    *(
        Setting("equal", Shape(4, 6, 6), truth, 300)
        for truth in (
            GAUSSIAN,
            Truth(block=0.5),
            Truth("Student t(2)", block=0.5),
            Truth(block=0.5, failing=0.2),
        )
    ),
    Setting("equal", Shape(8, 1, 8), GAUSSIAN, 300),
    Setting("equal", Shape(8, 6, 8), Truth(block=0.5), 100),
    Setting("equal", Shape(4, 3, 5, streams=2), GAUSSIAN, 300),
    Setting("equal", Shape(4, 3, 5, streams=2), Truth(block=0.5, failing=0.2), 300),
    Setting("equal", Shape(3, 1, 6, points=4), GAUSSIAN, 300),
    Setting("equal", Shape(3, 1, 6, points=4), FAILING, 300),
]
"""Studies without any difference."""

COUNTS = {(4, 1): 200, (4, 6): 100, (8, 1): 120, (8, 6): 40}
POWER = [
    Setting("power", Shape(k, b, n), Truth(shift=shift), COUNTS[k, b] if power else 20)
    for (k, b), rows in EXPECTED.items()
    for n, row in zip(SEEDS, rows, strict=True)
    for shift, power in zip(SHIFTS, row, strict=True)
]
"""Studies in which one activation is better than all others."""

OTHERS = [
    Setting("others", shape, truth, 100)
    for shape, truth in (
        (Shape(4, 1, 8), Truth("Student t(2)", 2.12)),
        (Shape(4, 1, 8), Truth(shift=2.12, failing=0.2)),
        (Shape(4, 6, 6), Truth(shift=1.13, block=0.5)),
        (Shape(4, 6, 6), Truth("Student t(2)", 1.13)),
        (Shape(4, 6, 6), Truth(shift=1.13, failing=0.2)),
        (Shape(4, 3, 5, streams=2), Truth(shift=1.13)),
        (Shape(3, 1, 6, points=4), Truth(shift=4.0)),
        (Shape(3, 1, 6, points=4), Truth(shift=4.0, everywhere=True)),
    )
]
"""The same with other noise, two random streams, and tuning."""

LOOKS = [Setting("looks", Shape(4, 1, RUNGS[-1]), GAUSSIAN, 200)]
RATES = [
    Setting("failures", Shape(4, 1, 6), FAILING, 300),
    Setting("failures", Shape(4, 1, 12), FAILING, 300),
    Setting("failures", Shape(4, 6, 6), FAILING, 300),
    Setting("failures", Shape(4, 6, 6), Truth(block=1.0, failing=0.2), 300),
]
SETTINGS = [*EQUAL, *POWER, *OTHERS, *LOOKS, *RATES]

WHOLE = [
    (Shape(4, 1, 6), GAUSSIAN),
    (Shape(4, 1, 8), Truth("Student t(2)", 2.12, failing=0.2)),
    (Shape(3, 3, 5, streams=2), Truth(shift=2.12, block=0.5)),
    (Shape(3, 1, 6, points=4), Truth(shift=4.0)),
    (Shape(4, 1, 9), Truth(shift=2.12), RUNGS),
]
"""Studies of which the report itself is written, too: shape, truth, ladder."""
