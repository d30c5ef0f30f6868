"""Everything a trial imports, so that a warm parent has it: importing this module is all it does."""

from __future__ import annotations

import pandas  # pyarrow looks for it at its first table
import PIL.PngImagePlugin
import pyarrow.parquet
import sklearn.datasets
import torch._dynamo  # the first optimiser imports it: 1.6 s
import torch_fidelity.metric_fid
import torch_fidelity.metric_isc

import ablation.losses
import ablation.networks
import ablation.optimizers
import ablation.penalties
import ablation.trial

MODULES = (
    PIL.PngImagePlugin,
    pandas,
    pyarrow.parquet,
    sklearn.datasets,
    torch._dynamo,
    torch_fidelity.metric_fid,
    torch_fidelity.metric_isc,
    ablation.losses,
    ablation.networks,
    ablation.optimizers,
    ablation.penalties,
    ablation.trial,
)
