"""Which τ reconstructs: the fitted curve, where it is lowest, and what is said about the prior."""

import io
import math
import random

import numpy as np
import pytest
from rich.console import Console

from orchestrator.prior import Prior
from orchestrator.reports.html.tau_page import points_query, tau_page
from orchestrator.reports.reading import read_contexts
from orchestrator.reports.response import fit_response
from orchestrator.reports.scope import Scope
from orchestrator.reports.tau import read_tau, render_tau, sentence
from orchestrator.reports.trials import ReportError

TAUS = (2, 3, 5, 8, 12, 18, 26, 38, 55, 80, 120, 170)
SHAPES = {
    "valley": lambda x: 1.2 * abs(x),
    "bowl": lambda x: min(5.0, 0.8 * x * x),
    "wall": lambda x: min(
        5.0, -x if x < 0 else 3 * x
    ),  # slow below the optimum, steep above, as in the paper
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_interval_of_the_optimum_holds_it_as_often_as_it_says(shape):
    """40 made-up studies: five seeds at each of 12 τ, a spread of 0.5 in ln D_stsp between seeds."""
    generator = np.random.default_rng(5)
    held = 0
    for _ in range(40):
        optimum = math.exp(generator.uniform(math.log(12), math.log(80)))
        scores = {
            tau: np.exp(SHAPES[shape](math.log(tau / optimum)) + generator.normal(0, 0.5, 5)).tolist()
            for tau in TAUS
        }
        found = fit_response(scores, points=60)
        assert found is not None and found.low.shape == found.mean.shape == found.taus.shape
        low = max((tau for tau in TAUS if tau < found.optimum_low), default=TAUS[0])
        high = min((tau for tau in TAUS if tau > found.optimum_high), default=TAUS[-1])
        held += low <= optimum <= high
    assert held >= 37


def test_a_curve_goes_through_what_is_certain_and_says_nothing_of_too_little():
    scores = {tau: [math.exp(0.5 * math.log(tau / 20) ** 2)] * 8 for tau in TAUS}
    found = fit_response(scores)
    at = np.searchsorted(found.taus, TAUS)
    truth = [0.5 * math.log(tau / 20) ** 2 for tau in TAUS]
    assert np.abs(found.mean[at] - truth).max() < 0.05
    assert found.optimum_low <= 20 <= found.optimum_high and found.optimum in range(17, 25)
    assert ((found.low <= found.mean) & (found.mean <= found.high)).all()
    assert fit_response({10: [1.0, 2.0], 20: [1.0, 2.0]}) is None  # two τ
    assert fit_response({10: [1.0], 20: [1.0], 30: [2.0]}) is None  # one seed each: the noise is not known


def study(database, optimum: float, *, tau_pred: float, ceiling: bool = False) -> None:
    noise = random.Random(1)
    for tau in (5, 10, 20, 30, 40, 60, 100, 200):
        level = math.log(15.9) if ceiling else 2.0 * abs(math.log(tau / optimum)) - 2
        scores = {
            seed: min(16.0, math.exp(level + noise.gauss(0, 0.01 if ceiling else 0.3))) for seed in range(6)
        }
        if tau == 200:
            scores[0] = "diverged"
        database.add("sparse_forcing", scores, tau=tau, tau_pred=tau_pred)


def answers(database, prior=lambda context, cell: Prior(1, 200, context.tau_pred)):
    contexts = read_contexts(database.connection, "d_stsp")
    return read_tau(database.connection, contexts, prior)


def test_the_answer_says_where_the_optimum_is_and_whether_the_prior_holds_it(database, tmp_path):
    study(database, 30.0, tau_pred=40.0)
    [context] = read_contexts(database.connection, "d_stsp")
    database.connection.execute(
        "INSERT INTO pruned (context_id, regime_label, tau, seed, d_stsp_score) "
        f"VALUES ('{context.context_id}', 'sparse_forcing(tau=150)', 150, 0, 9.0)"
    )
    [answer] = answers(database)
    assert answer.response.optimum in range(25, 37) and answer.interval == (20, 40)
    said = sentence(answer)
    assert said.startswith(f"τ_opt = {answer.response.optimum} (20 to 40), 0.")
    assert said.endswith(
        "times τ_pred 40 (0.5 to 1): the prior's region, 9 to 181, holds the optimum (probability 100%)"
    )
    points = {point.tau: point for point in answer.points}
    assert points[200].blown_up == 1 and points[150].given_up == (9.0,) and points[150].scores == ()
    assert 150 not in answer.tried
    row = answer.as_dict()
    assert row["tau_opt_low"] == 20 and row["given_up"] == 1 and row["share_in_region"] > 0.99
    console = Console(record=True, width=200, file=io.StringIO())
    console.print(render_tau([answer]))
    assert "perhaps" in console.export_text()
    page = tau_page([answer], database.connection, scope=Scope(["demo"]))
    paths = page.write(tmp_path, stem="x")
    assert [path.name for path in paths] == ["x.html", "x.svg"]
    assert "given up early" in paths[1].read_text() and "holds the optimum" in paths[0].read_text()
    result = database.connection.execute(points_query([answer], Scope(["demo"])))
    names = [str(one[0]) for one in result.description]
    answered = [dict(zip(names, values, strict=True)) for values in result.fetchall()]
    assert [row["τ"] for row in answered] == list(points)
    for row in answered:
        point = points[row["τ"]]
        assert (row["seeds"], row["blown up"], row["given up early"]) == (
            len(point.scores), point.blown_up, len(point.given_up),
        )  # fmt: skip
        said = [row["τ/τ_pred"], row["D_stsp"], row["95% low"], row["95% high"]]
        found = point.estimate
        expected = [answer.ratio(point.tau), found.value, found.low, found.high]
        assert said == [value if value is None else pytest.approx(value, rel=1e-9) for value in expected]


@pytest.mark.parametrize(
    ("prior", "expected"),
    [
        (Prior(1, 200, 3.0), "the prior's region, 1 to 14, does not hold the optimum (probability 0%)"),
        (None, "nothing predicts τ here"),
    ],
)
def test_a_wrong_prior_and_none_are_named(database, prior, expected):
    study(database, 30.0, tau_pred=None if prior is None else 40.0)
    [answer] = answers(database, lambda context, cell: prior)
    assert sentence(answer).endswith(expected)


def test_where_nothing_reconstructs_there_is_no_optimum(database):
    study(database, 30.0, tau_pred=40.0, ceiling=True)
    [answer] = answers(database)
    assert sentence(answer) == "no τ reconstructs: all are at the ceiling, so there is no optimum to speak of"


def test_an_optimum_at_the_edge_is_said_to_be_there(database):
    study(database, 400.0, tau_pred=40.0)
    [answer] = answers(database)
    assert answer.at_the_edge and "it may lie beyond the τ that were tried" in sentence(answer)


def test_one_tau_is_no_curve(database):
    database.add("sparse_forcing", {0: 1.0, 1: 2.0}, tau=30)
    with pytest.raises(ReportError, match="more than one τ"):
        answers(database)
