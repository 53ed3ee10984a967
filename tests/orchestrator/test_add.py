"""`orch system add`: what is taken, what is refused and in which words, and a study on what was taken."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from orchestrator import adding, study, systems, trial
from orchestrator.errors import StudyError, UsageError
from orchestrator.identity import trial_from_config
from orchestrator.models.training import Stack
from orchestrator.store import Store
from orchestrator.systems import DataError, SeriesError, registry, tables
from orchestrator.systems.analysis.overview import overview
from orchestrator.systems.dataset import load as load_data
from orchestrator.systems.preparation import step


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of the test's own, also the place of its files."""
    monkeypatch.setenv("ORCH_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(registry, "_HELD", {})
    return tmp_path


def henon(n: int) -> np.ndarray:
    points = np.empty((n, 2))
    x, y = 0.1, 0.1
    for i in range(n):
        x, y = 1 - 1.4 * x * x + y, 0.3 * x
        points[i] = x, y
    return points


def write(path: Path, columns: dict[str, list[object]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def text(folder: Path, content: str) -> Path:
    path = folder / "a.csv"
    path.write_text(content, encoding="utf-8")
    return path


def numbers(n: int = 2000) -> list[object]:
    return henon(n)[:, 0].round(9).tolist()


def hours(n: int) -> list[object]:
    return [str(np.datetime64("2009-01-01T00:00:00") + np.timedelta64(i, "h")) for i in range(n)]


REFUSED = {
    "no such file": (lambda p: p / "none.csv", {}, "none.csv: there is no such file"),
    "folder": (lambda p: p, {}, "is a folder: expected a file"),
    "suffix": (lambda p: write(p / "a.xlsx", {"x": numbers()}), {}, "expected a name that ends in .csv"),
    "text": (
        lambda p: write(p / "a.csv", {"x": [*numbers(), "n/k"]}), {"columns": ["x"]},
        r"a\.csv, column 'x', row 2001: 'n/k' is not a number",
    ),
    "column": (
        lambda p: write(p / "a.csv", {"tide": numbers()}), {"columns": ["tid"]},
        "has no column 'tid': did you mean 'tide'",
    ),
    "constant": (
        lambda p: write(p / "a.csv", {"x": numbers(), "still": [7] * 2000}), {},
        "column 'still' is 7 in every row: a constant cannot be trained on",
    ),
    "missing": (
        lambda p: write(p / "a.csv", {"x": [*numbers(100), "", "NA", *numbers(2000), "", *numbers(9)]}), {},
        "column 'x' lacks 3 in 2 gaps, the first at row 101, the longest of 2. --fill-gaps 2 would",
    ),
    "long gap": (
        lambda p: write(p / "a.csv", {"x": [*numbers(100), "", "", *numbers(2000)]}), {"fill_gaps": 1},
        "the longest of 2",
    ),
    "gap at the end": (
        lambda p: write(p / "a.csv", {"x": [*numbers(2000), ""]}), {"fill_gaps": 5},
        "begins or ends with missing values: --rows 1:2000 leaves them out",
    ),
    "no value": (
        lambda p: write(p / "a.csv", {"x": [""] * 2000, "y": numbers()}), {"fill_gaps": 5},
        "column 'x': no value in any row",
    ),
    "decimal commas": (
        lambda p: write(p / "a.csv", {"x": [str(v).replace(".", ",") for v in numbers()]}), {},
        "is not a number; --decimal , reads it as one with a decimal comma",
    ),
    "far time": (
        lambda p: write(p / "a.csv", {"t": [*range(1999), 10**12], "x": numbers()}),
        {"time": "t", "dt": None},
        "the times leave out 999,999,998,001 rows of 1, more than there are; row 2000",
    ),
    "size": (lambda p: write(p / "a.csv", {"x": [v * 1e200 for v in numbers()]}), {}, "scale it to numbers"),
    "periodic": (
        lambda p: write(p / "a.csv", {"x": np.sin(2 * np.pi * np.arange(3000) / 50).tolist()}), {},
        "neighbours coincide: the series is periodic",
    ),
    "cut": (
        lambda p: write(p / "a.csv", {"x": numbers(3000)}), {"embed": (10, 222)},
        "cannot be cut into .* 1,998 that an embedding has of both",
    ),
    "embedded away": (
        lambda p: write(p / "a.csv", {"x": numbers(3000)}), {"embed": (3, 9999)},
        "0 points after preparation are too few: at least 1,000",
    ),
    "unit": (
        lambda p: write(p / "a.csv", {"t": hours(2000), "x": numbers()}),
        {"time": "t", "dt": None, "time_unit": "weeks"},
        "--time-unit weeks: times that are dates can be converted to ms, s, min, h, d; for another unit",
    ),
    "decimal": (
        lambda p: write(p / "a.csv", {"x": numbers()}), {"decimal": ";"}, "--decimal ;: expected , or",
    ),
    "zero dt": (lambda p: write(p / "a.csv", {"x": numbers()}), {"dt": 0.0}, "--dt 0: expected a time"),
    "endless dt": (lambda p: write(p / "a.csv", {"x": numbers()}), {"dt": np.inf}, "--dt inf: expected"),
    "smoothed away": (
        lambda p: write(p / "a.csv", {"x": numbers()}), {"steps": [step("smooth", sigma=1e9)]},
        "sigma must be above 0 and at most an eighth of 2000 points",
    ),
    "tiny test": (
        lambda p: write(p / "a.csv", {"x": numbers()}), {"test_share": 0.01}, "at least 100 to test on, or 0",
    ),
    "no text": (lambda p: (p / "a.csv").write_bytes(bytes(5000)) and p / "a.csv", {}, "is no text"),
    "times fall": (
        lambda p: write(p / "a.csv", {"t": [*range(1000), 997, *range(1001, 2000)], "x": numbers()}),
        {"time": "t", "dt": None},
        "column 't': times must rise, but row 1001 has 997 after 999",
    ),
    "times uneven": (
        lambda p: write(p / "a.csv", {"t": [*range(1000), 1000.4, *range(1001, 2000)], "x": numbers()}),
        {"time": "t", "dt": None},
        "times must lie 1 apart, .* but row 1001 comes 1.4 after the one before",
    ),
    "dates": (
        lambda p: write(p / "a.csv", {"t": ["1.1.2009 0:10"] * 2000, "x": numbers()}),
        {"time": "t", "dt": None},
        "'1.1.2009 0:10' is neither a number nor a date such as 2009-12-31 23:50:00; --time-format",
    ),
    "short": (
        lambda p: write(p / "a.csv", {"x": numbers(300)}), {},
        "300 points after preparation are too few: at least 1,000",
    ),
    "infinite": (
        lambda p: write(p / "a.csv", {"x": [*numbers(), "inf"]}), {}, r"row 2001: inf is not finite",
    ),
    "no dt": (lambda p: write(p / "a.csv", {"x": numbers()}), {"dt": None}, "give --dt, or --time"),
    "embed two": (
        lambda p: write(p / "a.csv", {"x": numbers(), "y": numbers()}), {"embed": "auto"},
        "--embed is for one column, not for 2",
    ),
    "empty": (lambda p: write(p / "a.csv", {}), {}, "is empty, or begins with an empty line"),
    "remarks": (
        lambda p: text(p, "# of nobody\n# and nothing\n"), {},
        r"is empty, or goes on after its remarks \(#\) with an empty line",
    ),
    "ragged": (
        lambda p: text(p, "# lab 3\nx,y\n" + "1,2\n" * 1500 + "\n3\n" + "4,5,6\n"), {},
        r"row 1501 has 1 values, where 2 were expected \(2 such rows\)",
    ),
    "no name": (
        lambda p: text(p, "x,,y\n" + "1,2,3\n" * 1500), {},
        "column 2 has no name; --columns x,y leaves it out",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_refused_in_plain_words_and_nothing_is_written(
    folder: Path, case: str
) -> None:
    make, options, message = REFUSED[case]
    with pytest.raises((SeriesError, UsageError), match=message):
        adding.add("mine", make(folder), **{"dt": 1.0, **options})
    assert not list(folder.glob("data/*"))


def test_ten_million_rows_are_refused_with_what_to_do(folder: Path) -> None:
    np.save(folder / "long.npy", np.random.default_rng(0).standard_normal(10_000_000).astype(np.float32))
    with pytest.raises(SeriesError, match=r"10,000,000 points .* at most 1,000,000; --subsample 10 keeps"):
        adding.add("mine", folder / "long.npy", dt=1.0)


def test_names_are_checked(folder: Path) -> None:
    source = write(folder / "a.csv", {"x": numbers()})
    with pytest.raises(UsageError, match="ships with the tool"):
        adding.add("lorenz63", source, dt=1.0)
    with pytest.raises(SeriesError, match="there is no such file"):  # said first: names may be mixed up
        adding.add("a.csv", folder / "mine", dt=1.0)
    for name in ("../x", "dysts:Thomas", "a b", "", "-x", ".h", "²", "x" * 200):
        with pytest.raises(UsageError, match="cannot name a series"):
            adding.add(name, source, dt=1.0)
    adding.add("mine", source, dt=1.0)
    with pytest.raises(UsageError, match="exists already"):
        adding.add("mine", source, dt=1.0)
    adding.add("mine", source, dt=2.0, force=True)
    assert systems.get("mine").dt == 2.0 and "mine" in systems.names()


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".dat", ".txt", ".npy", ".npz", ".mat", ".parquet"])
def test_every_format_gives_the_same_system(folder: Path, suffix: str) -> None:
    import gzip

    import pyarrow as pa
    import pyarrow.parquet as pq
    from scipy.io import savemat

    series = henon(1500)
    path = folder / f"a{suffix}"
    if suffix == ".npy":
        np.save(path, series)
    elif suffix == ".npz":
        np.savez(path, x_1=series[:, 0], x_2=series[:, 1])
    elif suffix == ".mat":
        savemat(path, {"x_1": series[:, 0], "x_2": series[:, 1]})
    elif suffix == ".parquet":
        pq.write_table(pa.table({"x_1": series[:, 0], "x_2": series[:, 1]}), path)
    elif suffix in (".dat", ".txt"):  # blanks between; under no names, or those that numpy.savetxt writes
        np.savetxt(path, series, fmt="%25.17g", header="x_1 x_2" if suffix == ".txt" else "")
    else:
        text = "x_1;x_2\n" + "".join(f"{a!r};{b!r}\n" for a, b in series.tolist())
        path.write_bytes(gzip.compress(text.encode()) if suffix == ".csv.gz" else text.encode())
    added = adding.add("mine", path, dt=0.5, test_share=0.0)
    system = systems.get("mine")
    assert system == added.system and system.variables == ("x_1", "x_2") and system.dt == 0.5
    np.testing.assert_array_equal(system.trajectory(), series)


@pytest.mark.parametrize(
    ("head", "names"),
    [
        ("", ["x_1", "x_2"]),
        ("a,b\n", ["a", "b"]),
        ("# a, b\n", ["a", "b"]),
        ("# logger 7\n# 3 sensors, 2 of them dead, one lost\na,b\n", ["a", "b"]),
        ("\ufeff# logger 7\n#\n", ["x_1", "x_2"]),
        ("# 20.5, 30.5\n", ["x_1", "x_2"]),
        ("# T/°C, p\n", ["T/°C", "p"]),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_lines_of_remarks_may_come_first_and_the_last_may_name_columns(
    folder: Path, head: str, names: list[str], encoding: str
) -> None:
    series = henon(5)
    path = folder / "a.csv"
    content = head + "".join(f"{a!r},{b!r}\n" for a, b in series.tolist())
    path.write_text(content, encoding=encoding, errors="ignore")
    found = tables.read_table(path)
    assert found.columns == tuple(names)
    np.testing.assert_array_equal(found.values, series)


def test_a_column_without_a_name_that_counts_rows_is_left_out(folder: Path) -> None:
    """As pandas writes one; where columns are named, others may be anything."""
    path = text(folder, ",a,b\n" + "".join(f"{i},{2 * i},{3 * i}\n" for i in range(5)))
    assert tables.read_table(path).columns == ("a", "b")
    path = text(folder, ",a\nz,1\ny,2\n")
    assert tables.read_table(path, columns=["a"]).values.tolist() == [[1], [2]]


def test_gaps_are_filled_and_left_out_rows_found_by_their_times(folder: Path) -> None:
    x = henon(2000)[:, 0]
    times = np.arange(2000) * 600.0
    keep = np.delete(np.arange(2000), [500, 501])
    stamps = (np.datetime64("2009-01-01T00:10:00") + times[keep].astype("timedelta64[s]")).astype(str)
    values = [("" if i == 30 else repr(float(x[i]))) for i in keep]
    source = write(folder / "a.csv", {"when": [s.replace("T", " ") for s in stamps], "x": values})
    added = adding.add("mine", source, time="when", fill_gaps=2, embed=(2, 1), test_share=0.25)
    assert (added.missing, added.rows_added) == (3, 2)
    system = added.system
    assert (system.dt, system.time_unit, system.variables) == (600.0, "s", ("x_0", "x_1"))
    assert (system.n_points, system.test_points) == (1498, 500)
    filled = system.measured()[:, 0]
    np.testing.assert_allclose(filled[500:502], np.interp([1 / 3, 2 / 3], [0, 1], x[[499, 502]]))
    np.testing.assert_array_equal(system.trajectory(0)[:, 0], filled[1:1499])
    np.testing.assert_array_equal(system.trajectory(1)[:, 1], filled[1499:1999])


def test_dates_are_converted_to_the_unit_and_numbers_are_not(folder: Path) -> None:
    source = write(folder / "a.csv", {"when": hours(2000), "t": [*range(2000)], "x": numbers()})
    for unit, dt in ("ms", 3.6e6), ("s", 3600), ("min", 60), ("h", 1), ("d", 1 / 24):
        added = adding.add("mine", source, columns=["x"], time="when", time_unit=unit, force=True)
        assert (added.system.dt, added.system.time_unit) == (pytest.approx(dt, rel=1e-14), unit)
    for given in {"time": "t"}, {"time": "when", "dt": 1.0}:
        added = adding.add("mine", source, columns=["x"], time_unit="weeks", force=True, **given)
        assert (added.system.dt, added.system.time_unit, added.remarks) == (1.0, "weeks", ())


def test_what_may_not_be_meant_is_said_and_what_cannot_be_tested_on_refused(folder: Path) -> None:
    x = numbers(2000)
    source = write(folder / "a.csv", {"t": [*range(2000)], "x": x})
    (said,) = adding.add("mine", source, columns=["x"], time="t", dt=2.0).remarks
    assert "1 apart by their times, and count as 2" in said
    (said,) = adding.add("mine", source, dt=1.0, force=True).remarks
    assert said.startswith("t rises in equal steps")
    none = np.array(x)
    none[[400, 401, 1200]] = -999.0
    (said,) = adding.add("mine", write(folder / "n.csv", {"x": none}), dt=1.0, force=True).remarks
    assert "values far from those before and after, the first -999 at row 401" in said
    (said,) = adding.add("mine", folder / "n.csv", dt=1.0, rows=(500, 1900), force=True).remarks
    assert "x has 1 value far from those before and after, the first -999 at row 1,201" in said
    gap = np.array(x)
    gap[500:700] = np.nan
    added = adding.add("mine", write(folder / "g.csv", {"x": gap}), dt=1.0, fill_gaps=200, force=True)
    for told in added.remarks, overview(added.system).warnings:
        assert any("x has a gap of 200 rows, " in said for said in told)
    bursts = np.array(x)
    bursts[::30] = -999.0
    bursts[600:610] = -99.0
    (said,) = adding.add("mine", write(folder / "b.csv", {"x": bursts}), dt=1.0, force=True).remarks
    assert "x has 76 values far from" in said
    stuck = write(folder / "b.csv", {"x": [*x[:1500], *[1.0] * 500]})
    with pytest.raises(SeriesError, match=r"the last 400 points, to test on: column 'x' is 1 in every row"):
        adding.add("other", stuck, dt=1.0)
    added = adding.add("other", stuck, dt=1.0, test_share=0.0)
    assert any("stays at 1 for 500 points from 1,501 on" in said for said in overview(added.system).warnings)


def test_identity_follows_data_and_preparation_and_not_the_words(folder: Path) -> None:
    series = henon(2000)
    np.save(folder / "a.npy", series)

    def trial_id() -> str:
        settings = {"architecture": {"name": "rnn"}, "regime": {"name": "clipping"}, "seed": 0}
        return trial_from_config({"system": {"name": "mine"}, **settings}).trial_id

    adding.add("mine", folder / "a.npy", dt=1.0)
    first = trial_id()
    described = folder / "data" / "mine.toml"
    text = described.read_text()
    described.write_text(
        text.replace('description = ""', 'description = "told"').replace("theiler = ", "theiler = 1")
    )
    assert trial_id() == first  # neither words nor the exponent's settings change a result
    adding.add("mine", folder / "a.npy", dt=1.0, steps=[step("smooth", sigma=1.0)], force=True)
    smoothed = trial_id()
    series[7, 1] += 1e-12
    np.save(folder / "a.npy", series)
    adding.add("mine", folder / "a.npy", dt=1.0, force=True)
    assert len({first, smoothed, trial_id()}) == 3


def test_descriptions_that_are_not_valid_and_series_that_are_not_theirs(folder: Path) -> None:
    np.save(folder / "a.npy", henon(2000))
    adding.add("mine", folder / "a.npy", dt=1.0)
    described = folder / "data" / "mine.toml"
    text = described.read_text()
    for old, new, message in (
        ("raw_dt = 1.0", "raw_dt = 0", "raw_dt: input should be greater than 0"),
        ("raw_dt = 1.0", "", "raw_dt: field required"),
        ("test_points", "tset_points", "tset_points: extra inputs"),
        (
            "[exponent]",
            '[[steps]]\nstep = "smoth"\n[exponent]',
            "no step is named 'smoth'; there are fill_gaps",
        ),
        ("[exponent]", '[[steps]]\nstep = "smooth"\n[exponent]', "missing a required argument: 'sigma'"),
        (
            "[exponent]",
            '[[steps]]\nstep = "smooth"\nsigma = "x"\n[exponent]',
            "sigma must be a number above 0, not 'x'",
        ),
        (
            "[exponent]",
            '[[steps]]\nstep = "subsample"\nevery = 0\n[exponent]',
            "every must be a whole number from 1 on, not 0",
        ),
        (
            "across_flow = false",
            "across_flow = true\nradius = 0.1",
            "exponent: radius is of plain",
        ),
        ("description", "description = =", r"mine\.toml"),
    ):
        described.write_text(text.replace(old, new))
        with pytest.raises(DataError, match=message):
            systems.get("mine").trajectory()
    described.write_text(text)
    (folder / "data" / "mine.parquet").unlink()
    with pytest.raises(DataError, match=r"mine\.parquet is not there"):
        systems.get("mine").trajectory()
    np.save(folder / "one.npy", henon(2000)[:, 0])
    adding.add("one", folder / "one.npy", dt=1.0)
    described = folder / "data" / "one.toml"
    one = re.sub("dimension = .*", "dimension = 1", described.read_text())
    described.write_text(one.replace("across_flow = false", "across_flow = true"))
    with pytest.raises(DataError, match=r"one\.toml: exponent: of one column there is nothing across"):
        systems.get("one")


OWN = """
    [grid]
    system = ["mine"]
    architecture = ["rnn"]
    [regimes.sparse_forcing]
    tau = [5]
    [regimes.clipping]
    [seeds]
    count = 2
    [training]
    epochs = 3
    sequence_length = 20
    [evaluation]
    steps = 2000
    checkpoints = 0
"""


SEARCHED = "tau = { search = 'lyapunov', high = 12, trials = 3, seeds_per_trial = 2 }"


def test_a_study_keeps_the_data_that_it_was_planned_with(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(folder / "a.npy", henon(2000))
    np.save(folder / "b.npy", henon(2500)[:, ::-1])
    (folder / "own.toml").write_text(OWN)
    adding.add("mine", folder / "a.npy", dt=1.0)
    planned = study.load(folder / "own.toml")
    ids, held = planned.trial_ids(), systems.held(planned.systems)
    config = next(planned.trials()).config
    adding.add("mine", folder / "b.npy", dt=1.0, force=True)
    assert planned.trial_ids() == ids and systems.get("mine").n_points == 1600
    monkeypatch.setattr(registry, "_HELD", {})  # a worker, which is told what was planned
    assert trial_from_config(config).trial_id == ids[0] and systems.get("mine").n_points == 2000
    systems.hold_as(held)
    assert systems.get("mine").n_points == 1600
    with pytest.raises(DataError, match=r"is not the series that mine\.toml describes"):
        systems.get("mine").trajectory()  # unless the results folder has it
    assert study.load(folder / "own.toml").trial_ids() != ids


def test_a_study_on_a_csv_with_missing_values(orch) -> None:
    """By the command line: refused, repaired as declared, τ searched on it through Ray to its end, reported
    and exported."""
    import optuna

    x = henon(3000)
    x[[70, 71, 900], 1] = np.nan
    text = ["" if np.isnan(v) else repr(float(v)) for v in x.ravel()]
    write(orch.directory / "mine.csv", {"x": text[::2], "y": text[1::2]})
    assert "--fill-gaps 2 would" in orch.here("system", "add", "mine", "mine.csv", "--dt", "1", code=1)[1]
    said = orch.here("system", "add", "mine", "mine.csv", "--dt", "1", "--fill-gaps", "2")[1]
    assert "3 missing values are filled in" in said
    (orch.directory / "own.toml").write_text(OWN.replace("tau = [5]", SEARCHED))
    out, err = orch.here("study", "plan", "./own.toml")
    assert "at most 3 evaluations of 2 seeds" in out and "8 of 8 trials to run" in err
    out, err = orch("study", "run", "own.toml")
    assert "3 of 3 evaluations" in err and "Verdict" in out
    _, err = orch.here("study", "run", "own.toml")
    assert "all 8 trials are finished, nothing to run" in err
    with Store(orch.results).reading() as (connection, _):
        rows = connection.execute(
            "SELECT status, floor_d_stsp, tau, study FROM study_trials JOIN trials USING (trial_id)"
        ).fetchall()
        ((found,),) = connection.execute("SELECT lambda_max FROM systems WHERE system = 'mine'").fetchall()
    assert len(rows) == 8 and {study for *_, study in rows} == {"own"}
    assert all(status in ("ok", "unbounded") and floor > 0 for status, floor, *_ in rows)
    assert found == pytest.approx(0.42, abs=0.05)
    out, _ = orch.here("study", "export-optuna", "./own.toml")
    assert out == "own.db\n"
    exported = optuna.load_study(study_name=None, storage=f"sqlite:///{orch.directory / 'own.db'}")
    taus = {tau for *_, tau, _ in rows if tau}
    assert {t.params["tau"] for t in exported.trials} == taus and 2 in taus  # τ_pred is 1.6
    out, _ = orch.here("report", "own", "--tau", "-f", "json")
    assert json.loads(out)[0]["taus"] == len(taus) > 1
    out, _ = orch.here("report", "own", "--tau")
    assert "τ_pred 1.6" in out and "Verdict" in out
    assert (
        "are of different reports" in orch.here("report", "own", "--tau", "--compare", "clipping", code=2)[1]
    )


def lorenz_files(folder: Path, *lengths: int) -> list[Path]:
    """Stretches of one trajectory, each a file."""
    whole = systems.get("lorenz63").trajectory(1, n_points=sum(lengths) + 500 * len(lengths))
    paths, at = [], 0
    for number, length in enumerate(lengths):
        part = whole[at : at + length]
        columns = {name: part[:, i].round(6).tolist() for i, name in enumerate("xyz")}
        paths.append(write(folder / f"run{number}.csv", columns))
        at += length + 500
    return paths


def test_several_files_are_recordings_of_one_system(folder):
    files = lorenz_files(folder, 900, 1200, 700)
    added = adding.add("mine", *files, dt=0.01, embed=None)
    own = systems.get("mine")
    assert (
        own == added.system
        and own.raw_parts == (900, 1200, 700)
        and "parts = [900, 1200, 700]" in own.described
    )
    assert own.source == "run0.csv, run1.csv, run2.csv"
    assert own.parts_of(0).lengths == (900, 1200, 140) and own.parts_of(1).lengths == (560,)
    assert (
        own.identity["data"] != adding.add("other", files[1], dt=0.01, test_share=0).system.identity["data"]
    )
    table = {
        "grid": {"system": ["mine"], "architecture": ["rnn"]}, "regimes": {"clipping": {}},
        "seeds": {"count": 2}, "training": {"epochs": 3, "sequence_length": 800},
        "evaluation": {"steps": 2000},
    }  # fmt: skip
    trials = list(study.from_declaration("s", table, source="s").trials())
    outcome = trial.run_stack(trials, results=folder / "results")
    assert outcome.statuses == {"ok": 2}, outcome.error
    data, [first, _] = load_data("mine", cache=folder / "results" / "systems"), trials
    stack = Stack(
        first.architecture,
        first.regime,
        settings=first.training,
        series=data.train,
        seeds=[0, 1],
        starts=data.starts(800),
    )
    places = np.unique(stack.positions(1).numpy())
    assert {*places} <= {*range(100), *range(900, 1300)} and len(places) > 100
    with pytest.raises(StudyError, match="expected less than the 1200 points in a row of mine, got 1200"):
        study.from_declaration("s", {**table, "training": {"sequence_length": 1200}}, source="s")


@pytest.mark.parametrize(
    ("other", "options", "message"),
    [
        ({"x": numbers(900), "w": numbers(900)[::-1]}, {}, "has the columns x, w, and .*run0.csv x, y, z"),
        (30, {}, "has 30 rows: a part has 50 at least"),
        (700, {"rows": (1, 100)}, "--rows is of one file"),
        (700, {"steps": [step("subsample", every=10)]}, "160 points after preparation are too few"),
        (700, {"steps": [step("embed", dimension=1, delay=1)]}, "delay embedding is of one column"),
    ],
)
def test_parts_of_one_system_are_alike(folder, other, options, message):
    [first] = lorenz_files(folder, 900)
    if isinstance(other, int):
        second = lorenz_files(folder, other)[0].rename(folder / "second.csv")
        [first] = lorenz_files(folder, 900)
    else:
        second = write(folder / "second.csv", other)
    with pytest.raises((SeriesError, UsageError), match=message):
        adding.add("mine", first, second, **{"dt": 0.01, **options})
    assert not (folder / "data").exists()


def test_a_part_that_preparation_leaves_little_of_is_named(folder):
    files = lorenz_files(folder, 21_000, 700)
    with pytest.raises(UsageError, match="part 2 has 35 points after preparation: 50 at least"):
        adding.add("mine", *files, dt=0.01, steps=[step("subsample", every=20)], test_share=0.0)


def test_gaps_that_are_not_filled_part_a_series(folder):
    x = numbers(3000)
    for first, length in ((500, 3), (900, 40), (920, 80), (1800, 1)):
        x[first : first + length] = [""] * length
    y = numbers(3100)[100:]
    y[1798:1800] = ["", ""]
    path = write(folder / "a.csv", {"x": x, "y": y})
    with pytest.raises(SeriesError, match="--split-gaps takes them for breaks"):
        adding.add("mine", path, dt=1.0)
    added = adding.add("mine", path, dt=1.0, split_gaps=True)
    assert added.system.raw_parts == (500, 397, 798, 1199) and added.missing == 0
    said = "106 rows are left out: gaps, and stretches of fewer than 50 points after preparation"
    assert added.remarks == (said,)
    half = adding.add(
        "mine", path, dt=1.0, split_gaps=True, steps=[step("subsample", every=2)], force=True, test_share=0.1
    )
    assert half.system.prepared_parts.lengths == (250, 199, 399, 600)
    # What delays leave too little of is left out, too; and what is filled over more than a period is said.
    embedded = adding.add(
        "mine", path, columns=["x"], dt=1.0, split_gaps=True, embed=(2, 450), force=True, test_share=0.0
    )
    assert embedded.system.raw_parts == (500, 800, 1199)
    assert embedded.system.prepared_parts.lengths == (50, 350, 749)
    filled = adding.add("mine", path, dt=1.0, fill_gaps=3, split_gaps=True, force=True)
    assert filled.system.raw_parts == (900, 2000) and filled.missing == 3 + 1 + 2
    assert np.isfinite(systems.get("mine").measured()).all()
    whole = adding.add("mine", path, dt=1.0, fill_gaps=100, split_gaps=True, force=True)
    assert whole.system.raw_parts == () and any(
        "mean periods, filled by a straight" in s for s in whole.remarks
    )
    with pytest.raises(UsageError, match="a file is named twice"):
        adding.add("mine", path, path, dt=1.0, force=True)
    holes = [value if row % 2 else "" for row, value in enumerate(numbers(2001))]
    with pytest.raises(SeriesError, match="no stretch without a gap has 50 points"):
        adding.add("none", write(folder / "b.csv", {"x": holes}), dt=1.0, split_gaps=True)


def test_rows_that_part_a_series_are_none_that_are_filled(folder):
    x = numbers(2000)
    rows = [row for row in range(2000) if not 700 <= row < 900 and row not in (300, 301)]
    path = write(folder / "a.csv", {"t": rows, "x": [x[row] for row in rows]})
    added = adding.add("mine", path, time="t", fill_gaps=2, split_gaps=True)
    assert added.system.raw_parts == (700, 1100) and (added.missing, added.rows_added) == (2, 2)
