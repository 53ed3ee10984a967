"""What is said of a series is what was computed, with all that must stand beside it, and said safely."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from rich.console import Console
from typer.testing import CliRunner

import orchestrator.systems
from orchestrator.cli.analyse import analyse
from orchestrator.reports.figures.curves import VERTICES, thinned
from orchestrator.reports.html.series_page import render_series_page
from orchestrator.reports.html.themed_svg import themed
from orchestrator.reports.series.data import as_dict, flat
from orchestrator.reports.series.facts import facts
from orchestrator.reports.series.terminal import render_series
from orchestrator.reports.series.verdict import doubts_of, headlines, judge, tau_grid, warnings
from orchestrator.reports.series.words import with_error
from orchestrator.systems import System, get
from orchestrator.systems.analysis.exponent import SlopeSettings, estimate
from orchestrator.systems.analysis.overview import Overview, overview
from orchestrator.systems.exponents import ExponentSettings
from orchestrator.systems.flow import Flow
from orchestrator.systems.preparation import Step, prepare, step
from orchestrator.systems.recorded import Recorded

from .test_rendering import Strict

EVIL = "<script>x</script>&'\""


def record(
    series: NDArray[np.float64], slope: SlopeSettings, *, dt: float = 1.0, steps: tuple[Step, ...] = ()
) -> Recorded:
    columns = tuple(f"{EVIL}{i}" for i in range(series.shape[1]))
    return Recorded(
        name="mine", description=EVIL, source="", variables=columns, dt=dt, n_points=len(series),
        read=lambda: series, digest="0" * 64, raw_points=len(series), raw_dt=dt, columns=columns, steps=steps,
        slope=slope, time_unit="h",
    )  # fmt: skip


def henon(points: int) -> NDArray[np.float64]:
    x = np.empty((points + 100, 2))
    x[0] = 0.1
    for t in range(len(x) - 1):
        x[t + 1] = 1 - 1.4 * x[t, 0] ** 2 + x[t, 1], 0.3 * x[t, 0]
    return x[100:, :1]


@pytest.fixture(scope="module")
def chaos() -> Overview:
    """Of Hénon's map, with missing values that are filled, half an hour a step."""
    series = henon(2000)
    series[500:503] = np.nan
    settings = SlopeSettings(theiler=2, steps=20, dimension=2)
    return overview(record(series, settings, dt=0.5, steps=(step("fill_gaps", longest=3),)))


@pytest.fixture(scope="module")
def noise() -> Overview:
    x = np.zeros(1500)
    shocks = np.random.default_rng(5).standard_normal(1500)
    for t in range(2, 1500):
        x[t] = 1.8 * x[t - 1] - 0.97 * x[t - 2] + shocks[t]
    return overview(record(x[:, None], SlopeSettings(theiler=16, steps=60, dimension=3, delay=4)))


@pytest.fixture(scope="module")
def short() -> Overview:
    """So short that hardly anything can be estimated; two columns."""
    series = np.random.default_rng(0).standard_normal((45, 2))
    return overview(record(series, SlopeSettings(theiler=20, steps=30)))


@pytest.fixture(scope="module")
def simulated() -> Overview:
    lorenz = get("lorenz63")
    assert isinstance(lorenz, Flow)
    quick = ExponentSettings(members=8, transient=5.0, time=20.0)
    return overview(dataclasses.replace(lorenz, n_points=2000, exponent_settings=quick))


@pytest.fixture(scope="module")
def pages(chaos: Overview, short: Overview, simulated: Overview) -> dict[str, str]:
    seen = {"chaos": chaos, "short": short, "simulated": simulated}
    return {name: render_series_page(one, provenance="at <commit>") for name, one in seen.items()}


def test_numbers_for_programs_are_those_computed(chaos: Overview) -> None:
    found = json.loads(json.dumps(as_dict(chaos), allow_nan=False))
    estimate = chaos.exponent
    assert estimate is not None
    assert found["lambda_max"] == estimate.slope.value / 0.5
    assert found["lambda_max_standard_error"] == estimate.slope.standard_error / 0.5
    assert (found["lambda_low"], found["lambda_high"]) == tuple(s / 0.5 for s in estimate.other_windows)
    assert found["lambda_surrogates"] == [slope / 0.5 for slope in estimate.surrogates]
    assert found["window"] == list(estimate.slope.window)
    assert found["tau_pred"] == chaos.tau_pred == pytest.approx(np.log(2) / estimate.slope.value)
    assert found["missing"][0]["missing"] == 3 and found["missing"][0]["first_row"] == 501
    embedding = chaos.columns[0].embedding
    assert embedding is not None
    assert found["columns"][f"{EVIL}0"]["delay_steps"] == embedding.delay
    assert dict(flat(found))["settings.theiler"] == 2


def test_a_slope_is_never_a_bare_number(chaos: Overview, pages: dict[str, str]) -> None:
    estimate = chaos.exponent
    assert estimate is not None
    first, last = estimate.slope.window
    shown = with_error(estimate.slope.value / 0.5, estimate.slope.standard_error / 0.5)
    said = dict(facts(chaos))
    assert said["λ_max"].startswith(f"{shown} per h")
    assert said["window"].startswith(f"steps {first} to {last} ")
    assert {"slope over other windows", "slope of 5 surrogates"} <= said.keys()
    page = pages["chaos"]
    for words in (shown, f"{shown} over steps {first} to {last}", "over other windows", "for 5 surrogates"):
        assert words in page  # the second is the legend beside the curve


def test_verdicts(chaos: Overview, noise: Overview, short: Overview, simulated: Overview) -> None:
    assert judge(chaos)[0] in ("chaotic", "doubtful") and tau_grid(chaos)
    assert "no evidence of chaos" in judge(noise)[1] and not tau_grid(noise)
    assert "no τ_pred" in headlines(noise)[2].text
    assert judge(short)[0] == "unknown" and any("λ_max cannot be estimated" in w for w in warnings(short))
    credence, said = judge(simulated)
    assert credence == "chaotic" and "from the equations" in said and "over other windows" in said
    assert simulated.computed is not None
    assert as_dict(simulated)["lambda_max"] == simulated.computed.exponents[0]
    assert round(simulated.tau_pred) in tau_grid(simulated)


def test_what_must_not_be_believed(chaos: Overview) -> None:
    assert chaos.exponent is not None
    value = chaos.exponent.slope.value

    def altered(**changes: object) -> Overview:
        return dataclasses.replace(chaos, exponent=dataclasses.replace(chaos.exponent, **changes))  # type: ignore[arg-type]

    steeper = tuple(value * factor for factor in (2.0, 2.01, 2.02, 2.03, 2.04))
    assert judge(altered(surrogates=steeper))[0] == "no_evidence"  # told from noise, but noise is faster
    slope = chaos.exponent.slope
    for bad in (dataclasses.replace(slope, standard_error=value), dataclasses.replace(slope, value=-value)):
        assert judge(altered(slope=bad, surrogates=(-9.0, -8.9, -8.8)))[0] == "no_evidence"
    steady = {"other_windows": (value, value), "slope": dataclasses.replace(slope, window=(1, 9))}
    assert judge(altered(**steady))[0] == "chaotic"
    assert judge(altered(**steady | {"other_windows": (value / 2, value)}))[0] == "doubtful"
    two_points = altered(**steady | {"slope": dataclasses.replace(slope, window=(1, 2))})
    assert judge(two_points)[0] == "doubtful" and any("2 points" in w for w in warnings(two_points))


def test_noise_that_makes_the_slope_too_small_is_seen_and_can_be_reduced() -> None:
    x = get("lorenz63").states(n_points=4_000)[:, :1]
    noisy = x + 0.03 * x.std() * np.random.default_rng(0).standard_normal(x.shape)
    reduced = prepare(noisy, [step("reduce_noise", iterations=3)])
    settings = SlopeSettings(theiler=97, steps=600, dimension=4, delay=11)
    for series, seen in ((x, False), (noisy, True), (reduced, False)):
        assert any("jumps by" in doubt for doubt in doubts_of(estimate(series, settings))) is seen


def test_page_is_the_same_every_time(short: Overview, pages: dict[str, str]) -> None:
    assert render_series_page(short, provenance="at <commit>") == pages["short"]


@pytest.mark.parametrize("which", ["chaos", "short", "simulated"])
def test_page_is_whole_safe_and_self_contained(
    which: str, pages: dict[str, str], request: pytest.FixtureRequest
) -> None:
    seen: Overview = request.getfixturevalue(which)
    page = pages[which]
    assert len(page) < 1_000_000
    assert "http:" not in page and "https:" not in page
    assert not re.search(r"\bsrc=|@import|url\((?!#)|<link", page)
    parser = Strict()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    assert {"svg", "table", "figure", "style", "h1"} <= parser.tags
    ids = [value for name, value in parser.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    links = [value for name, value in parser.attributes if name in ("href", "xlink:href")]
    assert all(link[0] == "#" and link[1:] in ids for link in links)
    text = " ".join(parser.text)
    assert all(warning in text for warning in warnings(seen))
    assert page.index(headlines(seen)[1].title) < page.index("<svg")  # the verdict comes first


def test_svg_takes_the_colours_of_the_page_and_keeps_its_numbers() -> None:
    svg = (
        '<?xml?><svg xmlns="a" id="f"><path d="M 1.2345 6" style="stroke: #0072b2"/><text>1.2345</text></svg>'
    )
    assert themed(svg, "n") == (
        '<svg id="n-f"><path d="M 1.23 6" style="stroke: var(--c1)"/><text>1.2345</text></svg>'
    )


def test_thinned_lines_keep_their_spikes() -> None:
    y = np.zeros(100_000)
    y[31_415], y[27_182] = 7.0, -7.0
    at, line = thinned(np.arange(100_000.0), y)
    assert len(at) <= VERTICES + 2 and (np.diff(at) > 0).all()
    assert at[line == 7.0] == [31_415] and at[line == -7.0] == [27_182]


@pytest.mark.parametrize("width", [40, 80, 130])
@pytest.mark.parametrize("which", ["noise", "short", "simulated"])
def test_terminal_of_any_width(which: str, width: int, request: pytest.FixtureRequest) -> None:
    seen = request.getfixturevalue(which)
    console = Console(width=width, record=True, file=io.StringIO(), color_system=None)
    console.print(render_series(seen, width=width, plots=True))
    text = console.export_text()
    assert "\x1b" not in text and max(map(len, text.splitlines())) <= width
    assert ("┌" in text) and ("Divergence" in text) == (seen.exponent is not None)
    assert headlines(seen)[2].text[-20:] in " ".join(text.split())  # the verdict is last


def test_command(noise: Overview, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known: dict[str, System] = {"mine": noise.system}
    monkeypatch.setattr(orchestrator.systems, "get", lambda name: known[name])
    monkeypatch.setattr("orchestrator.systems.analysis.overview.overview", lambda system: noise)
    app = typer.Typer()
    app.command()(analyse)

    def run(*arguments: str, code: int = 0) -> tuple[str, str]:
        done = CliRunner().invoke(app, ["mine", "--results", str(tmp_path), *arguments])
        assert done.exit_code == code, done.output
        return done.stdout, done.stderr

    out, err = run("--format", "json")
    assert json.loads(out) == json.loads(json.dumps(as_dict(noise)))
    assert "no evidence of chaos" in err and "up to a minute" in err
    assert f"wrote {tmp_path / 'reports' / 'system-mine.html'}" in err
    assert (tmp_path / "reports" / "system-mine.html").is_file()
    monkeypatch.setattr(
        "orchestrator.reports.html.series_page.render_series_page", lambda *_, provenance: provenance
    )
    rows = dict(csv.reader(io.StringIO(run("--format", "csv", "--out", str(tmp_path / "a.html"))[0])))
    assert float(rows["lambda_max"]) == as_dict(noise)["lambda_max"] and (tmp_path / "a.html").is_file()
    table = run()[0]
    assert "τ_pred" in table and "\x1b" not in table and "┌" not in table  # into a pipe: no colours, no plots
    (tmp_path / "file").write_text("")
    run("--out", str(tmp_path / "file" / "a.html"), code=1)
