"""λ of networks beside λ of their data: who counts as having recovered it."""

import io

import pytest
from rich.console import Console

from orchestrator import reports
from orchestrator.reports.exponents import answer


def set_dynamics(database, regime, tau, values):
    """Seed → (class, λ_max of the network)."""
    for seed, (kind, exponent) in values.items():
        database.connection.execute(
            "UPDATE results SET dynamics = ?, net_lambda_max = ?, net_kaplan_yorke = 2.1, "
            "kaplan_yorke = 2.07 WHERE regime = ? AND tau IS NOT DISTINCT FROM ? AND seed = ?",
            [kind, exponent, regime, tau, seed],
        )


@pytest.fixture
def measured(database):
    database.add("sparse_forcing", {0: 0.1, 1: 0.2, 2: 0.3, 3: "unbounded"}, tau=30)
    database.add("sparse_forcing", {0: 5.0, 1: "diverged"}, tau=200)
    database.add("clipping", {0: 9.0, 1: 9.0, 2: "failed"})
    database.connection.execute("UPDATE results SET lambda_max = 1.5, lambda_max_se = 0.002")
    chaotic = {0: ("chaotic", 1.45), 1: ("chaotic", 1.79), 2: ("chaotic", 1.81), 3: ("unbounded", None)}
    set_dynamics(database, "sparse_forcing", 30, chaotic)
    set_dynamics(database, "sparse_forcing", 200, {0: ("quasi_periodic", 0.001)})
    set_dynamics(database, "clipping", None, {0: ("fixed_point", -20.0), 1: ("cycle", 1.5)})
    return database.connection


def test_recovered_is_a_share_of_all_that_ran_and_was_looked_at(measured):
    contexts = reports.read_contexts(measured, "d_stsp")
    rows = {(row.regime.split("(")[0], row.tau): row for row in reports.read_exponents(measured, contexts)}
    near = rows["sparse_forcing", 30]
    # 1.45 and 1.79 lie within a fifth of 1.5; 1.81 does not, and the one that is unbounded counts as not.
    assert (near.recovered, near.measured, near.trials) == (2, 4, 4)
    assert near.median == 1.79 and (near.lowest, near.highest) == (1.45, 1.81)
    assert (near.share_low, near.share_high) == reports.wilson_interval(2, 4)
    assert near.kinds == {"chaotic": 3, "unbounded": 1} and near.kaplan_yorke_of_data == 2.07
    far, clipped = rows["sparse_forcing", 200], rows["clipping", None]
    assert (far.recovered, far.measured) == (0, 2) and far.median == 0.001
    assert (clipped.measured, clipped.trials) == (2, 2)  # the failed one is a bug and no outcome
    assert clipped.recovered == 0  # a cycle recovers nothing, whatever number it has
    (context,) = contexts
    assert answer(context, list(rows.values())) == (
        "at τ=30 (nearest τ_pred of those measured) forcing recovers λ_max in 2 of 4 (15–85%)"
    )
    printed = io.StringIO()
    Console(width=80, file=printed).print(reports.render_exponents(contexts, list(rows.values())))
    text = printed.getvalue()
    assert "λ_max of the data 1.50 ± 0.002" in text and all(len(line) <= 80 for line in text.splitlines())


def test_what_too_few_steps_cannot_decide_is_not_counted(measured):
    """λ of the data is 0.015 a step: with a resolution of 0.02 its chaos would look quasi-periodic."""
    for resolution, counted in ((0.001, 2), (0.02, 1)):
        measured.execute(
            "UPDATE results SET dynamics_evidence = ? WHERE tau = 200", [f'{{"resolution": {resolution}}}']
        )
        rows = reports.read_exponents(measured, reports.read_contexts(measured, "d_stsp"))
        far = next(row for row in rows if row.tau == 200)
        assert (far.measured, far.trials) == (counted, 2)


def test_rows_of_before_exponents_were_taken_say_nothing(database):
    database.add("sparse_forcing", {0: 0.1, 1: 0.2}, tau=30)
    database.add("clipping", {0: 9.0, 1: 9.0})
    contexts = reports.read_contexts(database.connection, "d_stsp")
    assert reports.read_exponents(database.connection, contexts) == ()
    with pytest.raises(reports.ReportError, match="No network's exponent is known"):
        reports.render_exponents(contexts, ())


def test_page_has_the_exponents_with_their_figure(measured):
    from orchestrator.reports.html import comparison_page

    page = comparison_page(reports.compare(measured, "clipping"), measured).html()
    assert "Do the networks have the exponent of their data?" in page and page.count("<svg") == 2
    assert "3 chaotic, 1 unbounded" in page
