"""What every data set is: three splits of samples, their labels, and the scale that the networks see."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ablation.datasets.modes import Modes
from ablation.fingerprint import array_fingerprint


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Samples in three splits, fixed by the data and not by a seed; labels (int64 N) in all of them or in none.

    The networks learn from `train`; the best checkpoint and the end of a training are chosen on `selection`; scores
    compare with `test`, which nothing else looks at. `modes` tells where a toy's mass lies. `single` is the data set
    whose samples are stacked as the channels of this one's: its classifier looks at each channel.
    """

    train: Tensor
    selection: Tensor
    test: Tensor
    train_labels: Tensor | None = None
    selection_labels: Tensor | None = None
    test_labels: Tensor | None = None
    modes: Modes | None = None
    single: Dataset | None = None

    def __post_init__(self) -> None:
        for name, samples, labels in self.splits():
            if len(samples) == 0:
                raise ValueError(f"the data set has no {name} samples")
            if (samples.shape[1:], samples.dtype) != (self.train.shape[1:], self.train.dtype):
                raise ValueError(
                    f"the {name} samples are {samples.dtype} {tuple(samples.shape[1:])};"
                    f" the training samples are {self.train.dtype} {self.shape}"
                )
            if (labels is None) != (self.train_labels is None):
                raise ValueError(f"the {name} samples and the training samples differ in labels")
            if labels is not None and len(labels) != len(samples):
                raise ValueError(f"{len(labels)} labels for {len(samples)} {name} samples")

    def splits(self) -> tuple[tuple[str, Tensor, Tensor | None], ...]:
        """Return name, samples and labels of each split."""
        return (
            ("train", self.train, self.train_labels),
            ("selection", self.selection, self.selection_labels),
            ("test", self.test, self.test_labels),
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return tuple(self.train.shape[1:])

    @property
    def is_images(self) -> bool:
        """Whether a sample is an image (C H W)."""
        return self.train.dim() == 4

    @property
    def classes(self) -> int:
        """The number of labelled classes, 0 without labels."""
        return 0 if self.train_labels is None else int(self.train_labels.max()) + 1

    @cached_property
    def value_range(self) -> tuple[float, float]:
        """The least and the greatest value of a training sample, in the scale that the networks see."""
        low, high = scaled(torch.stack(self.train.aminmax())).tolist()
        return low, high

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits over the samples and labels of all splits."""
        kept = [tensor for _, *both in self.splits() for tensor in both if tensor is not None]
        return array_fingerprint(*(tensor.numpy() for tensor in kept))


def parted(samples: Tensor, labels: Tensor | None, *, selection: Tensor, test: Tensor) -> Dataset:
    """Return a data set whose held splits are the samples that two masks (bool N) name; the rest is for training."""

    def some(mask: Tensor) -> tuple[Tensor, Tensor | None]:
        return samples[mask], None if labels is None else labels[mask]

    (own, own_labels), (chosen, chosen_labels), (held, held_labels) = map(
        some, (~(selection | test), selection, test)
    )
    return Dataset(
        train=own,
        selection=chosen,
        test=held,
        train_labels=own_labels,
        selection_labels=chosen_labels,
        test_labels=held_labels,
    )


def last_held(
    samples: Tensor, labels: Tensor, test: Tensor, test_labels: Tensor, *, held: int
) -> Dataset:
    """Return a data set with a test split of its own, whose last `held` training samples are the selection."""
    return Dataset(
        train=samples[:-held],
        selection=samples[-held:],
        test=test,
        train_labels=labels[:-held],
        selection_labels=labels[-held:],
        test_labels=test_labels,
    )


def scaled(images: Tensor) -> Tensor:
    """Map uint8 images to float32 in [-1, 1]; vectors pass unchanged."""
    return images.float().div_(127.5).sub_(1) if images.dtype == torch.uint8 else images


def as_bytes(samples: Tensor) -> Tensor:
    """Map samples in [-1, 1] to uint8 images, rounded as a picture file would."""
    return samples.clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8)
