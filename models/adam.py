"""Adam (Kingma & Ba 2015) for a stack: members that have diverged keep the parameters that they had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from .kernels.losses import Kernel

BETAS = (0.9, 0.999)
EPSILON = 1e-8


class Adam:
    """The optimiser of a stack's parameters (E, P), with the usual constants.

    Args:
        rate: the learning rate.
    """

    def __init__(self, flat: Tensor, *, rate: float) -> None:
        self.rate = rate
        self._step = torch.zeros((), dtype=torch.float64, device=flat.device)
        self.mean = torch.zeros_like(flat)
        self.square = torch.zeros_like(flat)

    def update(
        self,
        flat: Tensor,
        gradient: Tensor,
        *,
        alive: Tensor,
        losses: Tensor,
        norms: Tensor,
        kernel: Kernel | None = None,
    ) -> None:
        """One step, in place. A member whose loss, gradient or new parameters are not finite is `alive` no
        longer, and keeps its parameters from then on.

        Args:
            alive: (E,), bool, changed in place.
            losses, norms: (E,), of the gradient as it was found.
            kernel: does the same in one pass, where there is one.
        """
        self._step += 1  # a tensor: what is recorded once and replayed counts too
        if kernel is not None:
            kernel.adam(
                flat, gradient, mean=self.mean, square=self.square, alive=alive, losses=losses, norms=norms,
                settings=(self.rate, *BETAS, EPSILON), step=int(self._step),
            )  # fmt: skip
            return
        first, second = (1 - beta**self._step for beta in BETAS)
        self.mean.lerp_(gradient, 1 - BETAS[0])
        self.square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
        moved = self.mean / (self.square.sqrt() / second**0.5 + EPSILON)
        after = flat - self.rate / first * moved
        # A gradient that overflowed spoils the optimiser's memory for good, finite loss or not.
        alive &= losses.isfinite() & norms.isfinite() & after.isfinite().all(dim=1)
        flat.copy_(torch.where(alive.unsqueeze(1), after, flat))

    def tensors(self) -> dict[str, Tensor]:
        """What `restore` needs to go on exactly."""
        return {"step": self._step.float(), "exp_avg": self.mean, "exp_avg_sq": self.square}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on where another was."""
        self._step.copy_(tensors["step"])
        self.mean.copy_(tensors["exp_avg"])
        self.square.copy_(tensors["exp_avg_sq"])
