"""What the units of the sites do on the fixed probe batch: dead, saturated, dormant, of which rank, and since when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ablation.activations import ActivationSite, slopes
from ablation.probes.ledger import Ledger, Row

DEAD = 1e-3
"""A unit is dead if |phi'(u)| is at most this share of its activation's `scale` for every sample and position of the
probe batch. The units of a site are the channels of its output."""
SATURATED = 1e-2
"""A (sample, unit) pair is saturated if |phi'(u)| is below this share of its activation's `scale`."""
DORMANT = {"dormant_fraction": 0.025, "dormant_10_fraction": 0.1}
"""A unit is tau-dormant if its mean |h| is at most tau times that of its site's units (Sokar et al. 2023)."""
RANK_ROWS = 64
"""The most rows of the matrix of which the effective rank is taken."""
AT_ONCE = 2**18
"""About how many slopes are squared at once: they fit a cache; a whole layer in float64 takes ten times as long."""


@dataclass(frozen=True)
class Seen:
    """What one pass shows of a site: the steepest slope of each unit (C), how many of its (sample, unit) pairs are
    saturated, the sum of phi'(u)^2 over the pairs, and in depth the units' mean |h| (C) and the Gram matrix of their
    outputs."""

    steepest: Tensor
    saturated: Tensor
    power: Tensor
    pairs: int
    size: Tensor | None
    gram: Tensor | None


def see(site: ActivationSite, u: Tensor, h: Tensor, *, depth: bool) -> Seen:
    """Return what pre-activations u and outputs h (N C ...) show of a site."""
    scale = site.activation.scale
    slope = slopes(site.phi, u).abs()
    others = [d for d in range(slope.dim()) if d != 1]
    return Seen(
        steepest=slope.amax(dim=others),
        saturated=torch.count_nonzero(slope < SATURATED * scale).double(),
        power=_power(slope),
        pairs=slope.numel(),
        size=h.abs().mean(dim=others) if depth else None,
        gram=_gram(h) if depth else None,
    )


def _power(slope: Tensor) -> Tensor:
    """Return the sum of squared slopes (N C ...) in float64, in which the square of a faint one is not 0."""
    few = slope.split(max(1, AT_ONCE * len(slope) // slope.numel()))
    return torch.stack([part.double().square_().sum() for part in few]).sum()


def _gram(h: Tensor) -> Tensor:
    """Return the Gram matrix, over the lesser side, of outputs at `RANK_ROWS` even (sample, position) pairs."""
    rows = h.flatten(2).transpose(1, 2) if h.dim() > 2 else h[:, None]  # N P C
    n, p, count = len(rows), rows.shape[1], min(RANK_ROWS, len(rows) * rows.shape[1])
    at = [(i * n // count, i * p // count) for i in range(count)]  # a walk through both
    if len(set(at)) < count:
        at = [divmod(i * n * p // count, p) for i in range(count)]
    which, where = zip(*at, strict=True)
    some = rows[list(which), list(where)].double()
    return some @ some.T if len(some) <= some.shape[1] else some.T @ some


def effective_rank(gram: Tensor) -> float:
    """Return exp(-sum p ln p) over the normalised singular values p of A, given A A' or A' A (Roy & Vetterli 2007).

    0 for a matrix of zeros; nan if one is not finite.
    """
    if not torch.isfinite(gram).all():
        return float("nan")
    values = torch.linalg.eigvalsh(gram).clamp(min=0)
    values = torch.where(values > len(values) * 2e-16 * values.max(), values, 0.0).sqrt()
    if not values.any():
        return 0.0
    p = values / values.sum()
    return float(torch.exp(-torch.special.xlogy(p, p).sum()))


class Units:
    """The units of all sites over a training: who is dead now, and who has ever been alive."""

    def __init__(self) -> None:
        """Begin before the first look."""
        self.dead: dict[str, Tensor] = {}
        self.lived: dict[str, Tensor] = {}

    def note(self, site: ActivationSite, passes: dict[str, Seen], ledger: Ledger) -> None:
        """Note what the passes of a probe (`fake`, and `real` at the discriminator) show of a site."""
        network, layer = site.name.split(".")[0], site.name

        def put(quantity: str, value: Tensor) -> None:
            ledger.scalar(network, layer, quantity, value)

        edge = DEAD * site.activation.scale
        dead = {name: seen.steepest <= edge for name, seen in passes.items()}
        everywhere = torch.stack(list(dead.values())).all(dim=0)
        put("dead_fraction", everywhere.double().mean())
        pairs = sum(seen.pairs for seen in passes.values())
        put("saturated_fraction", torch.stack([p.saturated for p in passes.values()]).sum() / pairs)
        put("slope_power", torch.stack([p.power for p in passes.values()]).sum() / pairs)
        if len(passes) > 1:
            for name, seen in passes.items():
                put(f"dead_fraction_{name}", dead[name].double().mean())
                put(f"saturated_fraction_{name}", seen.saturated / seen.pairs)
        self._live(layer, everywhere, put)
        for name, seen in passes.items():
            of = f"_{name}" if len(passes) > 1 else ""
            if seen.gram is not None and seen.size is not None:
                ledger.later(seen.gram, _rank(network, layer, f"effective_rank{of}"))
                for quantity, tau in DORMANT.items():
                    quiet = seen.size <= tau * seen.size.mean()
                    put(f"{quantity}{of}", quiet.double().mean())
        for name, parameter in site.phi.named_parameters():
            put(f"learned_{name}", parameter.double().mean())

    def _live(self, layer: str, dead: Tensor, put: Callable[[str, Tensor], None]) -> None:
        """Note who was born, died and was revived since the last probe, and who has never been alive."""
        before, lived = self.dead.get(layer), self.lived.get(layer)
        if before is not None and lived is not None:
            put("born_fraction", (~dead & ~lived).double().mean())
            put("died_fraction", (dead & ~before).double().mean())
            put("revived_fraction", (~dead & before & lived).double().mean())
        self.lived[layer] = ~dead if lived is None else lived | ~dead
        self.dead[layer] = dead
        put("unborn_fraction", (~self.lived[layer]).double().mean())

    def state(self) -> dict[str, dict[str, Tensor]]:
        """Return what a checkpoint keeps."""
        return {"dead": dict(self.dead), "lived": dict(self.lived)}

    def restore(self, state: dict[str, dict[str, Tensor]], device: torch.device) -> None:
        """Go on from what a checkpoint kept."""
        self.dead, self.lived = (
            {layer: value.to(device) for layer, value in state[name].items()}
            for name in ("dead", "lived")
        )


def _rank(network: str, layer: str, quantity: str) -> Callable[[Tensor], Iterator[Row]]:
    def rows(gram: Tensor) -> Iterator[Row]:
        yield network, layer, quantity, effective_rank(gram)

    return rows
