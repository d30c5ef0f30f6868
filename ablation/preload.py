"""Everything a trial imports, so that a warm parent has it: importing this module is all it does."""

from __future__ import annotations

import PIL.PngImagePlugin
import pyarrow.parquet
import sklearn.datasets
import torch._dynamo
import torch_fidelity.metric_fid
import torch_fidelity.metric_isc

import ablation.trial

MODULES = (
    PIL.PngImagePlugin,
    pyarrow.parquet,
    sklearn.datasets,
    torch._dynamo,
    torch_fidelity.metric_fid,
    torch_fidelity.metric_isc,
    ablation.trial,
)
