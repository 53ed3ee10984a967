"""Windows of subsequences side by side, and what a stack predicts in them: the path of tensor operations."""

import torch
from torch import Tensor

from .architecture import Architecture, Parameters
from .readout import control


class Windows:
    """How the subsequences of a minibatch are cut into windows that run side by side.

    Column k·R + r of a batch is window k of subsequence r, so the last windows come last and, where τ
    does not divide T, simply leave the batch when they are done. Predictions are ordered by step
    within the window, then window, then subsequence.
    """

    def __init__(self, *, sequence_length: int, window: int, rows: int, device: torch.device) -> None:
        self.window = window
        """Steps between two settings of the state."""
        starts = torch.arange(0, sequence_length, window)
        last_window = sequence_length - (len(starts) - 1) * window
        going = [len(starts) if step < last_window else len(starts) - 1 for step in range(window)]
        self.widths = [count * rows for count in going]
        """Columns that take part in each step."""
        self.first_times = starts.to(device)
        """When windows start: (windows,)."""
        times = [starts[:count] + step + 1 for step, count in enumerate(going)]
        self.target_times = torch.cat(times).to(device)
        """When what is predicted comes, step after step: (sum of windows that take part,)."""


def predict(
    architecture: Architecture,
    parameters: Parameters,
    windows: Windows,
    *,
    series: Tensor,
    positions: Tensor,
    from_data: bool,
) -> tuple[Tensor, Tensor]:
    """One-step-ahead predictions of subsequences, all windows side by side.

    Args:
        series: (N, L), the training series.
        positions: (E, R) integers, first index of each member's subsequences, at most L − T − 1.
        from_data: whether a window starts from the control ẑ = B⁺ x, or from the zero state.

    Returns:
        Predictions and targets, both (E, N, T·R), ordered as `Windows` says.
    """
    observed = _observed(series, positions, windows.first_times)
    if from_data:
        hidden = control(parameters["B"], observed)
    else:
        members, _, columns = observed.shape
        hidden = observed.new_zeros(members, architecture.latent_dim, columns)
    predictions = architecture.unroll(parameters, hidden, widths=windows.widths)
    return predictions, _observed(series, positions, windows.target_times)


def _observed(series: Tensor, positions: Tensor, times: Tensor) -> Tensor:
    """The series (N, L) at K times of each subsequence, whose first indices are (E, R): (E, N, K·R)."""
    places = positions.unsqueeze(1) + times.unsqueeze(1)
    found = series.index_select(1, places.flatten())
    return found.view(len(series), len(positions), -1).transpose(0, 1)
