"""Searching τ: what is proposed, what is remembered, when it ends, and what is given up."""

import json
import math
import random
from dataclasses import replace
from statistics import fmean

import numpy as np
import pyarrow.parquet as pq
import pytest

from orchestrator import begun, catalogue, journal, memory, trial
from orchestrator.agenda import Agenda, GridSource
from orchestrator.declaration import FEWEST
from orchestrator.errors import StudyError
from orchestrator.identity import Trial
from orchestrator.knowledge import Evaluation, Knowledge, Proposal, Seen
from orchestrator.memory import centre_from, ratios, recall, recall_cells, seen_in
from orchestrator.plan import make_plan
from orchestrator.precision import Goal
from orchestrator.precision_source import PrecisionSource
from orchestrator.prior import Prior
from orchestrator.proposals import LEAST_EVALUATIONS, gain_and_noise, next_tau, propose
from orchestrator.pruning import Rival, hopeless
from orchestrator.recording import record_study
from orchestrator.reports.pairing import FEWEST_PAIRS
from orchestrator.retrying import Retry
from orchestrator.search import Search, TauSearch
from orchestrator.search_source import SearchSource
from orchestrator.stacking import Stack
from orchestrator.store import Store
from orchestrator.study import Study, load

TINY = [
    "grid.architecture=rnn", "architectures.rnn.latent_dim=4", "training.epochs=4", "training.batch_size=4",
    "training.batches_per_epoch=1", "training.sequence_length=60", "evaluation.steps=1000",
    "evaluation.checkpoints=1", "seeds.count=2",
]  # fmt: skip
SEARCHED = 'regimes={sparse_forcing={tau={search="lyapunov", trials=7, seeds_per_trial=2}}}'


def tiny(*overrides: str) -> Study:
    return load(catalogue.find("lorenz_smoke"), [*TINY, *overrides])


def a_search(**settings: object) -> Search:
    [search] = tiny(SEARCHED).searches()
    return replace(search, settings=TauSearch(**{"search": "lyapunov", **settings}))  # type: ignore[arg-type]


# --- The prior


@pytest.mark.parametrize("prior", [Prior(1, 500, 46.0), Prior(2, 200, 0.4), Prior(1, 300), Prior(5, 90, 1e6)])
def test_a_prior_and_its_coordinate_are_inverse_and_its_density_is_one_in_all(prior):
    taus = range(prior.low, prior.high + 1)
    coordinates = [prior.coordinate(tau) for tau in taus]
    assert coordinates == sorted(coordinates) and coordinates[0] == 0 and coordinates[-1] == 1
    assert [prior.tau(u) for u in coordinates] == list(taus)
    logs = np.linspace(math.log(prior.low), math.log(prior.high), 4001)[1:-1]
    mass = np.trapezoid([prior.density(math.exp(x)) for x in logs], logs)
    assert mass == pytest.approx(1, abs=2e-3)


def test_the_lyapunov_prior_is_highest_at_its_centre_and_leaves_no_tau_out():
    prior = Prior(1, 500, 46.0, width=2.5)
    assert prior.spread(0) == 46 and prior.density(46) > prior.density(30) > prior.density(5)
    assert prior.region == (round(46 * 2.5**-1.645), round(46 * 2.5**1.645))
    assert prior.density(1) > 0.7 / math.log(500)  # the uniform share
    with pytest.raises(ValueError, match="positive number of steps"):
        Prior(1, 500, math.nan)


# --- What is proposed


def test_a_search_begins_at_tau_pred_goes_around_it_and_probes():
    search, knowledge = a_search(), Knowledge()
    prior = search.prior(46.05)
    taus = []
    for number in range(5):
        proposal = propose(search, prior, knowledge)
        assert proposal == propose(search, prior, knowledge)  # the same knowledge, the same proposal
        assert proposal.seeds == (0, 1, 2, 3, 4)
        taus.append(proposal.tau)
        knowledge.add(Seen(proposal.tau, seed, 1.0 + number, "ok", number) for seed in proposal.seeds)
    assert taus[:3] == [46, round(46.05 * 2.5**-0.7), round(46.05 * 2.5**-1.4)]
    # The fifth is a probe: the same whatever the sampler and wherever the prior.
    begun = [Evaluation(tau, (0,), (1.0,), False, 0.0) for tau in taus[:3]]
    probes = {
        next_tau(where, begun, [], number=4, sampler=sampler, seed=search.search_id)
        for sampler in ("tpe", "random")
        for where in (prior, Prior(1, 60, 44.0))
    }
    assert len(probes) == 1
    assert [search.prior(None, ratio=1.0).centre for search in [a_search(tau_pred=7.5)]] == [7.5]
    with pytest.raises(ValueError, match="no positive exponent"):
        search.prior(math.nan)


def test_what_is_under_way_counts_and_a_tau_proposed_again_gets_further_seeds():
    search = a_search(low=9, high=9, seeds_per_trial=3)
    knowledge = Knowledge()
    prior = search.prior(46.0)
    first = propose(search, prior, knowledge)
    knowledge.pending.update((first.tau, seed) for seed in first.seeds)
    second = propose(search, prior, knowledge)
    assert (first.tau, first.seeds, second.seeds) == (9, (0, 1, 2), (3, 4, 5))
    assert knowledge.count(3) == 1 and knowledge.under_way(3) == [9] and knowledge.evaluations(3) == []
    knowledge.add(Seen(9, seed, 1.0, "ok") for seed in range(9))
    assert propose(search, prior, knowledge) is None  # three evaluations of the only τ there is
    assert knowledge.count(3) == 3


def test_where_a_search_begins_does_not_depend_on_what_else_is_known():
    """20 seeds at τ = 5, of some grid, count as three evaluations; τ_pred comes first nevertheless."""
    search, knowledge = a_search(high=60), Knowledge()
    knowledge.add(Seen(5, seed, 9.0, "ok") for seed in range(20))
    prior = search.prior(46.05)
    taus = []
    for number in range(4):
        proposal = propose(search, prior, knowledge)
        taus.append(proposal.tau)
        knowledge.add(Seen(proposal.tau, seed, 8.0, "ok", number) for seed in proposal.seeds)
    assert taus[:3] == [46, 24, 13] and knowledge.count(5) == 7
    # Far outside of the bounds the start is not spent on one of them.
    outside = a_search(tau_pred=5000.0, high=60)
    knowledge = Knowledge()
    for number in range(3):
        proposal = propose(outside, outside.prior(None), knowledge)
        knowledge.add(Seen(proposal.tau, seed, 8.0, "ok", number) for seed in proposal.seeds)
    assert len({tau for tau, _ in knowledge.seen}) == 3


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_a_search_finds_a_noisy_optimum_wherever_the_prior_is(sampler):
    """ln D_stsp = 1.5 |ln(τ/20)| with a spread of 0.3 between seeds; the prior is right, or wrong by 4."""
    for tau_pred in (20.0, 80.0):
        search = a_search(sampler=sampler, high=60)
        prior = search.prior(tau_pred)
        noise = random.Random(tau_pred)
        knowledge = Knowledge()
        for number in range(20):
            proposal = propose(search, prior, knowledge)
            level = 1.5 * abs(math.log(proposal.tau / 20))
            knowledge.add(
                Seen(proposal.tau, seed, math.exp(level + noise.gauss(0, 0.3)), "ok", number)
                for seed in proposal.seeds
            )
        assert 15 <= knowledge.best()[0].tau <= 27


def test_lucky_survivors_do_not_win_and_failures_teach_nothing():
    knowledge = Knowledge()
    # At τ = 10 one of five seeds is superb and four blew up; at τ = 20 all are fair; at τ = 30 all failed.
    knowledge.add([Seen(10, 0, 0.05, "ok"), *(Seen(10, s, 16.0, "diverged") for s in range(1, 5))])
    knowledge.add(Seen(20, seed, 1.0, "ok") for seed in range(5))
    knowledge.add(Seen(30, seed, None, "failed") for seed in range(5))
    values = {evaluation.tau: evaluation.value for evaluation in knowledge.evaluations(5)}
    assert values == {10: pytest.approx((math.log(0.05) + 4 * math.log(16)) / 5), 20: 0.0, 30: None}
    assert knowledge.best()[0].tau == 20


def test_a_search_stops_when_noise_hides_what_may_be_gained_and_not_before():
    prior = Prior(1, 200, 46.0)
    noise = random.Random(1)

    def evaluations(spread: float, slope: float, count: int) -> list[Evaluation]:
        found = []
        for number in range(count):
            tau = prior.tau((number + 0.5) / count)
            level = slope * abs(math.log(tau / 30))
            scores = tuple(math.exp(level + noise.gauss(0, spread)) for _ in range(5))
            found.append(Evaluation(tau, tuple(range(5)), scores, False, number))
        return found

    assert gain_and_noise(prior, evaluations(0.3, 1.0, 9), seed="a") is None  # too early to tell
    gain, error = gain_and_noise(prior, evaluations(0.02, 1.0, 10), seed="a")
    assert gain > error
    gain, error = gain_and_noise(prior, evaluations(1.0, 0.0, 40), seed="a")
    assert gain < 3 * error  # nothing but noise
    # A τ of which one block was lucky and another was given up is not the best one.
    steady = [Evaluation(20 + n, (0, 1), (0.5, 0.5), False, n) for n in range(LEAST_EVALUATIONS)]
    lucky = Evaluation(40, (0, 1), (0.1, 0.2), False, 98), Evaluation(40, (2, 3), (9.0, 9.0), True, 99)
    assert gain_and_noise(prior, [*steady, *lucky], seed="a")[1] == 0


# --- Memory: killed anywhere, a search goes on as if it had not been


def run_search(results, study: Study, *, most: int = 100, slots: int = 1) -> list[int]:
    """Run a search here, one stack after the other, from what the database has; the τ that were run."""
    store = Store(results)
    [search] = study.searches()
    [knowledge] = recall(store, study.name, [search])
    source = SearchSource(
        search,
        search.prior(46.05),
        knowledge,
        limit=5,
        asked=lambda trials: record_study(study, [trial.trial_id for trial in trials], results),
    )
    agenda = Agenda([source], slots=slots)
    taus = []
    while len(taus) < most and (stack := agenda.next(f"{len(taus)}")) is not None:
        outcome = trial.run_stack(stack.trials, results=results, rival=stack.rival)
        tau = stack.trials[0].tau
        agenda.ended(f"{len(taus)}", [seen_in(row, tau=tau) for row in outcome.rows])
        taus.append(tau)
    store.ingest()
    return taus


def test_a_killed_search_goes_on_with_the_same_sequence_and_repeats_nothing(smoke, tmp_path, monkeypatch):
    study = tiny(SEARCHED)
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "systems").symlink_to(smoke.results / "systems")
    whole = run_search(tmp_path / "whole", study)
    assert len(whole) == 7 and whole[0] == 46
    parts = []
    for _ in range(4):
        parts += run_search(tmp_path / "killed", study, most=2)
    assert parts == whole
    assert run_search(tmp_path / "killed", study) == []
    # What another study ran in the same cells counts: with a budget of 8 one evaluation is left.
    more = tiny(SEARCHED.replace("trials=7", "trials=8"), "seeds.count=5")
    assert len(run_search(tmp_path / "killed", more)) == 1
    # Killed in the middle of an evaluation: what was asked for and has no result comes first.
    asked = tiny(SEARCHED.replace("trials=7", "trials=9"), "seeds.count=5")
    [search] = asked.searches()
    record_study(asked, [t.trial_id for t in search.trials(Proposal(17, (0, 1)))], tmp_path / "killed")
    Store(tmp_path / "killed").ingest()
    assert run_search(tmp_path / "killed", asked) == [17]
    files = (tmp_path / "killed" / "journal" / "trials").glob("*.parquet")
    ids = [trial_id for path in files for trial_id in pq.read_table(path)["trial_id"].to_pylist()]
    assert len(ids) == len(set(ids)) == 18
    # What the code made as it was is asked for again once it is another, and nothing else is.
    store, again = Store(tmp_path / "killed"), Retry(stale=True)
    [known] = recall(store, asked.name, [search], retry=again)
    assert len(known.seen) == 18 and not known.pending
    monkeypatch.setattr(memory, "fingerprint", lambda trial: "another")
    [outdated] = recall(store, asked.name, [search], retry=again)
    assert not outdated.seen and outdated.pending == known.seen.keys() and outdated.outdated == 18
    assert recall(store, asked.name, [search])[0].seen == known.seen


def test_ratios_of_other_systems_move_the_centre(smoke):
    search = a_search(transfer=True)
    elsewhere = replace(search, first=replace(search.first, system="roessler"))
    store = Store(smoke.results)
    assert ratios(store, search) == {}  # lorenz63 is the search's own
    assert ratios(store, elsewhere) == {}  # two τ are too few to say which is best
    assert centre_from([]) == 1 and centre_from([0.25]) == 0.5
    assert search.prior(40.0, ratio=0.5).centre == 20


def test_ratios_pass_over_tau_of_which_only_the_lucky_seeds_finished(tmp_path):
    search = a_search(transfer=True)
    store = Store(tmp_path)
    journal.write(store.journal, "systems", "s", [{"system": "other", "content_hash": "h", "tau_pred": 40.0}])

    def row(tau: int, seed: int, d_stsp: float, status: str = "ok") -> dict[str, object]:
        return {
            "trial_id": f"{tau}-{seed}", "cell_id": f"{tau}", "context_id": "c", "system": "other",
            "seed": seed, "architecture": "rnn", "regime": "sparse_forcing", "tau": tau, "system_hash": "h",
            "config": json.dumps({"regime": search.first.cell["regime"] | {"tau": tau}}),
            "status": status, "d_stsp": d_stsp, "ceiling_d_stsp": 16.0,
        }  # fmt: skip

    whole = [row(tau, seed, abs(tau - 20) + 1) for tau in (10, 20, 30, 40, 50) for seed in (0, 1)]
    journal.write(store.journal, "trials", "a", whole)
    assert ratios(store, search) == {"other": 0.5}
    lucky = [row(60, 0, 0.1), row(60, 1, 0.1), row(60, 2, 12.0, "pruned")]
    journal.write(store.journal, "trials", "b", lucky)
    assert ratios(store, search) == {"other": 0.5}


def drive(search: Search, *, slots: int, limit: int, lost: frozenset[int] = frozenset()) -> list[Proposal]:
    """Run a search on made-up scores, several stacks at a time; the stacks in order. Of `lost` τ nothing
    returns."""
    source = SearchSource(search, search.prior(46.05), Knowledge(), limit=limit)
    agenda = Agenda([source], slots=slots)
    found: list[Proposal] = []
    out: list[tuple[str, list[Trial]]] = []
    while True:
        while (stack := agenda.next(f"{len(found)}")) is not None:
            out.append((f"{len(found)}", stack.trials))
            found.append(Proposal(stack.trials[0].tau or 0, tuple(t.seed for t in stack.trials)))
        if not out:
            assert agenda.over and agenda.left == 0
            return found
        name, trials = out.pop(0)
        tau = trials[0].tau or 0
        seen = [] if tau in lost else [Seen(tau, t.seed, 1 + abs(math.log(tau / 20)), "ok") for t in trials]
        agenda.ended(name, seen)


@pytest.mark.parametrize(("size", "slots", "limit"), [(8, 2, 5), (10, 4, 5), (5, 3, 5), (3, 1, 5)])
def test_every_evaluation_of_the_budget_is_run_whole_however_it_is_cut(size, slots, limit):
    stacks = drive(a_search(trials=6, seeds_per_trial=size, stop=False), slots=slots, limit=limit)
    seeds: dict[int, list[int]] = {}
    for stack in stacks:
        seeds.setdefault(stack.tau, []).extend(stack.seeds)
    assert sum(len(found) for found in seeds.values()) == 6 * size
    assert all(sorted(found) == list(range(len(found))) for found in seeds.values())
    assert stacks[0].tau == 46 and {46, 24, 13} <= seeds.keys()


def test_what_is_lost_is_not_asked_for_again():
    stacks = drive(a_search(trials=6, stop=False), slots=1, limit=5, lost=frozenset({46}))
    assert [stack.tau for stack in stacks].count(46) <= 2 and len(stacks) == 6
    assert len({(s.tau, s.seeds) for s in stacks}) == 6


# --- Pruning


def test_only_a_tau_that_is_worse_in_every_seed_by_much_and_late_is_hopeless():
    rival = Rival(
        "sparse_forcing(tau=30)", {50: dict.fromkeys(range(5), 1.0), 20: dict.fromkeys(range(5), 1.0)}
    )
    worse = dict.fromkeys(range(5), 4.0)
    why = hopeless(worse, rival, epoch=50, epochs=100)
    assert why == (
        "hopeless at epoch 50 of 100: 4× worse than sparse_forcing(tau=30) at that epoch, in 5 of 5 seeds"
    )
    assert hopeless(worse, rival, epoch=20, epochs=100) is None  # too early
    assert hopeless(dict.fromkeys(range(5), 1.9), rival, epoch=50, epochs=100) is None  # not by much
    assert hopeless({**worse, 3: 0.9}, rival, epoch=50, epochs=100) is None  # better in one seed
    assert hopeless(dict.fromkeys(range(4), 4.0), rival, epoch=50, epochs=100) is None  # four seeds
    assert hopeless({**worse, 9: 4.0}, rival, epoch=50, epochs=100) is None  # one has no partner
    assert Rival.from_dict(json.loads(json.dumps(rival.as_dict()))) == rival


def test_a_pruned_stack_lands_as_such_and_a_grid_takes_it_to_its_end(smoke, tmp_path):
    (tmp_path / "systems").symlink_to(smoke.results / "systems")
    study = tiny("regimes={sparse_forcing={tau=20}}", "seeds.count=5")
    [stack] = (whole.trials for whole in make_plan(study, {}).stacks(slots=1, gpu=False))
    unbeatable = Rival("sparse_forcing(tau=46)", {2: dict.fromkeys(range(5), 1e-3)})
    outcome = trial.run_stack(stack, results=tmp_path, rival=unbeatable)
    assert outcome.statuses == {"pruned": 5}
    store = Store(tmp_path)
    store.ingest()
    with store.reading() as (connection, _):
        row = connection.execute(
            "SELECT DISTINCT pruned_epoch, d_stsp, parameters_digest FROM trials"
        ).fetchall()
        assert row == [(2, None, None)]
        assert connection.execute("SELECT count(*) FROM results").fetchone() == (0,)
        shown = connection.execute("SELECT count(*) FROM pruned WHERE d_stsp_score > 0").fetchone()
        assert shown == (5,)
    search = a_search()
    cells = {search.cell(tau).cell_id for tau in range(1, 61)}
    assert stack[0].cell_id in cells
    [knowledge] = recall(store, "mine", [search])
    [evaluation] = knowledge.evaluations(5)
    assert evaluation.pruned and evaluation.tau == 20 and evaluation.value is not None
    assert knowledge.best() == []  # it was never trained to its end

    # A study that names this τ goes on from the checkpoint, to the digits of one that was never pruned.
    finished, _ = store.known([stack[0].cell_id])
    plan = make_plan(study, finished, begun=begun.begun(tmp_path), fingerprints=None)
    assert plan.missing == 5 and begun.begun(tmp_path)[0].epoch == 2
    begun.sweep(tmp_path, store.finished)
    assert begun.begun(tmp_path)  # no leftover
    trial.run_stack(stack, results=tmp_path)
    store.ingest()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "systems").symlink_to(smoke.results / "systems")
    trial.run_stack(stack, results=tmp_path / "other")
    Store(tmp_path / "other").ingest()
    assert smoke.measures(tmp_path) == smoke.measures(tmp_path / "other")
    assert not begun.begun(tmp_path)


# --- Precision


def test_a_goal_is_read_and_says_how_many_seeds_are_lacking():
    assert Goal.parse("ci 20%") == 0.2
    for text in ("20%", "ci 20", "ci x%", "ci 0%", "sd 10%"):
        with pytest.raises(ValueError, match='expected "ci 20%"'):
            Goal.parse(text)
    goal = Goal(0.2, 40, "clipping")
    tight, wide = [0.0, 0.01, -0.01, 0.0], [0.0, 2.0, -2.0, 1.0]
    assert goal.lacking(tight) == 0 and goal.lacking(wide) == 4  # never more at once than there are
    # t-interval by hand: s = 0.2, n = 8: 2.365 · 0.2/√8 = 0.167 < ln 1.2 = 0.182 < n = 7: 2.447 · 0.2/√7
    values = np.array([-1, 1, -1, 1, -1, 1, -1.0]) * 0.2 / np.std([-1, 1, -1, 1, -1, 1, -1.0], ddof=1)
    assert goal.lacking(list(values)) == 1


def simulate_precision(draw, *, goal: Goal) -> dict[str, dict[int, float]]:
    """Run a study's precision goal on made-up scores; cell's regime → seed → D_stsp."""
    study = tiny("regimes={clipping={}, sparse_forcing={tau=[10, 20]}}", "seeds.count=6")
    cells = list(study.cells())
    stacks = [Stack([cell.with_seed(seed) for seed in study.seeds], apart=True) for cell in cells]
    precision = PrecisionSource(goal, cells, {}, sure=study.seeds, limit=5)
    agenda = Agenda([GridSource(stacks), precision], slots=2)
    found: dict[str, dict[int, float]] = {cell.regime_label: {} for cell in cells}
    out: list[tuple[str, list[Trial]]] = []
    for number in range(1000):
        while (stack := agenda.next(f"{number}.{len(out)}")) is not None:
            out.append((f"{number}.{len(out)}", stack.trials))
        if not out:
            break
        name, trials = out.pop(0)
        scores = {t.seed: draw(t.regime_label, t.seed) for t in trials}
        found[trials[0].regime_label].update(scores)
        agenda.ended(name, [Seen(t.tau or 0, t.seed, scores[t.seed], "ok") for t in trials])
    assert agenda.over
    return found


def test_seeds_go_where_the_interval_is_wide_and_to_both_sides_of_a_comparison():
    def draw(label: str, seed: int) -> float:
        noise = random.Random(f"{label} {seed}").gauss(0, 1)
        return math.exp({"clipping": 0.0, "sparse_forcing(tau=10)": 0.02 * noise}.get(label, 0.35 * noise))

    found = simulate_precision(draw, goal=Goal(0.2, 40, "clipping"))
    counts = {label: len(seeds) for label, seeds in found.items()}
    assert counts["sparse_forcing(tau=10)"] == 6  # precise with what is run anyway
    assert 10 < counts["sparse_forcing(tau=20)"] == counts["clipping"] <= 40
    logs = [math.log(score) for score in found["sparse_forcing(tau=20)"].values()]
    assert Goal(0.2, 40, "clipping").lacking(logs) == 0
    hopeless_goal = simulate_precision(draw, goal=Goal(0.001, 12, "clipping"))
    assert {len(seeds) for seeds in hopeless_goal.values()} == {12}  # never beyond max


def test_stopping_by_width_leaves_the_intervals_their_coverage():
    """95% t-intervals of ln ratios, stopped by the rule `ci 20%` between 6 and 40 seeds."""
    from scipy import special

    generator = np.random.default_rng(0)
    goal, covered, repeats = Goal(0.2, 40, "clipping"), 0, 1500
    for _ in range(repeats):
        values = list(generator.normal(0.0, 0.4, 6))
        while (lacking := goal.lacking(values)) and len(values) < goal.most:
            values += list(generator.normal(0.0, 0.4, min(lacking, goal.most - len(values))))
        half = special.stdtrit(len(values) - 1, 0.975) * np.std(values, ddof=1) / math.sqrt(len(values))
        covered += abs(fmean(values)) <= half
    assert 0.92 < covered / repeats < 0.97


def test_precision_is_looked_at_on_as_many_seeds_as_decide():
    assert FEWEST == FEWEST_PAIRS  # declarations are read without what reports need


def test_a_precision_goal_goes_on_from_the_database(smoke, monkeypatch):
    study = load(catalogue.find("lorenz_smoke"), ['seeds={until="ci 0.1%", min=4, max=5}'])
    finished, _ = Store(smoke.results).known([cell.cell_id for cell in study.cells()])
    seen = recall_cells(Store(smoke.results), list(study.cells()))[0]
    plan = make_plan(study, finished, seen=seen)
    assert plan.missing == 6 and plan.further == 0  # the third and fourth seed of each cell come first
    for factor, of_cell in enumerate(seen.values(), start=1):
        of_cell[2] = of_cell[0]._replace(seed=2, score=of_cell[0].score * factor)
        of_cell[3] = of_cell[1]._replace(seed=3)
    assert make_plan(study, finished, seen=seen).further == 3
    # Of what is to be run again the grid has its seeds, and what was beyond them comes with it.
    monkeypatch.setattr(memory, "fingerprint", lambda trial: "another")
    nothing, outdated = recall_cells(Store(smoke.results), list(study.cells()), retry=Retry(stale=True))
    assert not nothing and list(outdated.values()) == [{0, 1}] * 3
    for seeds in outdated.values():
        seeds |= {4, 5}  # of which one is more than the study may have
    plan = make_plan(study, finished, retry=Retry(stale=True), outdated=outdated)
    assert plan.further == 3 and plan.why_further == "made by other code"
    source = plan.precision(limit=5)
    handed = [source.next(free=True) for _ in range(4)]
    assert [[trial.seed for trial in stack.trials] for stack in handed[:3]] == [[4]] * 3 and not handed[3]


# --- Bad input


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            'regimes.sparse_forcing.tau={search="lyapunow"}',
            "tau.search.*expected 'lyapunov' or 'uniform', got",
        ),
        ('regimes.sparse_forcing.tau={search="lyapunov", trails=3}', "trails.*did you mean 'trials'"),
        ('regimes.sparse_forcing.tau={search="lyapunov", trials=0}', "trials.*≥ 1, got 0"),
        ('regimes.sparse_forcing.tau={search="uniform", transfer=true}', "has no prior"),
        (
            'regimes.sparse_forcing.tau={search="lyapunov", high=1000}',
            "tau.high.*at most training.sequence_l",
        ),
        ('regimes.clipping.tau={search="lyapunov"}', "clipping.tau.*unknown key"),
        ('regimes.sparse_forcing.tau="lyapunov"', 'expected whole numbers, or { search = "lyapunov" }'),
        ('regimes.sparse_forcing.tau={search="uniform", width=3.0}', "width: a uniform search has no prior"),
        ('seeds={until="ci 20%", baseline="cliping"}', "no regime named 'cliping'; did you mean 'clipping'"),
        ('seeds={until="20%"}', 'expected "ci 20%" or the like, got "20%"'),
        ('seeds={until="ci 20%", count=3}', "either count or until, got both"),
        ("seeds={min=6}", 'expected count = 20, or until = "ci 20%"'),
        ("seeds={min=3}", "seeds.min.*expected a value ≥ 4, got 3"),
        ("seeds={count=3, max=9}", "max: go with until, not with count"),
    ],
)
def test_a_wrong_search_or_goal_is_named(override, message):
    with pytest.raises(StudyError, match=message):
        load(catalogue.find("lorenz_smoke"), [override])
