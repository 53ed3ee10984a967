"""An evaluation of a stack of five networks, with kernels and by tensor operations, in turn, on one core.

    python tests/benchmarks/evaluation.py --rounds 3

The networks are trained for some epochs on `lorenz63` first, so that they do something; free runs are of
100,000 steps. Prints seconds per network, median (least to greatest), and the ratio.
"""

import argparse
import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import torch

from orchestrator.evaluation import Evaluator
from orchestrator.models import ARCHITECTURES
from orchestrator.models.regimes import SparseForcing
from orchestrator.models.settings import TrainingSettings
from orchestrator.models.training import Stack
from orchestrator.settings import EvaluationSettings
from orchestrator.systems.dataset import load

MEMBERS, EPOCHS = 5, 60


@contextlib.contextmanager
def without_kernels() -> Iterator[None]:
    """Free runs and tangent vectors by tensor operations, near pairs by k-d trees, ranks by sorting."""

    def none(*arguments: object, **options: object) -> str:
        return "none"

    with (
        mock.patch("orchestrator.models.rollout.run_kernel_for", none),
        mock.patch("orchestrator.models.tangents.tangent_kernel_for", none),
        mock.patch("orchestrator.systems.analysis.near_pairs._code", lambda: None),
        mock.patch("orchestrator.systems.measures.order_statistics._code", lambda: None),
    ):
        yield


def said(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    with tempfile.TemporaryDirectory() as at:
        data = load("lorenz63", cache=Path(at))
        evaluate = Evaluator(data, EvaluationSettings())
        for name in ("rnn", "plrnn", "lstm"):
            settings = TrainingSettings(sequence_length=200)
            stack = Stack(
                ARCHITECTURES[name](), SparseForcing(tau=20), settings=settings, series=data.train,
                seeds=range(MEMBERS),
            )  # fmt: skip
            for _ in range(EPOCHS):
                stack.train_epoch()
            ways = {"kernels": contextlib.nullcontext, "tensor operations": without_kernels}
            times: dict[str, list[float]] = {way: [] for way in ways}
            evaluate(stack)
            for _ in range(rounds):
                for way, context in ways.items():
                    with context():
                        began = time.perf_counter()
                        evaluate(stack)
                        times[way].append((time.perf_counter() - began) / MEMBERS)
            ratio = [slow / fast for fast, slow in zip(*times.values(), strict=True)]
            print(name, *(f"{way} {said(seconds)} s" for way, seconds in times.items()), f"{said(ratio)}×",
                  sep=" | ", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
