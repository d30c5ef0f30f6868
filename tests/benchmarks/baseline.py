"""The script that a tutorial teaches, for the players, batch and order of updates of ours.

`python tests/benchmarks/baseline.py --root FOLDER --classifier FILE` trains one GAN on Fashion-MNIST and scores it. It
knows nothing of this package: a DataLoader of PIL transforms, torch.nn players in the contiguous layout, Adam as it
comes, fresh noise for each update, and gradients of the discriminator's weights in the generator's update too.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset
from torchvision import transforms

LATENT, BATCH = 64, 64


class Pictures(Dataset[tuple[Tensor, int]]):
    """Scans (N H W) one by one: each becomes a PIL image, and that a tensor in [-1, 1], as in torchvision's sets."""

    def __init__(self, scans: np.ndarray, side: int) -> None:
        self.scans = scans
        self.transform = transforms.Compose(
            [transforms.Resize(side), transforms.ToTensor(), transforms.Normalize([0.5], [0.5])]
        )

    def __len__(self) -> int:
        return len(self.scans)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.scans[index])), 0


def scans(root: Path, name: str) -> np.ndarray:
    """Return the pictures of an IDX file (uint8 N 28 28)."""
    with gzip.open(root / f"{name}-images-idx3-ubyte.gz") as file:
        return np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)


def pictures(root: Path, side: int, batch: int = BATCH) -> DataLoader[tuple[Tensor, int]]:
    """Return batches of the training pictures; as with us, the last sixth of the file is not among them."""
    own = scans(root, "train")
    return DataLoader(
        Pictures(own[: -(len(own) // 6)], side), batch_size=batch, shuffle=True, drop_last=True
    )


def points(samples: Tensor) -> DataLoader[tuple[Tensor, ...]]:
    """Return batches of vectors."""
    return DataLoader(TensorDataset(samples), batch_size=BATCH, shuffle=True, drop_last=True)


def endless(batches: DataLoader[tuple[Tensor, ...]]) -> Iterator[Tensor]:
    """Yield the samples of batch after batch, epoch after epoch."""
    while True:
        for batch in batches:
            yield batch[0]


def mlp(shape: tuple[int, ...], width: int = 256) -> tuple[nn.Module, nn.Module]:
    """Return the fully connected players: three hidden layers of leaky ReLU, tanh on pictures."""
    size, hidden = int(np.prod(shape)), (width, width, width)

    def layers(incoming: int) -> list[nn.Module]:
        found: list[nn.Module] = []
        for fed, units in zip((incoming, *hidden), hidden, strict=False):
            found += [nn.Linear(fed, units), nn.LeakyReLU(0.2)]
        return found

    last = [nn.Tanh()] if len(shape) > 1 else []
    generator = nn.Sequential(
        *layers(LATENT), nn.Linear(width, size), *last, nn.Unflatten(1, shape)
    )
    return generator, nn.Sequential(nn.Flatten(), *layers(size), nn.Linear(width, 1), nn.Flatten(0))


def dcgan(side: int, width: int = 32) -> tuple[nn.Module, nn.Module]:
    """Return the convolutional players of one grey channel for sides of 4 times a power of two."""
    base, levels = side, 0
    while base > 7 and base % 2 == 0:
        base, levels = base // 2, levels + 1
    widths = [width * 2**level for level in range(levels)]
    wide = widths[-1]
    up: list[nn.Module] = [
        nn.Linear(LATENT, wide * base * base),
        nn.Unflatten(1, (wide, base, base)),
    ]
    up += [nn.BatchNorm2d(wide), nn.LeakyReLU(0.2)]
    for fed, made in zip(widths[:0:-1], widths[-2::-1], strict=True):
        up += [nn.ConvTranspose2d(fed, made, 4, 2, 1), nn.BatchNorm2d(made), nn.LeakyReLU(0.2)]
    up += [nn.ConvTranspose2d(width, 1, 4, 2, 1), nn.Tanh()]
    down: list[nn.Module] = [nn.Conv2d(1, width, 4, 2, 1), nn.LeakyReLU(0.2)]
    for fed, made in pairwise(widths):
        down += [nn.Conv2d(fed, made, 4, 2, 1), nn.BatchNorm2d(made), nn.LeakyReLU(0.2)]
    down += [nn.Conv2d(wide, 1, base), nn.Flatten(0)]
    return nn.Sequential(*up), nn.Sequential(*down)


def start(network: nn.Module) -> None:
    """Draw the weights as the DCGAN tutorial does."""
    if isinstance(network, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(network.weight, 0, 0.02)


@dataclass
class Loop:
    """The training: `critic_steps` updates of D for one of G; with a `penalty` the game is that of WGAN-GP."""

    G: nn.Module
    D: nn.Module
    batches: Iterator[Tensor]
    critic_steps: int = 1
    penalty: float = 0.0
    device: str = "cpu"
    losses: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        betas = (0.5, 0.999)
        self.optimizer_g = torch.optim.Adam(self.G.parameters(), lr=2e-4, betas=betas)
        self.optimizer_d = torch.optim.Adam(self.D.parameters(), lr=2e-4, betas=betas)
        self.criterion = nn.BCEWithLogitsLoss()

    def noise(self, count: int) -> Tensor:
        """Return the generator's input."""
        return torch.randn(count, LATENT, device=self.device)

    def step(self) -> None:
        """Update D, then G."""
        for _ in range(self.critic_steps):
            real = next(self.batches).to(self.device)
            one, zero = (make(len(real), device=self.device) for make in (torch.ones, torch.zeros))
            self.optimizer_d.zero_grad()
            fake = self.G(self.noise(len(real))).detach()
            if self.penalty:
                d_loss = self.D(fake).mean() - self.D(real).mean()
                d_loss = d_loss + self.penalty * self.slope(real, fake)
            else:
                d_loss = self.criterion(self.D(real), one)
                d_loss = d_loss + self.criterion(self.D(fake), zero)
            d_loss.backward()
            self.optimizer_d.step()
        self.optimizer_g.zero_grad()
        judged = self.D(self.G(self.noise(len(real))))
        g_loss = -judged.mean() if self.penalty else self.criterion(judged, one)
        g_loss.backward()
        self.optimizer_g.step()
        self.losses.append((d_loss.item(), g_loss.item()))

    def slope(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return WGAN-GP's penalty as it is commonly written."""
        epsilon = torch.rand(len(real), *[1] * (real.dim() - 1), device=self.device)
        between = (epsilon * real + (1 - epsilon) * fake).requires_grad_(True)
        judged = self.D(between)
        gradients = torch.autograd.grad(
            outputs=judged,
            inputs=between,
            grad_outputs=torch.ones_like(judged),
            create_graph=True,
            retain_graph=True,
        )[0].view(len(real), -1)
        penalty: Tensor = ((gradients.norm(2, dim=1) - 1) ** 2).mean()
        return penalty


def main() -> None:
    """Train and score once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--classifier", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.manual_seed(given.seed)
    G, D = mlp((1, 28, 28))
    for network in (G, D):
        network.apply(start)
    loop = Loop(G, D, endless(pictures(given.root, 28)))
    for _ in range(given.steps):
        loop.step()

    from plain_scores import fidelity, load_classifier, sampled

    real = torch.from_numpy(scans(given.root, "t10k").copy())[:, None]
    fake = sampled(G, LATENT, given.samples)
    found = fidelity(fake, real, load_classifier(given.classifier))
    told = json.dumps({"losses": loop.losses[-1], "scores": found})
    print(told, flush=True)
    if given.out:
        given.out.write_text(told)
        torch.save(G.state_dict(), given.out.with_suffix(".pt"))


if __name__ == "__main__":
    main()
