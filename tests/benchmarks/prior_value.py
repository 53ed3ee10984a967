"""What is the Lyapunov prior worth? Searches for τ replayed on complete grids that are in a results database.

    orch study run prior_value
    python tests/benchmarks/prior_value.py [--results results] [--replays 200]

A replay asks the tool's own search (`orchestrator.search.next_tau`) for one τ after the other. Each is
rounded to the nearest τ of the grid and answered with the scores of `--seeds` of that cell's seeds, drawn
anew for every answer. Counted are the trials until the τ that looks best so far really is good: its mean of
ln D_stsp over all seeds of the grid is within 0.1 (10%) of the lowest. A replay that has not got there after
`--most` trials counts as that many.

    prior + TPE       search = "lyapunov"
    uniform TPE       search = "uniform": the same, ln τ uniform
    λ × 3, λ / 3      search = "lyapunov" with an exponent three times too large or too small
    transfer          search = "lyapunov", transfer = true: centred at what was best on the other systems
    random            ln τ drawn uniformly
    grid              the grid's τ one after the other, from the least on

Then the rules that save trials are replayed on the same grids: what stopping and pruning would have saved
and cost.
"""

import argparse
import json
import math
import random
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from orchestrator.knowledge import MOST_OF_ONE_TAU, Evaluation
from orchestrator.memory import centre_from
from orchestrator.prior import Prior
from orchestrator.proposals import gain_and_noise, next_tau
from orchestrator.pruning import LEAST_SEEDS, Rival, hopeless
from orchestrator.store import Store

CLOSE = 0.1
"""In ln D_stsp: the best found is within 10% of the grid's best."""

STRATEGIES = (
    "prior + TPE",
    "uniform TPE",
    "λ × 3",
    "λ / 3",
    "transfer",
    "random",
    "grid",
    "prior + GP",
    "uniform GP",
)


@dataclass(frozen=True)
class Grid:
    """One system and architecture: every τ with the scores of its seeds."""

    name: str
    tau_pred: float
    ceiling: float
    epochs: int
    scores: dict[int, dict[int, float]]
    """τ → seed → D_stsp, the ceiling where it blew up."""
    courses: dict[int, dict[int, dict[int, float]]]
    """τ → epoch → seed → D_stsp in the course of training."""

    @property
    def means(self) -> dict[int, float]:
        return {tau: statistics.fmean(map(math.log, seeds.values())) for tau, seeds in self.scores.items()}

    @property
    def best(self) -> float:
        return min(self.means.values())

    @property
    def ratio(self) -> float:
        """The best τ over τ_pred."""
        return min(self.means, key=self.means.__getitem__) / self.tau_pred

    def nearest(self, tau: int) -> int:
        return min(self.scores, key=lambda other: abs(math.log(other / tau)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--study", default="prior_value")
    parser.add_argument("--replays", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=4, help="seeds of an evaluation")
    parser.add_argument("--most", type=int, default=40, help="trials of a replay at most")
    parser.add_argument("--rules", type=int, default=20, help="replays of the rule that stops a search")
    parser.add_argument("--strategies", default=",".join(STRATEGIES[:7]))
    parser.add_argument(
        "--grid-seeds", help="seeds of the grid to replay on, such as 4,5,6,7; all by default"
    )
    given = parser.parse_args()
    chosen = [int(seed) for seed in given.grid_seeds.split(",")] if given.grid_seeds else None
    grids = read_grids(given.results, given.study, chosen)
    names = given.strategies.split(",")
    table = replay_all(grids, names, replays=given.replays, seeds=given.seeds, most=given.most)
    print_table(table, names, given)
    print_pruning(grids, replays=given.replays)
    if given.rules:
        print_stopping(grids, replays=given.rules, seeds=given.seeds)


def read_grids(results: Path, study: str, chosen: list[int] | None = None) -> list[Grid]:
    """Complete grids of forced trials, from the database; those on which no τ reconstructs are named and
    left out."""
    with Store(results).reading() as (connection, _):
        rows = connection.execute(
            """
            SELECT system, architecture, tau, seed, d_stsp_score, tau_pred, ceiling_d_stsp, epochs, trial_id
            FROM results JOIN study_trials USING (trial_id)
            WHERE study = ? AND regime = 'sparse_forcing' AND d_stsp_score IS NOT NULL
            """,
            [study],
        ).fetchall()
        points = connection.execute(
            """
            SELECT trial_id, epoch, max(value) FILTER (quantity = 'd_stsp') FROM curves
            WHERE quantity IN ('d_stsp', 'unbounded_step')
              AND trial_id IN (SELECT trial_id FROM study_trials WHERE study = ?) GROUP BY ALL
            """,
            [study],
        ).fetchall()
    place = {row[-1]: (row[0], row[1], row[2], row[3], row[6]) for row in rows}
    courses: dict[tuple[str, str], dict[int, dict[int, dict[int, float]]]] = {}
    for trial_id, epoch, value in points:
        if trial_id in place:
            system, architecture, tau, seed, ceiling = place[trial_id]
            of_tau = courses.setdefault((system, architecture), {}).setdefault(tau, {})
            of_tau.setdefault(epoch, {})[seed] = ceiling if value is None else value
    found: dict[tuple[str, str], dict[int, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    facts = {}
    for system, architecture, tau, seed, score, tau_pred, ceiling, epochs, _ in rows:
        if chosen is not None and seed not in chosen:
            continue
        found[system, architecture][tau][seed] = score
        facts[system, architecture] = (tau_pred, ceiling, epochs)
    grids = []
    for key, scores in sorted(found.items()):
        tau_pred, ceiling, epochs = facts[key]
        grid = Grid(" × ".join(key), tau_pred, ceiling, epochs, dict(scores), courses.get(key, {}))
        if math.exp(grid.best) > 0.8 * ceiling:
            print(f"{grid.name}: left out, no τ reconstructs (best D_stsp {math.exp(grid.best):.3g})")
        elif len({frozenset(seeds) for seeds in scores.values()}) > 1:
            print(f"{grid.name}: left out, the grid is not complete")
        else:
            grids.append(grid)
    return grids


def replay_all(
    grids: list[Grid], names: list[str], *, replays: int, seeds: int, most: int
) -> dict[str, dict[str, list[int]]]:
    """Grid → strategy → trials it took in each replay."""
    table: dict[str, dict[str, list[int]]] = {}
    for grid in grids:
        table[grid.name] = {}
        for name in names:
            centre = grid.tau_pred
            if name == "transfer":
                _, _, architecture = grid.name.partition(" × ")
                centre *= centre_from(
                    [
                        other.ratio
                        for other in grids
                        if other.name.endswith(f" × {architecture}") and other.name != grid.name
                    ]
                )
            counts = [
                replay(grid, name, number, centre=centre, seeds=seeds, most=most) for number in range(replays)
            ]
            table[grid.name][name] = counts
            print(f"{grid.name} · {name}: {statistics.median(counts):g}", file=sys.stderr, flush=True)
    return table


def strategy(grid: Grid, name: str, number: int, centre: float) -> Callable[[list[Evaluation]], int]:
    """Proposes the next τ after what was evaluated."""
    low, high = min(grid.scores), max(grid.scores)
    factor = {"λ × 3": 1 / 3, "λ / 3": 3.0}.get(name, 1.0)
    with_prior = name.startswith(("prior", "λ", "transfer"))
    prior = Prior(low, high, centre * factor) if with_prior else Prior(low, high)
    sampler = "gp" if name.endswith("GP") else "random" if name == "random" else "tpe"
    if name == "grid":
        return lambda evaluations: sorted(grid.scores)[len(evaluations) % len(grid.scores)]
    seed = f"{grid.name} {name} {number}"

    def propose(evaluations: list[Evaluation]) -> int:
        tried = Counter(evaluation.tau for evaluation in evaluations)
        exhausted = {tau for tau, times in tried.items() if times >= MOST_OF_ONE_TAU}
        tau = next_tau(
            prior, evaluations, [], number=len(evaluations), sampler=sampler, seed=seed, exhausted=exhausted
        )
        assert tau is not None
        return tau

    return propose


def answer(grid: Grid, tau: int, drawn: random.Random, *, seeds: int, at: int) -> Evaluation:
    """What the grid says to a τ."""
    nearest = grid.nearest(tau)
    chosen = drawn.sample(sorted(grid.scores[nearest]), seeds)
    scores = tuple(grid.scores[nearest][seed] for seed in chosen)
    return Evaluation(tau, tuple(chosen), scores, False, float(at))


def looks_best(grid: Grid, evaluations: list[Evaluation]) -> int:
    """The τ of the grid with the lowest mean of ln D_stsp over all that was seen of it."""
    logs: dict[int, list[float]] = defaultdict(list)
    for evaluation in evaluations:
        logs[grid.nearest(evaluation.tau)] += evaluation.logs
    return min(logs, key=lambda tau: statistics.fmean(logs[tau]))


def replay(grid: Grid, name: str, number: int, *, centre: float, seeds: int, most: int) -> int:
    """Trials until what looks best is close to the best there is."""
    propose = strategy(grid, name, number, centre)
    drawn = random.Random(f"{grid.name} {number}")
    evaluations: list[Evaluation] = []
    while len(evaluations) < most:
        evaluations.append(answer(grid, propose(evaluations), drawn, seeds=seeds, at=len(evaluations)))
        if grid.means[looks_best(grid, evaluations)] - grid.best <= CLOSE:
            break
    return len(evaluations)


def print_table(table: dict[str, dict[str, list[int]]], names: list[str], given: argparse.Namespace) -> None:
    print(f"\nTrials until the best found is within 10% of the grid's best; median (90% quantile) of "
          f"{given.replays} replays, {given.seeds} seeds a trial, {given.most} trials at most\n")  # fmt: skip
    print("| system × architecture | " + " | ".join(names) + " |")
    print("|---" * (len(names) + 1) + "|")
    for cell, counts in table.items():
        parts = []
        for name in names:
            tenth = statistics.quantiles(counts[name], n=10)[-1] if len(counts[name]) > 1 else math.nan
            parts.append(f"{statistics.median(counts[name]):g} ({tenth:.0f})")
        print(f"| {cell} | " + " | ".join(parts) + " |")
    pooled = {name: [count for counts in table.values() for count in counts[name]] for name in names}
    print(
        "| all replays | "
        + " | ".join(
            f"{statistics.median(pooled[name]):g}, mean {statistics.fmean(pooled[name]):.1f}"
            for name in names
        )
        + " |"
    )
    if "uniform TPE" in names:
        print("\nMedian over median of uniform TPE, geometric mean over grids (least, greatest):")
        for name in names:
            ratios = [
                statistics.median(c[name]) / statistics.median(c["uniform TPE"]) for c in table.values()
            ]
            mean = math.exp(statistics.fmean(map(math.log, ratios)))
            print(f"  {name}: {mean:.2f} ({min(ratios):.2f}, {max(ratios):.2f})")
    print(json.dumps({cell: {n: statistics.median(c) for n, c in counts.items()}
                      for cell, counts in table.items()}, ensure_ascii=False), file=sys.stderr)  # fmt: skip


def print_pruning(grids: list[Grid], *, replays: int) -> None:
    """What giving up hopeless τ beside the best would save, and whether it ever gives up a good one."""
    print(f"\nPruning beside the best τ, {LEAST_SEEDS} seeds drawn, {replays} draws of each τ:")
    print("| system × architecture | other τ given up | training saved | within 10% of the best, given up |")
    print("|---|---|---|---|")
    for grid in grids:
        best = min(grid.means, key=lambda tau: grid.means[tau])
        drawn = random.Random(grid.name)
        tried = given_up = good = good_given_up = 0
        saved = 0.0
        for tau, course in grid.courses.items():
            if tau == best:
                continue
            for _ in range(replays):
                seeds = drawn.sample(sorted(grid.scores[tau]), LEAST_SEEDS)
                rival = Rival("best", grid.courses[best])
                ended = next(
                    (
                        epoch
                        for epoch in sorted(course)
                        if epoch < grid.epochs
                        and all(seed in course[epoch] for seed in seeds)
                        and hopeless(
                            {s: course[epoch][s] for s in seeds}, rival, epoch=epoch, epochs=grid.epochs
                        )
                    ),
                    None,
                )
                close = grid.means[tau] - grid.best <= CLOSE
                tried += 1
                good += close
                given_up += ended is not None
                good_given_up += close and ended is not None
                saved += 0.0 if ended is None else 1 - ended / grid.epochs
        print(f"| {grid.name} | {given_up / tried:.0%} | {saved / tried:.0%} | {good_given_up} of {good} |")


def print_stopping(grids: list[Grid], *, replays: int, seeds: int) -> None:
    """When the rule stops a search of 24 trials, and what the τ found then lacks."""
    print(f"\nStopping once what may be gained is under the noise, prior + TPE, {replays} replays:")
    print("| system × architecture | stopped before 24 | after (median) | then off the best by | after 24 |")
    print("|---|---|---|---|---|")
    for grid in grids:
        stopped: list[int] = []
        lost: list[float] = []
        lost_at_end: list[float] = []
        prior = Prior(min(grid.scores), max(grid.scores), grid.tau_pred)
        for number in range(replays):
            propose = strategy(grid, "prior + TPE", number, grid.tau_pred)
            drawn = random.Random(f"{grid.name} {number}")
            evaluations: list[Evaluation] = []
            done = False
            while len(evaluations) < 24:
                evaluations.append(
                    answer(grid, propose(evaluations), drawn, seeds=seeds, at=len(evaluations))
                )
                found = None if done else gain_and_noise(prior, evaluations, seed=str(number))
                if found is not None and found[0] < found[1]:
                    done = True
                    stopped.append(len(evaluations))
                    lost.append(grid.means[looks_best(grid, evaluations)] - grid.best)
            lost_at_end.append(grid.means[looks_best(grid, evaluations)] - grid.best)
        after = f"{statistics.median(stopped):g}" if stopped else "–"
        worse = f"{statistics.median(map(math.expm1, lost)):.0%}" if lost else "–"
        end = f"{statistics.median(map(math.expm1, lost_at_end)):.0%}"
        print(f"| {grid.name} | {len(stopped)} of {replays} | {after} | {worse} | {end} |")


if __name__ == "__main__":
    main()
