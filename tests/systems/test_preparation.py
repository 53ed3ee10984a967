"""From recordings to training series: every step by itself, and the recordings as far as they are at hand."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from orchestrator.systems import DataError, MissingDataError, Recorded, get, jena
from orchestrator.systems.analysis.exponent import stands_out
from orchestrator.systems.dataset import load
from orchestrator.systems.preparation import (
    detrend,
    fill_gaps,
    length_after,
    prepare,
    remove_cycle,
    smooth,
    step,
    time_stretch,
)


def recorded(name: str) -> Recorded:
    system = get(name)
    assert isinstance(system, Recorded)
    return system


def test_what_a_step_takes_out_it_takes_out_exactly() -> None:
    time = np.arange(5000.0)
    wave = np.sin(2 * np.pi * time / 24.7 + 0.4)[:, None]
    trend = (3.0 - 0.01 * time + 1e-6 * time**2)[:, None]
    np.testing.assert_allclose(detrend(trend, order=2), 0.0, atol=1e-9)
    np.testing.assert_allclose(
        remove_cycle(5.0 + wave + 0.2 * wave**2, period=24.7, harmonics=2), 0.0, atol=1e-9
    )
    assert np.abs(remove_cycle(wave, period=23.0)).max() > 0.9  # another cycle stays
    # A Gaussian of σ steps weakens a wave of frequency f by exp(−2 (π f σ)²).
    weaker = smooth(wave, sigma=6.0)[100:-100] / wave[100:-100]
    np.testing.assert_allclose(np.median(weaker), np.exp(-2 * (np.pi * 6.0 / 24.7) ** 2), rtol=1e-3)


def test_gaps_are_filled_by_straight_lines_or_refused_with_their_place() -> None:
    series = np.array([[0.0, 1.0, np.nan, np.nan, 4.0, 9.0]]).T
    np.testing.assert_allclose(fill_gaps(series, longest=2)[:, 0], [0, 1, 2, 3, 4, 9])
    with pytest.raises(ValueError, match=r"column 1 misses 2 values from row 3 on, more than the 1"):
        fill_gaps(series, longest=1)
    with pytest.raises(ValueError, match="misses a value at row 3: the first step must be fill_gaps"):
        prepare(series, [step("smooth", sigma=1.0)])


def test_lengths_and_times_are_known_before_anything_is_read() -> None:
    steps = [
        step("crop", first=3, points=900), step("detrend"), step("subsample", every=7),
        step("standardise"), step("smooth", sigma=2.0), step("embed", dimension=3, delay=5),
        step("crop", first=2),
    ]  # fmt: skip
    series = np.random.default_rng(0).standard_normal((1000, 1)).cumsum(axis=0)
    assert prepare(series, steps).shape == (length_after(1000, steps), 3)
    assert time_stretch(steps) == 7
    with pytest.raises(ValueError, match="step 1, crop"):
        prepare(series[:500], steps)
    with pytest.raises(ValueError, match="no parameter 'width'; it has sigma"):
        step("smooth", width=2.0)


def jena_file(path: Path, values: np.ndarray, leave_out: tuple[int, ...], repeat: tuple[int, ...]) -> Path:
    """A file as the station's: quoted header, dates with points, some rows repeated and some left out."""
    stamps = np.datetime64("2009-01-01T00:10:00") + 600 * np.arange(len(values)).astype("timedelta64[s]")
    lines = ['"Date Time","p (mbar)","T (degC)"']
    for i, (stamp, value) in enumerate(zip(stamps.tolist(), values, strict=True)):
        if i not in leave_out:
            lines += [f"{stamp:%d.%m.%Y %H:%M:%S},990.00,{value:.2f}"] * (2 if i in repeat else 1)
    path.write_text("\n".join(lines) + "\n")
    return path


def test_temperatures_stand_on_the_grid_of_their_times(tmp_path: Path) -> None:
    values = np.arange(300.0)
    path = jena_file(tmp_path / "jena.csv", values, leave_out=(10, 11, 200), repeat=(5, 50))
    found = jena.temperatures(path, points=300)[:, 0]
    assert np.flatnonzero(np.isnan(found)).tolist() == [10, 11, 200]
    there = np.isfinite(found)
    np.testing.assert_array_equal(found[there], values[there])
    with pytest.raises(DataError, match=r"row 299: the time is not one of 299 ten-minute steps"):
        jena.temperatures(path, points=299)


def test_fragment_of_the_real_file(recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (packed,) = (recordings / "jena").glob("*.csv.gz")
    path = tmp_path / "jena.csv"
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    found = jena.temperatures(path, points=4000)
    assert np.isfinite(found).all() and found[0, 0] == -8.02
    assert hashlib.sha256(found.tobytes()).hexdigest() == jena.BEGINNING
    monkeypatch.setenv("ORCH_DATA", str(tmp_path))
    (tmp_path / "raw").mkdir()
    path.rename(tmp_path / "raw" / "jena_climate_2009_2016.csv")
    with pytest.raises(DataError, match=r"is not the recording from 2009-01-01 00:10 .* whole"):
        get("jena").trajectory()


def test_jena_steps_leave_what_is_neither_trend_nor_year(tmp_path: Path) -> None:
    """Three years every ten minutes with trend, year, day, weather of some days and noise."""
    points = 3 * 365 * 144
    rng = np.random.default_rng(0)
    time = np.arange(points)
    weather = smooth(rng.standard_normal((points, 1)), sigma=500.0)
    weather *= 4.0 / weather.std()
    year = 10 * np.cos(2 * np.pi * time / jena.YEAR) + np.sin(4 * np.pi * time / jena.YEAR)
    day = 4 * np.sin(2 * np.pi * time / 144)
    raw = 9 + 1e-5 * time + year + day + rng.standard_normal(points)
    raw = raw[:, None] + weather
    raw[5000:5010] = np.nan
    found = prepare(raw, [one for one in jena.STEPS if one.name not in ("reduce_noise", "embed")])
    assert found.shape == (length_after(points, jena.STEPS[:-1]), 1) == (31_536, 1)
    wanted = detrend(smooth(weather, sigma=200.0)[::5])
    wanted = remove_cycle(wanted, period=jena.YEAR / 5, harmonics=2)
    assert np.corrcoef(found[:, 0], wanted[:, 0])[0, 1] > 0.995


def test_released_temperatures_are_embedded_as_released(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = recorded("jena_published")
    monkeypatch.setenv("ORCH_DATA", str(tmp_path))
    with pytest.raises(MissingDataError, match="`orch data fetch jena_published` downloads it"):
        system.trajectory()
    raw = recordings / "paper_chaosrnn" / "tde_temperature_MoreSmoothedNoYearShort.npy"
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / raw.name).write_bytes(raw.read_bytes())
    np.testing.assert_array_equal(system.trajectory(), np.load(raw))
    data = load(system, cache=None)
    assert data.lambda_max == pytest.approx(0.016, abs=0.001)  # as they read it off
    assert not stands_out(data.lambda_max, data.spectrum.surrogates)  # noise of its spectrum has it too
    assert data.spectrum.other_windows is not None


@pytest.fixture
def fetched(recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The EEG where `orch data fetch` puts it, and the authors' intermediate files."""
    monkeypatch.setenv("ORCH_DATA", str(tmp_path))
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "S001R01.edf").write_bytes((recordings / "eeg" / "S001R01.edf").read_bytes())
    return recordings / "paper_chaosrnn" / "tisean_eeg"


def test_another_recording_under_the_name_is_refused(fetched: Path, tmp_path: Path, recordings: Path) -> None:
    other = (recordings / "eeg" / "S002R01.edf").read_bytes()
    (tmp_path / "raw" / "S001R01.edf").write_bytes(other)
    with pytest.raises(MissingDataError, match="is not the recording that this name stands for"):
        recorded("eeg").read()


def test_eeg_from_the_recording_is_the_series_of_the_authors(fetched: Path) -> None:
    system = recorded("eeg_published")
    theirs = np.loadtxt(fetched / "eeg.dat.gz", skiprows=1)
    np.testing.assert_allclose(prepare(system.read(), system.steps[:1])[:, 0], theirs, atol=1e-14)


def test_one_electrode_in_time_is_no_evidence_of_chaos(fetched: Path) -> None:
    data = load("eeg", cache=None)
    assert data.train.shape == (9490, 10) and data.dt == 1 / 160
    assert data.lambda_max == pytest.approx(21.1, abs=0.1)  # 1/s
    assert not stands_out(data.lambda_max, data.spectrum.surrogates)


@pytest.mark.slow
def test_eeg_is_prepared_as_the_authors_did(fetched: Path) -> None:
    """Eight iterations of noise reduction and a Gaussian, from the raw recording: minutes."""
    system = recorded("eeg_published")
    theirs = np.loadtxt(fetched / "eeg_smoothed.dat.gz", skiprows=1)
    np.testing.assert_allclose(system.measured()[:, 0], theirs, atol=1e-5)
    data = load(system, cache=None)
    assert data.lambda_max == pytest.approx(0.007, abs=0.0005)  # an electrode step, as they read it off
    assert data.tau_pred == pytest.approx(33.0, abs=2.0)
    assert not stands_out(data.lambda_max, data.spectrum.surrogates)


def test_a_recording_must_be_what_its_declaration_says() -> None:
    walk = np.random.default_rng(0).standard_normal((3000, 1)).cumsum(axis=0)
    fits = dataclasses.replace(
        recorded("jena_published"), name="walk", digest="walk", raw_points=3000, n_points=2000,
        test_points=200, read=lambda: walk, steps=(step("embed", dimension=5, delay=100),),
    )  # fmt: skip
    with pytest.raises(ValueError, match="2600 after preparation, not 1900 to train on, 400 between and 200"):
        dataclasses.replace(fits, n_points=1900)
    assert fits.trajectory(0).shape == (2000, 5) and fits.trajectory(1).shape == (200, 5)
    np.testing.assert_array_equal(fits.trajectory(1)[-1], walk[[-1, -101, -201, -301, -401], 0])
    assert fits.trajectory(0).max(axis=0)[0] == walk[400:2400].max()
    assert fits.trajectory(1)[0, 4] == walk[2400, 0]  # of what is tested on nothing is trained on
    with pytest.raises(DataError, match="the recording has 3000 points, not 3100"):
        dataclasses.replace(fits, raw_points=3100, n_points=2100).trajectory()
    with pytest.raises(DataError, match="has trajectories 0 and 1, no 2"):
        fits.states(2)
