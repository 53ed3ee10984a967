"""An epoch of training, per network: stacks of windows against the plain loop, in one run.

    python tests/benchmarks/epoch.py --tau 5 --tau 30 --tau 200

Same architecture, initial weights, minibatches and optimiser on all sides; the first losses are compared
before anything is timed. One thread. The plain loop is timed in two manners, `textbook` and `tuned` (see
plain_loop.py). Ratio = seconds of the plain loop's epoch over seconds of the stack's epoch divided by its
members, round by round; median, least and greatest.
"""

import argparse
import platform
import time

import numpy as np
import torch
from plain_loop import PlainLoop

from orchestrator.models import ARCHITECTURES
from orchestrator.models.regimes import SparseForcing
from orchestrator.models.settings import TrainingSettings
from orchestrator.models.training import Stack
from orchestrator.worker import prepare


def seconds(function) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def compare(name: str, tau: int, *, members: int, length: int, rounds: int) -> np.ndarray:
    """Seconds of an epoch per network, a row a round: textbook loop, tuned loop, stack."""
    settings = TrainingSettings(sequence_length=length)
    rng = np.random.default_rng(0)
    series = np.cumsum(rng.standard_normal((20_000, 3)), axis=0)
    series = (series - series.mean(axis=0)) / series.std(axis=0)
    stack = Stack(
        ARCHITECTURES[name](), SparseForcing(tau=tau), settings=settings, series=series, seeds=range(members)
    )
    first = {key: value[0] for key, value in stack.parameters().items()}
    loops = [
        PlainLoop(name, first, tau=tau, learning_rate=settings.learning_rate, tuned=tuned)
        for tuned in (False, True)
    ]
    data = torch.from_numpy(series).float()

    def batches(epoch: int) -> list[torch.Tensor]:
        return [
            torch.stack([data[start : start + length + 1] for start in positions[0]])
            for positions in stack.positions(epoch)
        ]

    ours = stack.loss(stack.positions(1)[0])[0].item()
    for loop in loops:
        theirs = loop.loss(batches(1)[0]).item()
        if abs(ours - theirs) > 1e-5 * abs(theirs):
            raise SystemExit(f"{name}: the sides do not compute the same: {ours} and {theirs}")
    rows = []
    for _ in range(rounds + 1):
        prepared = batches(stack.epoch + 1)
        row = [
            seconds(lambda loop=loop, prepared=prepared: [loop.update(b) for b in prepared]) for loop in loops
        ]
        rows.append([*row, seconds(stack.train_epoch) / members])
    return np.array(rows[1:])  # the first round warms up


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tau", type=int, action="append", help="learning intervals; 30 by default")
    parser.add_argument("--members", type=int, default=5, help="networks in the stack")
    parser.add_argument("--length", type=int, default=200, help="sequence length T")
    parser.add_argument("--rounds", type=int, default=7, help="timed rounds")
    parser.add_argument("--architecture", action="append", help="architectures; all by default")
    options = parser.parse_args()
    prepare(threads=1)
    print(f"M 30, R 32, T {options.length}, stack of {options.members}, one thread, 10 minibatches an epoch")
    print(f"torch {torch.__version__}, {platform.machine()}, {torch.backends.cpu.get_cpu_capability()}")
    print("       tau   seconds an epoch per network      stack against textbook    against tuned")
    print("             textbook    tuned    stack       median   min   max     median   min   max")
    for name in options.architecture or ARCHITECTURES:
        for tau in options.tau or [30]:
            times = compare(name, tau, members=options.members, length=options.length, rounds=options.rounds)
            middle = np.median(times, axis=0)
            line = f"{name:6} {tau:4}  {middle[0]:9.4f} {middle[1]:8.4f} {middle[2]:8.4f}   "
            for side in (0, 1):
                ratio = times[:, side] / times[:, 2]
                line += f"   {np.median(ratio):7.1f} {ratio.min():5.1f} {ratio.max():5.1f}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
