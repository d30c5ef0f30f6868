"""Everything a trial imports, so that a warm parent has it: importing this module is all it does."""

from __future__ import annotations

import gc
import importlib

NAMES = (
    "pandas",  # pyarrow looks for it at its first table
    "PIL.PngImagePlugin",
    "pyarrow.parquet",
    "sklearn.datasets",
    "torch._dynamo",  # the first optimiser imports it: 1.6 s
    "torch_fidelity.metric_fid",
    "torch_fidelity.metric_isc",
    "ablation.losses",
    "ablation.networks",
    "ablation.optimizers",
    "ablation.penalties",
    "ablation.trial",
)

gc.disable()  # imports make no garbage, and looking for it takes a fifth of their time
MODULES = tuple(importlib.import_module(name) for name in NAMES)
gc.freeze()  # what is loaded stays: no child looks through it, and its memory stays shared
gc.enable()
