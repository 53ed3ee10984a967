"""What a file of somebody's may be: formats, names, times; and in which words others are refused."""

from pathlib import Path

import numpy as np
import pytest

from orchestrator.systems import SeriesError, tables

X = np.arange(5.0) ** 2


def text(folder: Path, content: str) -> Path:
    path = folder / "a.csv"
    path.write_text(content)
    return path


def arrays(path: Path, **content: object) -> Path:
    from scipy.io import savemat

    if path.suffix == ".mat":
        savemat(path, content)
    else:
        np.savez(path, **content)
    return path


NANOSECONDS = {
    "even": (np.arange(5) * 500, 5e-7),
    "jittered": (np.arange(5) * 10**9 + [0, 3, -7, 9, 0], 1.0),
}


@pytest.mark.parametrize("case", NANOSECONDS)
@pytest.mark.parametrize("kind", ["csv", "parquet", "zone", "durations", "npz"])
def test_times_in_nanoseconds_are_exact(tmp_path: Path, case: str, kind: str) -> None:
    """As pandas has them; as floats since 1970 they would be off by up to 128 ns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    since, dt = NANOSECONDS[case]
    stamps = np.datetime64("2026-01-01", "ns") + since
    if kind == "csv":
        path = text(tmp_path, "t,x\n" + "".join(f"{t},{x}\n" for t, x in zip(stamps, X, strict=True)))
    elif kind == "npz":
        path = arrays(tmp_path / "a.npz", t=stamps, x=X)
    else:
        path = tmp_path / "a.parquet"
        column = pa.array(since.astype("m8[ns]") if kind == "durations" else stamps)
        zoned = column.cast(pa.timestamp("ns", "Europe/Berlin")) if kind == "zone" else column
        pq.write_table(pa.table({"t": zoned, "x": X}), path)
    found = tables.read_table(path, time="t")
    assert (found.dt, found.dates, found.columns) == (dt, True, ("x",))
    columns = tables.read_columns(path, time="t")
    np.testing.assert_allclose(columns.times, since / 1e9, rtol=1e-15)


@pytest.mark.parametrize("suffix", [".npz", ".mat"])
def test_arrays_are_columns_by_their_names(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    wide = np.column_stack([X, -X, 3 * X])
    assert tables.read_table(arrays(path, v=X)).columns == ("v",)
    found = tables.read_table(arrays(path, X=wide))
    assert found.columns == ("X_0", "X_1", "X_2")
    np.testing.assert_array_equal(found.values, wide)
    arrays(path, t=np.arange(5)[None] / 2, X=wide, y=X[:, None], fs=2.0, who="me")
    found = tables.read_table(path, columns=["y", "X"], time="t")
    assert (found.columns, found.dt) == (("y", "X_0", "X_1", "X_2"), 0.5)
    assert tables.read_table(path, columns=["X_2"], time="t").values[1] == 3


UNUSABLE = {
    "length": ({"fs": 2.0}, "how many rows they have: X_0 5, fs 1; --columns X_0,X_1 takes those of 5"),
    "text": ({"who": "me"}, r"column 'who' holds text, shape .*; --columns X_0,X_1 leaves it out"),
    "complex": ({"z": X * 1j}, r"column 'z' holds complex numbers"),
    "cube": ({"c": np.zeros((5, 2, 2))}, r"column 'c' has shape \(5, 2, 2\)"),
    "lying": ({"c": np.zeros((2, 5))}, r"column 'c' has shape \(2, 5\): .* transpose it; --columns X_0,X_1"),
    "objects": ({"o": np.array([X, "a"], dtype=object)}, r"column 'o' holds objects"),
    "twice": ({"X_0": X}, "two columns are named 'X_0'"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNUSABLE)
@pytest.mark.parametrize("suffix", [".npz", ".mat"])
def test_an_array_that_is_no_column_is_named(tmp_path: Path, case: str, suffix: str) -> None:
    more, message = UNUSABLE[case]
    with pytest.raises(SeriesError, match=message):
        tables.read_table(arrays(tmp_path / f"a{suffix}", X=np.column_stack([X, -X]), **more))


def test_files_of_arrays_that_cannot_be_read(tmp_path: Path) -> None:
    hdf5 = b"\x89HDF\r\n\x1a\n" + bytes(99)
    whole = arrays(tmp_path / "a.mat", X=np.random.default_rng(0).random((500, 3))).read_bytes()
    for name, content, message in (
        ("b.mat", b"MATLAB 7.3 MAT-file".ljust(512) + hdf5, "save it with -v7, or as CSV"),
        ("b.mat", hdf5, "is HDF5"),
        ("b.mat", b"# Created by Octave\n", "cannot be read as MATLAB's"),
        ("b.mat", whole[: len(whole) // 2], "cannot be read as MATLAB's: .* saves with -v7"),
        ("b.npz", b"PK\x03\x04" + bytes(99), "cannot be read as a NumPy array"),
    ):  # fmt: skip
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SeriesError, match=message):
            tables.read_table(tmp_path / name)


COMMAS = {
    "semicolons": "t;x\n0,5;1,25\n1;-1e-1\n1,5;NA\n",
    "tabs": "0,5\t1,25\n1\t-,1\n1,5\t?\n",
    "blanks": "# made\n0,5 1,25\n1 -0,1\n1,5 nan\n",
    "quoted": 't,x\n"0,5","1,25"\n1,"-0,1"\n"1,5",\n',
}


@pytest.mark.parametrize("case", COMMAS)
def test_decimal_commas_are_read_when_told_and_offered_when_not(tmp_path: Path, case: str) -> None:
    path = text(tmp_path, COMMAS[case])
    found = tables.read_table(path, decimal=",")
    np.testing.assert_array_equal(found.values, [[0.5, 1.25], [1, -0.1], [1.5, np.nan]])
    assert tables.read_table(path, time=found.columns[0], decimal=",").dt == 0.5
    with pytest.raises(SeriesError, match=r"'(0,5|1,5|-,1|-0,1)' .*; --decimal , reads"):
        tables.read_table(path)


@pytest.mark.parametrize("cell", ["1.250", "1.250,5", "0,2,5"])
def test_with_decimal_commas_a_point_is_not_guessed_at(tmp_path: Path, cell: str) -> None:
    with pytest.raises(SeriesError, match=f"row 2: '{cell}'"):
        tables.read_table(text(tmp_path, f"a;b\n0,5;1\n{cell};2\n1,5;3\n"), decimal=",")
    assert tables.read_table(text(tmp_path, "0,5\n1,0\n"), decimal=",").values.tolist() == [[0.5], [1]]


@pytest.mark.parametrize(
    ("head", "names"),
    [
        ("# lab\n  # units: V\n", ("x_1", "x_2", "x_3")),
        ("# t|x|y\n\n", ("t", "x", "y")),
        ("# lab\n\n# 3 sensors\nt|x|y\n", ("t", "x", "y")),
    ],
)
@pytest.mark.parametrize("mark", [" ", ","])
def test_remarks_may_be_indented_and_have_empty_lines_between(
    tmp_path: Path, head: str, names: tuple[str, ...], mark: str
) -> None:
    path = text(tmp_path, (head + "1|2|3\n4|5|6\n").replace("|", mark))
    found = tables.read_table(path)
    assert found.columns == names and found.values.tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize("rows", ["1 2 3\n4 5 6\n", "1;2;3\n4;5;6\n"])
def test_a_line_that_names_too_few_columns_is_shown(tmp_path: Path, rows: str) -> None:
    first = "made;here" if ";" in rows else "made here"
    with pytest.raises(SeriesError, match=f"3 columns under 2 names, in line 2: '{first}'. A line .* with #"):
        tables.read_table(text(tmp_path, f"# lab\n{first}\n{rows}"))


def test_a_row_of_missing_values_is_no_empty_line(tmp_path: Path) -> None:
    with pytest.raises(SeriesError, match="with an empty line"):
        tables.read_table(text(tmp_path, "# lab\n\t\n1\t2\n3\t4\n"))


def test_a_first_column_without_a_name_is_called_index(tmp_path: Path) -> None:
    """As pandas writes its index."""
    path = text(tmp_path, ",a,b\n0.5,1,2\n1.0,2,3\n1.5,3,5\n")
    with pytest.raises(SeriesError, match=r"is called index; --time index takes it .*, --columns a,b leaves"):
        tables.read_table(path)
    with pytest.raises(SeriesError, match=r"no column '0': it has index \(without a name there\), a, b"):
        tables.read_table(path, time="0")
    found = tables.read_table(path, time="index")
    assert (found.columns, found.dt) == (("a", "b"), 0.5)
    path = text(tmp_path, ",a\n1.2.2009,1\n2.2.2009,2\n3.2.2009,4\n")
    assert tables.read_table(path, time="index", time_format="%d.%m.%Y").dt == 86400
    path = text(tmp_path, ",index,a\n0,1,7\n1,2,9\n2,3,7\n")  # another has the name, and this one none
    assert tables.read_table(path, time="index").columns == ("a",)
    with pytest.raises(SeriesError, match="columns 1 and 3 have no name"):
        tables.read_table(text(tmp_path, ",a,\n1,2,3\n"))


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("t,x\n2009-10-25 01:00,1\n2009-10-25 02:00,2\n2009-10-25 02:00,4\n", {"time": "t"},
         "row 3 has 2009-10-25 02:00:00 after 2009-10-25 02:00:00"),
        ("t,x\n1.2.2009,1\n3.2.2009,2\n2.2.2009,4\n", {"time": "t", "time_format": "%d.%m.%Y"},
         r"row 3 has 2\.2\.2009 after 3\.2\.2009"),
        ("t,x\n2009-10-25,1\n2009-10-26,2\n2009-10-27 06:00,4\n2009-10-28,5\n", {"time": "t"},
         r"86400 s apart, .* row 3 \(2009-10-27 06:00:00\) comes 108000 s after"),
        ("label,x,y z\na,1,2\nb,2,3\n", {}, "'a' is not a number; --columns 'x,y z' leaves it out"),
        ("when,x\n2009-10-25,1\n2009-10-26,2\n", {}, "is not a number; --time when takes it as the times"),
        ("x\n0,5\n0,7\n", {}, "2 columns under 1 name, in line 1: 'x'.*; --decimal , is for"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_the_words_of_the_file(
    tmp_path: Path, content: str, options: dict[str, str], message: str
) -> None:
    with pytest.raises(SeriesError, match=message):
        tables.read_table(text(tmp_path, content), **options)
