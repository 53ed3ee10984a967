"""The figures of the paper: they draw what was run and what was published, and what is missing shows."""

import math
import re

import numpy as np
import pytest

from orchestrator import (
    catalogue,
    journal,
    paper,
    study,
)
from orchestrator.cli import report_figure
from orchestrator.errors import OrchError, UsageError
from orchestrator.paper import recordings, sweeps
from orchestrator.paper.wanted import Asked
from orchestrator.reports.figures.paper import (
    Divergence,
    Portrait,
    Preparation,
    Sweep,
    attractor_figure,
    exponent_and_sweep_figure,
    preparation_figure,
    sweep_figure,
)
from orchestrator.reports.figures.paper.sweep_marks import AUTHORS
from orchestrator.reports.figures.style import FILE_FORMATS, GREY, encoded
from orchestrator.reports.published import published_curves, read_published
from orchestrator.reports.reading import read_contexts
from orchestrator.reports.trials import Cell, Trial
from orchestrator.systems.analysis.correlation_dimension import correlation_sum
from orchestrator.systems.analysis.exponent import SlopeSettings
from orchestrator.systems.preparation import length_after, step
from orchestrator.systems.recorded import Recorded

NUMBERS = ["1a", "1b", "2", "3a", "3b", "4", "5", "6", "7", "8", "9", "10", "11"]
TAUS = (5, 10, 20, 30, 50, 100)


def sweep_of(database, **more) -> Sweep:
    distances = [c for c in read_contexts(database.connection, "d_stsp_published") if c.system == "lorenz63"]
    correlations = [c for c in read_contexts(database.connection, "psc_published") if c.system == "lorenz63"]
    given = {
        "title": "lorenz63",
        "measure": "d_stsp_published",
        "distances": distances,
        "correlations": correlations,
        "names": {context.context_id: context.architecture for context in distances},
        "taus": {"sparse_forcing": TAUS, "zero_reset": (30,)},
        "regimes": ("sparse_forcing", "clipping"),
        "wanted": ("sparse_forcing", "clipping"),
        "published": published_curves("Lorenz_klx", ("sparse_forcing", "clipping")),
        "published_correlations": published_curves("Lorenz_psc", ("sparse_forcing", "clipping")),
        "caption": ("How it was made.",),
    }
    return Sweep(**{**given, **more})


def test_every_number_has_a_study_that_ships_and_plans_or_a_recording(tmp_path):
    assert list(paper.FIGURES) == NUMBERS
    shipped = {path.stem for path in catalogue.shipped_folder().glob("*.toml")}
    for figure in paper.FIGURES.values():
        if figure.study is None:
            assert figure.dimensions and figure.kind in ("exponents", "preparation")
            continue
        assert figure.study in shipped
        for system in figure.systems:
            found = study.load(catalogue.find(figure.study), [f'grid.system=["{system}"]'])
            assert set(figure.regimes) <= found.regime_names
            taus = {cell.tau for cell in found.cells()}
            assert set(figure.taus) <= taus
        known = {point.figure for point in read_published()}
        assert all(key in known for key in figure.published.values())


def test_what_was_published_reaches_the_drawing(database, fill):
    fill(database)
    left, right = _axes(sweep_figure(sweep_of(database)))
    drawn = [line for line in left.lines if line.get_label() == AUTHORS]
    forced = {line.get_marker(): line for line in drawn if line.get_linestyle() == "-"}
    lstm, rnn = forced["o"], forced["^"]
    assert list(lstm.get_xdata()) == [5, 30, 50, 60, 70, 100, 200, 500]
    assert lstm.get_ydata()[1] == pytest.approx(0.061771641)
    assert rnn.get_ydata()[1] == pytest.approx(0.19646692)
    assert lstm.get_markerfacecolor() == "white"
    clipped = [line for line in left.lines if list(line.get_ydata()) == [15.414523, 15.414523]]
    assert len(clipped) == 1 and clipped[0].get_linestyle() == "--"
    psc = [line for line in right.lines if line.get_label() == AUTHORS and len(line.get_xdata()) > 1]
    assert psc[0].get_ydata()[1] == pytest.approx(0.9992098)


def test_a_missing_τ_breaks_the_line_and_a_seed_that_blew_up_counts(database, fill):
    fill(database)
    sweep = sweep_of(database, published=(), published_correlations=())
    left, _ = _axes(sweep_figure(sweep))
    long = [line for line in left.lines if len(line.get_xdata()) == len(TAUS)]
    curves = {line.get_marker(): line for line in long if line.get_marker() != "."}  # those are seeds
    assert set(curves) == {"o", "s", "^"}, "an architecture has its own marker"
    assert len({line.get_color() for line in curves.values()}) == 3
    gaps = {marker: np.isnan(line.get_ydata()).tolist() for marker, line in curves.items()}
    assert gaps["s"] == [False, False, True, False, False, False]  # the PLRNN has no τ of 20
    assert not any(gaps["o"]) and not any(gaps["^"])
    cell = next(c for c in sweep.distances[0].cells if c.tau == 100 and c.regime == "sparse_forcing")
    logs = [math.log(score) for score in cell.scores.values()]
    assert len(logs) == 8 and max(logs) == pytest.approx(math.log(32))  # two of them blew up
    assert curves["o"].get_ydata()[-1] == pytest.approx(math.exp(sum(logs) / 8))
    assert "2" in {text.get_text() for text in left.texts}
    dashed = [line for line in left.lines if line.get_linestyle() == "--" and line.get_color() != GREY]
    assert len(dashed) == 3, "clipping, one level for each architecture"


def test_an_architecture_that_was_not_run_is_in_the_legend_as_such(database, fill):
    fill(database)
    sweep = sweep_of(database)
    names = {**sweep.names, "nothing": "shplrnn"}
    figure = sweep_figure(sweep_of(database, names=names, regimes=("sparse_forcing", "zero_reset")))
    said = [text.get_text() for part in figure.subfigs for legend in part.legends for text in legend.texts]
    assert "shplrnn (not run)" in said and "lstm" in said
    assert any(text.startswith("authors") for text in said)


@pytest.mark.parametrize("form", FILE_FORMATS)
def test_the_same_figure_is_the_same_bytes_with_its_fonts(database, fill, form):
    fill(database)
    one, other = (encoded(sweep_figure(sweep_of(database)), form) for _ in range(2))
    assert one == other
    if form == "pdf":
        assert b"/Type3" not in one
        assert b"/FontFile2" in one and not re.search(rb"/CreationDate", one)
    if form == "svg":
        assert b"<text" not in one and b"<dc:date>" not in one


def test_what_is_missing_is_said_with_the_command_that_runs_it(tmp_path):
    with pytest.raises(OrchError) as none:
        paper.make("1a", tmp_path, results_option=None)
    assert "`orch study run lorenz_tau`" in str(none.value)
    command = """`orch study run lorenz_tau --set 'grid.system=["lorenz63_published"]'`"""
    assert command in str(none.value) and "\n" not in str(none.value)
    with pytest.raises(UsageError) as wrong:
        paper.make("12", tmp_path)
    assert all(number in str(wrong.value) for number in NUMBERS) and "\n" not in str(wrong.value)
    with pytest.raises(UsageError, match="takes no --study"):
        paper.make("3a", tmp_path, study="lorenz_tau")
    with pytest.raises(UsageError, match="d_stsp_published"):
        paper.make("1a", tmp_path, measure="psc")


def test_a_figure_shows_the_cells_of_its_study_from_the_data_that_the_authors_used(tmp_path):
    overrides = ["seeds.count=3", 'grid.architecture=["lstm"]', "regimes.sparse_forcing.tau=[10, 30, 60]"]
    on_published = study.load(
        catalogue.find("lorenz_tau"), [*overrides, 'grid.system=["lorenz63_published"]']
    )
    rows = []
    for cell in on_published.cells():
        if cell.regime.name == "sparse_forcing" and cell.tau in (10, 60):
            rows += [row(cell.with_seed(seed), 0.1 * (seed + 1)) for seed in range(5)]  # two too many
    journal.write(tmp_path / "journal", "trials", "one", rows)
    asked = Asked(paper.paper_figure("1a"), tmp_path, None, "lorenz_tau", tuple(overrides), True, False, None)
    made = sweeps.sweep(asked)
    assert made.sweep.title == "lorenz63_published" and made.sweep.measure == "d_stsp_published"
    (context,) = made.sweep.distances
    assert {cell.tau: len(cell.trials) for cell in context.cells} == {10: 3, 60: 3}
    assert made.sweep.taus["sparse_forcing"] == (10, 30, 60)
    left, _ = _axes(sweep_figure(made.sweep))
    (curve,) = [line for line in left.lines if len(line.get_xdata()) == 3 and line.get_marker() == "o"]
    assert np.isnan(curve.get_ydata()).tolist() == [False, True, False]
    stands_on, lacks, *_ = made.said
    assert "6 trials of lorenz63_published (lstm 6), 3 seeds a cell, 0 blown up" in stands_on
    assert "lacks 6 of 12 trials, 2 of 4 cells whole" in lacks  # τ = 30, and clipping
    assert 'grid.system=["lorenz63_published"]' in lacks and "orch study run lorenz_tau" in lacks


def test_the_command_prints_the_file_and_nothing_else(tmp_path, capsys):
    overrides = ["seeds.count=2", 'grid.architecture=["rnn"]', 'grid.system=["duffing"]']
    cells = [cell for cell in study.load(catalogue.find("duffing_tau"), overrides).cells() if cell.tau == 30]
    journal.write(tmp_path / "journal", "trials", "one", [row(cells[0].with_seed(s), 0.5) for s in (0, 1)])
    given = {"form": None, "measure": None, "study": None, "allow_stale": False, "results": tmp_path}
    report_figure.figure("1B", overrides=overrides, out=None, **given)
    said = capsys.readouterr()
    path = tmp_path / "reports" / "figure-1b.svg"
    assert said.out == f"{path}\n" and path.read_text(encoding="utf-8").startswith("<?xml")
    assert "2 trials of duffing (rnn 2)" in said.err and "orch study run duffing_tau --set" in said.err
    report_figure.figure("1b", overrides=overrides, out=tmp_path / "mine.pdf", **given)
    assert (tmp_path / "mine.pdf").read_bytes().startswith(b"%PDF")
    with pytest.raises(UsageError, match=r"ends in \.svg, \.pdf or \.png"):
        report_figure.figure("1b", overrides=overrides, out=tmp_path / "mine.jpg", **given)


def row(trial, score: float) -> dict:
    """What a journal would hold of a trial."""
    return {
        "trial_id": trial.trial_id, "cell_id": trial.cell_id, "context_id": trial.context_id,
        "context": trial.context_label, "system": trial.system, "architecture": trial.architecture.name,
        "regime": trial.regime.name, "regime_label": trial.regime_label, "tau": trial.tau,
        "seed": trial.seed, "status": "ok", "d_stsp": score, "d_stsp_published": score,
        "psc": 0.9, "psc_published": 0.9, "ceiling_d_stsp": 16.0, "ceiling_d_stsp_published": 16.0,
        "floor_d_stsp": 0.05, "floor_d_stsp_published": 0.05,
    }  # fmt: skip


def test_the_network_of_an_attractor_is_the_median_one():
    scores = {0: 0.5, 1: 16.0, 2: 0.1, 3: 0.3, 4: 16.0}
    trials = tuple(
        Trial(str(seed), seed, "diverged" if seed == 1 else "ok", "", score) for seed, score in scores.items()
    )
    cell = Cell("c", "sparse_forcing", "l", "l", 30, trials)
    assert cell.median_trial.seed == 0
    assert Cell("c", "sparse_forcing", "l", "l", 30, trials[1:]).median_trial.seed == 3
    assert Cell("c", "sparse_forcing", "l", "l", 30, ()).median_trial is None


def test_attractors_exponents_and_preparations_draw_what_they_are_given(database, fill):
    fill(database)
    t = np.linspace(0, 60, 1500)
    truth = np.column_stack([np.sin(t), np.cos(1.7 * t), np.sin(0.3 * t)])
    away = np.exp(t[:, None] / 8) * truth
    away[900:] = np.nan
    portraits = [
        Portrait("τ = 5", truth * 0.9),
        Portrait("τ = 30", None, "not run yet"),
        Portrait("τ = 200", away),
    ]
    figure = attractor_figure(portraits, truth, variables="xyz", called="free run", caption=["…"])
    first, missing, last = figure.subfigs[0].axes
    assert [len(axis.lines) for axis in (first, missing, last)] == [2, 1, 2]
    assert any("not run yet" in text.get_text() for text in missing.texts)
    x, _, _ = last.lines[1].get_data_3d()
    assert np.isnan(x[900:]).all() and np.nanmax(np.abs(x)) <= 2.01  # what leaves is cut off
    encoded(figure, "png")

    series = (np.sin(t) + np.sin(2.3 * t))[:, None]
    settings = SlopeSettings(theiler=20, steps=60, window=(5, 40), dimension=3, delay=10)
    curve = settings.curve(series)
    found = [Divergence(3, curve, settings.slope(curve), True)]
    figure = exponent_and_sweep_figure(found, sweep_of(database), title="mine", caption=["(a) …"])
    above = figure.subfigs[0].subfigs[0].axes[0]
    fit = above.lines[1]
    slope = np.diff(fit.get_ydata()) / np.diff(fit.get_xdata())
    assert slope == pytest.approx(found[0].slope.value) and list(fit.get_xdata()) == [5, 40]

    sums = [(m, correlation_sum(truth[:, :m], theiler=20)) for m in (2, 3)]
    shown = Preparation(None, truth[:100, 0], 1.0, sums, truth, "xyz", "steps", without="it is not here")
    figure = preparation_figure(shown, title="mine", caption=["…"])
    said = [text.get_text() for legend in figure.subfigs[1].legends for text in legend.texts]
    assert "recorded: it is not here" in said and "m = 3" in said


def test_a_snippet_shows_the_same_time_before_and_after_the_noise_was_taken_out():
    t = np.arange(6_000)
    noisy = np.sin(t / 40) + np.sin(t / 97) + 0.2 * np.random.default_rng(1).normal(size=len(t))
    steps = (
        step("reduce_noise", dimension=4, neighbours=20),
        step("crop", first=7),
        step("smooth", sigma=4.0),
        step("subsample", every=5),
        step("standardise"),
        step("embed", dimension=3, delay=20),
    )
    system = Recorded(
        name="mine", description="", source="", variables=("x_0", "x_1", "x_2"), columns=("x",),
        read=lambda: noisy[:, None], digest="0", raw_points=len(t), raw_dt=1.0, dt=5.0,
        n_points=length_after(len(t), steps), steps=steps,
        slope=SlopeSettings(theiler=20, steps=40, window=(0, 20), dimension=3, delay=20),
    )  # fmt: skip
    shown = recordings.preparation(system, dimensions=(3, 4))
    assert shown.recorded is not None and len(shown.recorded) == len(shown.cleaned) and shown.step == 5.0
    moved = [np.corrcoef(shown.recorded, np.roll(shown.cleaned, by))[0, 1] for by in (-3, 0, 3)]
    assert max(moved) == moved[1] > 0.95
    assert [m for m, _ in shown.sums] == [3, 4] and shown.delays.shape[1] == 3
    assert recordings.missing_recording("mine") is None


def test_what_a_figure_of_a_recording_lacks_is_said_with_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv("ORCH_DATA", str(tmp_path))
    for number in ("3a", "4", "10", "11"):
        with pytest.raises(OrchError, match=r"`orch data fetch \w+`"):
            paper.make(number, tmp_path)


def _axes(figure):
    return figure.subfigs[0].axes
