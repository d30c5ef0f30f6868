"""How weights move: an optimiser for one network's parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from ablation.part import check_number


class Adam(torch.optim.Adam):
    """Adam in its fused kernel, which is called at once: torch looks its tensors up again at every step.

    To do so takes longer than to move a small network. State, checkpoints and bits are those of torch's own.
    """

    _known: tuple[list[Tensor], ...] = ()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take another state: its tensors are others."""
        super().load_state_dict(state_dict)
        self._known = ()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every weight; as torch does it the first time, and where a weight has no gradient."""
        (group,) = self.param_groups
        gradients = [weight.grad for weight in group["params"]]
        if closure is not None or not self._known or any(g is None for g in gradients):
            found = super().step(closure)
            states = [self.state[weight] for weight in group["params"]]
            if all("step" in state for state in states):
                names = ("exp_avg", "exp_avg_sq", "step")
                self._known = tuple([state[name] for state in states] for name in names)
            return found
        first, second, steps = self._known
        with torch.no_grad():
            torch._foreach_add_(steps, 1)
            torch._fused_adam_(
                *(group["params"], gradients, first, second, [], steps),
                lr=group["lr"],
                beta1=group["betas"][0],
                beta2=group["betas"][1],
                weight_decay=0.0,
                eps=group["eps"],
                amsgrad=False,
                maximize=False,
                grad_scale=None,
                found_inf=None,
            )
        return None


def adam(
    parameters: Iterable[nn.Parameter], *, lr: float, beta1: float, beta2: float
) -> torch.optim.Optimizer:
    """Return Adam (Kingma & Ba 2015) in its fused kernel."""
    check_number(lr, float, "optimizer.lr", 0, ends="()")
    check_number(beta1, float, "optimizer.beta1", 0, 1, ends="[)")
    check_number(beta2, float, "optimizer.beta2", 0, 1, ends="[)")
    return Adam(parameters, lr=lr, betas=(beta1, beta2), fused=True)


def rmsprop(
    parameters: Iterable[nn.Parameter], *, lr: float, alpha: float
) -> torch.optim.Optimizer:
    """Return RMSProp (Tieleman & Hinton 2012), as WGAN was trained with."""
    check_number(lr, float, "optimizer.lr", 0, ends="()")
    check_number(alpha, float, "optimizer.alpha", 0, 1, ends="[)")
    return torch.optim.RMSprop(parameters, lr=lr, alpha=alpha)
