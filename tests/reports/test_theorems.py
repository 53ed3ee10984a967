"""Theorems looked up in networks: who meets a premise, what is measured, when a claim holds."""

import io
import math

import numpy as np
import pytest
from rich.console import Console

from orchestrator import reports
from orchestrator.reports.scope import Scope
from orchestrator.reports.statistics import median_interval
from orchestrator.reports.theorems import (
    CLAIMS,
    Network,
    examine,
    read_left_out,
    read_networks,
    render_findings,
)
from orchestrator.reports.theorems.claims import FROM_DATA, GRADIENT, JACOBIAN, STEP_CHANGE, STEP_SUM

LAGS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def line(rate, offset=0.0):
    return {lag: offset + rate * lag for lag in LAGS}


def network(name, kind, rate, *, architecture="rnn", constructed=True, bound=math.inf, **curves):
    known = {JACOBIAN: line(rate), FROM_DATA: line(rate), GRADIENT: line(max(rate, 0.0), 2.0)}
    return Network(
        trial_id=name, architecture=architecture, regime="clipping", constructed=constructed, kind=kind,
        rate=rate, resolution=1e-4, jacobian_bound=bound, curves={**known, **curves},
    )  # fmt: skip


def finding(networks, name):
    (found,) = examine(networks, [claim for claim in CLAIMS if claim.name == name])
    return found


def test_rates_are_those_of_the_long_run():
    one = network("a", "chaotic", 0.4, **{JACOBIAN: {**line(0.4, 3.0), 1: 50.0, 10: -50.0}})
    assert one.slope(JACOBIAN) == pytest.approx(0.4) and one.growth(JACOBIAN) == pytest.approx(0.4 * 900)
    dead = network("b", "fixed_point", -math.inf, **{JACOBIAN: dict.fromkeys(LAGS, -math.inf)})
    assert dead.slope(JACOBIAN) == -math.inf and dead.growth(JACOBIAN) == 0
    assert math.isnan(one.slope("ln_unknown")) and math.isnan(one.last("ln_unknown"))


def test_a_claim_holds_where_every_network_shows_it_at_the_rate_of_its_exponent():
    stable = [network(str(i), "cycle", -0.1 * (i + 1)) for i in range(8)]
    first = finding(stable, "Theorem 1 (i)")
    assert first.verdict == "holds" and first.median.value == pytest.approx(1.0)
    wild = [network(f"w{i}", "cycle", -0.1, **{JACOBIAN: line(-0.1 * r)}) for i, r in enumerate([0.1, 9] * 5)]
    assert finding(wild, "Theorem 1 (i)").verdict == "holds, rate undecided"
    slower = [network(str(i), "cycle", -0.1, **{JACOBIAN: line(-0.07)}) for i in range(8)]
    assert finding(slower, "Theorem 1 (i)").verdict == "holds, at another rate"
    grows = network("x", "fixed_point", -0.1, **{JACOBIAN: line(0.01)})
    found = finding([*stable, grows], "Theorem 1 (i)")
    assert found.verdict == "fails in 1 of 9" and found.exceptions == (grows,)
    assert found.by_architecture() == {"rnn": (8, 9)}
    assert finding(stable, "Theorem 2 (i)").verdict == "not tested"


def test_premises_are_met_by_what_was_measured():
    neutral = network("n", "fixed_point", 0.0)  # not stable: what comes near it stays where it is
    transient = network("t", "cycle", -0.1, **{FROM_DATA: line(0.3), GRADIENT: line(0.3)})
    assert finding([neutral], "Theorem 1 (i)").undecided == (neutral,)
    # Its gradients grow, from the data, as long as it has not come to its cycle.
    found = finding([transient], "Theorem 1 (ii)")
    assert (found.networks, found.undecided, found.verdict) == ((), (transient,), "not tested")
    identity = network("i", "fixed_point", 0.0, **{STEP_CHANGE: dict.fromkeys(LAGS, -math.inf)})
    turns = network("u", "quasi_periodic", 0.0, **{STEP_CHANGE: {lag: math.log(lag) for lag in LAGS}})
    assert finding([identity, turns], "Theorem 4 (ii)").networks == (identity,)
    summable = network("s", "fixed_point", -math.inf, **{STEP_SUM: dict.fromkeys(LAGS, 0.7)})
    assert finding([summable, turns], "Theorem 4 (i)").networks == (summable,)


def test_growth_is_less_than_exponential_where_it_slows_down_however_long_the_run():
    for longest in (100, 1000):
        lags = [lag for lag in LAGS if lag <= longest]
        linear = network("l", "quasi_periodic", 0.0, **{JACOBIAN: {lag: math.log(lag) for lag in lags}})
        found = finding([linear], "Theorem 3")
        assert found.verdict == "holds" and found.lowest == pytest.approx(1.0)
        # At a rate below what 100,000 steps of Lorenz-63 tell from 0, which is 2.1e-3 in a thousand steps.
        grows = network("g", "quasi_periodic", 0.0, **{JACOBIAN: {lag: 2 * lag / longest for lag in lags}})
        assert finding([grows], "Theorem 3").verdict == "fails in 1 of 1"
        wobbles = {lag: 0.4 * math.sin(lag) for lag in lags}
        assert (
            finding([network("w", "quasi_periodic", 0.0, **{JACOBIAN: wobbles})], "Theorem 3").verdict
            == "holds"
        )
    for c in (0.0025, 0.003, 0.004, 0.006, 0.05):  # a shear, linear from some time on
        shear = network("s", "quasi_periodic", 0.0, **{JACOBIAN: {lag: math.log1p(c * lag) for lag in LAGS}})
        assert finding([shear], "Theorem 3").verdict == "holds"
    unknown = network("n", "quasi_periodic", 0.0, **{JACOBIAN: dict.fromkeys(LAGS, math.nan)})
    assert finding([unknown], "Theorem 3").verdict == "not tested"


def test_what_was_not_measured_decides_nothing():
    bare = [
        Network(kind, architecture, "clipping", False, kind, rate, 1e-4, math.inf, {"ln_other": line(1.0)})
        for architecture in ("rnn", "lstm")
        for kind, rate in (("cycle", -0.1), ("chaotic", 0.4), ("quasi_periodic", 0.0))
    ]
    for found in examine(bare):
        assert found.networks == (), found.claim.name
    endless = network("e", "cycle", -0.1, **{GRADIENT: dict.fromkeys(LAGS, math.inf)})
    assert finding([endless], "Theorem 1 (ii)").verdict == "fails in 1 of 1"


def test_a_chaotic_unitary_network_is_an_exception_that_is_named():
    calm = network("calm", "fixed_point", -0.1, architecture="urnn", bound=1.0)
    wild = network("wild", "chaotic", 0.4, architecture="urnn")
    findings = examine([calm, wild])
    by_name = {found.claim.name: found for found in findings}
    assert by_name["Proposition 2"].exceptions == (wild,)
    assert by_name["Proposition 2, b ≤ 0"].verdict == "holds"
    printed = io.StringIO()
    Console(width=80, file=printed).print(render_findings(findings))
    text = printed.getvalue()
    said = " ".join(text.split())
    assert "fails in 1 of 2: 2 constructed networks; λ₁ per step -0.10 to 0.40" in said
    assert "not in wild (urnn, clipping, chaotic)" in said
    assert all(len(row) <= 80 for row in text.splitlines())


def test_networks_are_read_from_the_database(database):
    database.add("constructed", {0: 9.0, 1: "unbounded"}, architecture="rnn", parameters="dynamics=chaotic")
    connection = database.connection
    with pytest.raises(reports.ReportError, match="No network has known dynamics"):
        read_networks(connection)
    connection.execute(
        """UPDATE results SET dynamics = if(status = 'ok', 'chaotic', 'unbounded'), net_lambda_max = 40,
           dynamics_evidence = '{"resolution": 0.001, "jacobian_bound": 3.5}'"""
    )
    connection.execute(
        """INSERT INTO gradients SELECT trial_id, epoch, 'ln_jacobian_run', lag, epoch * 0.4 * lag
           FROM results, (SELECT unnest([0, 1]) AS epoch), (SELECT unnest([10, 100, 1000]) AS lag)"""
    )
    (found,) = read_networks(connection, scope=Scope(["demo"]))
    assert read_left_out(connection, scope=Scope(["demo"])) == {"rnn": 1}  # which is unbounded
    assert found.constructed and found.rate == pytest.approx(40 * 0.01) and found.jacobian_bound == 3.5
    assert found.slope(JACOBIAN) == pytest.approx(0.4)  # of the last epoch
    with pytest.raises(reports.UnknownNameError, match="did you mean 'demo'"):
        read_networks(connection, scope=Scope(["dem"]))


def test_page_has_table_and_figure(database, tmp_path):
    from orchestrator.reports.html.theorems_page import networks_query, theorems_page

    networks = [
        network("a", "chaotic", 0.4, bound=5.0),
        network("b", "cycle", -math.inf, constructed=False, **{JACOBIAN: dict.fromkeys(LAGS, -math.inf)}),
        network("c", "chaotic", 0.3, architecture="urnn"),
    ]
    database.add("constructed", {0: 9.0}, architecture="rnn", parameters="dynamics=chaotic")
    connection = database.connection
    connection.execute(
        """UPDATE results SET dynamics = 'chaotic', net_lambda_max = 40,
           dynamics_evidence = '{"resolution": 0.001, "jacobian_bound": 3.5}'"""
    )
    connection.execute(
        """INSERT INTO gradients SELECT trial_id, epoch, 'ln_jacobian_run', lag, epoch * sqrt(lag)
           FROM results, (SELECT unnest([0, 1]) AS epoch), (SELECT unnest([10, 100, 300, 1000]) AS lag)"""
    )
    (one,) = read_networks(connection)
    (measured,) = connection.execute(networks_query(Scope(["demo"]))).fetchall()
    assert measured[5:] == ("chaotic", one.rate, pytest.approx(one.slope(JACOBIAN)), None, 3.5, 0.001)
    made = theorems_page(examine(networks), networks, connection, networks_query(), left_out={"urnn": 7})
    page, svg = made.write(tmp_path, stem="theorems")
    text = page.read_text(encoding="utf-8")
    assert "1 constructed" not in text and "2 constructed and 1 trained networks" in text
    assert (
        "7 trials (urnn 7)" in text
        and "Proposition 2: holds in urnn 0 of 1" in text
        and text.count("<svg") == 1
    )
    assert "no chaos where" in svg.read_text(encoding="utf-8")


def test_interval_of_the_median_covers_it():
    rng = np.random.default_rng(0)
    for n in (6, 15, 40):
        covered = 0
        for _ in range(2000):
            found = median_interval(rng.exponential(size=n))
            covered += found.low <= math.log(2) <= found.high
        assert 0.945 <= covered / 2000 <= 0.99
    assert median_interval([1.0, 2.0, 3.0, 4.0, 5.0]).low is None and median_interval([]).value is None
