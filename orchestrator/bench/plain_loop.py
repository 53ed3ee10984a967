"""The usual training loop, for comparison: one network, one time step after the other.

Written without the two facts that `models/training.py` rests on, in two manners: `textbook`, the
equations as they stand in the paper, as such loops are usually written; and `tuned`, with products and
biases fused by hand (`addmm`), which is as far as such a loop goes without being another one.
"""

import torch
from torch import Tensor


class PlainLoop:
    """One network trained by sparse forcing (or zero reset), step by step."""

    def __init__(
        self, architecture: str, parameters: dict[str, Tensor], *, tau: int, learning_rate: float, tuned: bool
    ) -> None:
        self.architecture = architecture
        self.p = {name: value.detach().clone().requires_grad_() for name, value in parameters.items()}
        self.tau = tau
        self.tuned = tuned
        self.optimiser = torch.optim.Adam(self.p.values(), lr=learning_rate)

    def affine(self, bias: Tensor, z: Tensor, weight: Tensor) -> Tensor:
        """z Wᵀ + b."""
        return torch.addmm(bias, z, weight.T) if self.tuned else z @ weight.T + bias

    def step(self, z: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """One step of the map, z and c (R, M)."""
        p = self.p
        if self.architecture == "rnn":
            return torch.tanh(self.affine(p["h"], z, p["W"])), c
        if self.architecture == "plrnn":
            if self.tuned:
                return torch.addmm(self.A * z + p["h"], torch.relu(z), self.W.T), c
            return self.A * z + torch.relu(z) @ self.W.T + p["h"], c
        if self.architecture == "urnn":
            a = torch.complex(*z.chunk(2, dim=1)) @ self.W.T + torch.complex(*p["h"].chunk(2))
            modulus = a.abs()
            z = a * (torch.relu(modulus + p["b"]) / modulus)
            return torch.cat([z.real, z.imag], dim=1), c
        i, f, o, g = self.affine(p["b"], z, p["W"]).chunk(4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c

    def loss(self, x: Tensor) -> Tensor:
        """MSE of one-step predictions over x (R, T+1, N)."""
        p = self.p
        if self.architecture == "plrnn":
            self.A = torch.diagonal(p["AW"])
            self.W = p["AW"] - torch.diag(self.A)
        if self.architecture == "urnn":
            G = p["G"]
            self.W = torch.linalg.matrix_exp(torch.complex(G - G.T, G + G.T) / 2)
        inverse = torch.linalg.pinv(p["B"])
        z = c = x.new_zeros(0)
        predictions = []
        for t in range(x.shape[1] - 1):
            if t % self.tau == 0:
                z = x[:, t] @ inverse.T
                c = torch.zeros_like(z)
            z, c = self.step(z, c)
            predictions.append(z @ p["B"].T)
        return torch.nn.functional.mse_loss(torch.stack(predictions, dim=1), x[:, 1:])

    def update(self, x: Tensor) -> float:
        """One minibatch: loss, gradient, Adam."""
        self.optimiser.zero_grad()
        loss = self.loss(x)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return loss.item()
