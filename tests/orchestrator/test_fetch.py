"""`orch data`: a recording is there whole and checked or not at all, whatever servers and users do."""

import csv
import errno
import gzip
import hashlib
import io
import json
import random
import sys
import threading
import warnings
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from orchestrator import fetch as fetching
from orchestrator.cli import _run
from orchestrator.errors import OrchError
from orchestrator.fetch import fetch, part_of
from orchestrator.systems.raw import EEG, RAW_FILES, RawFile

BODY = random.Random(0).randbytes(300_000)
PAGE = b"<!DOCTYPE html><html>Please log in</html>"
CSV = b'"Date Time","p (mbar)","T (degC)"\r\n' + b"01.01.2009 00:10:00,996.52,-8.02\r\n" * 3
RECORDED = Path(__file__).resolve().parents[3] / "shared/data/eeg"


@dataclass
class Reply:
    """What the server answers at one path."""

    body: bytes = BODY
    status: int = 200
    ranges: bool = True
    etag: str | None = '"1"'
    cut: int | None = None  # the connection is closed after so many bytes
    hangs: bool = False  # after the cut nothing comes and nothing is closed


@dataclass
class Site:
    """A server: its replies by path, and what it was asked for."""

    address: str
    replies: dict[str, Reply] = field(default_factory=dict)
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __call__(self, path: str, reply: Reply) -> str:
        self.replies[path] = reply
        return self.address + path


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setenv("ORCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            reply, wanted = site.replies[self.path], self.headers["Range"]
            site.asked.append((self.path, wanted, self.headers["If-Range"]))
            status, start = reply.status, 0
            if wanted and status == 200 and reply.ranges and self.headers["If-Range"] in (None, reply.etag):
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                status = 206 if start < len(reply.body) else 416
            self.send_response(status)
            if status == 206:
                self.send_header("Content-Range", f"bytes {start}-{len(reply.body) - 1}/{len(reply.body)}")
            if reply.etag:
                self.send_header("ETag", reply.etag)
            self.send_header("Content-Length", str(len(reply.body) - start))
            self.end_headers()
            self.wfile.write(reply.body[start : reply.cut])
            if reply.hangs:
                self.wfile.flush()
                site.over.wait(5)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = False  # joined at the end, so that no socket is left open
        site = Site(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield site
        site.over.set()
        server.shutdown()
        thread.join()


def recording(*addresses, body=BODY, **known):
    known = known or {"sha256": hashlib.sha256(body).hexdigest()}
    about = {"description": "a recording", "licence": "none", "cite": "nobody (2009)"}
    return RawFile(name="some", file="some.dat", size=len(body), addresses=addresses, **about, **known)


def zipped(members, method=zipfile.ZIP_DEFLATED):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return held.getvalue()


class Stopping:
    """The user's Ctrl-C, once enough is there."""

    def note(self, text):
        pass

    def at(self, done, total):
        assert total == len(BODY)
        if done > 100_000:
            raise KeyboardInterrupt


def lies(raw):
    """What is in the folder."""
    return sorted(path.name for path in raw.path.parent.iterdir())


def test_addresses_are_tried_until_one_gives_the_recording(site):
    raw = recording(
        site("/404", Reply(status=404)),
        site("/500", Reply(status=500)),
        site("/page", Reply(PAGE)),
        site("/other", Reply(BODY[::-1])),
        site("/endless", Reply(BODY * 5)),
        site("/short", Reply(cut=1000, ranges=False)),
        site("/hangs", Reply(cut=1000, hangs=True)),
        site("/good", Reply()),
        site("/never", Reply()),
    )
    assert fetch(raw, timeout=0.1).read_bytes() == BODY
    assert "/good" in [path for path, *_ in site.asked] and "/never" not in [path for path, *_ in site.asked]
    assert lies(raw) == ["some.dat"]
    site.asked.clear()
    fetch(raw)
    assert not site.asked  # here and sound
    fetch(raw, force=True, timeout=0.1)
    assert site.asked
    raw.path.write_bytes(PAGE)
    assert fetch(raw, timeout=0.1).read_bytes() == BODY  # here but not sound


def test_where_none_does_each_answer_is_told_and_nothing_is_left(site):
    page, gone = site("/page", Reply(PAGE)), site("/gone", Reply(status=404))
    raw = recording(page, gone, "http://127.0.0.1:1/refused")
    with pytest.raises(OrchError) as raised:
        fetch(raw)
    said = str(raised.value)
    assert f"{page}: not some.dat: expected 300000 bytes of sha256 {raw.sha256}, it has 41 bytes" in said
    assert "(a web page)" in said and f"{gone}: HTTP 404 Not Found" in said and "/refused: no conn" in said
    assert "`orch data fetch some --from FILE`" in said and lies(raw) == []


def test_a_connection_that_breaks_is_taken_up_where_it_broke(site):
    raw = recording(site("/a", Reply(cut=200_000)))
    with pytest.raises(OrchError, match=r"broke off after 200000 of 300000 bytes\n0\.2 MB of it are kept"):
        fetch(raw)
    site.replies["/a"].cut = None
    assert fetch(raw).read_bytes() == BODY and site.asked[-1] == ("/a", "bytes=200000-", '"1"')


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        ({}, ["/a"]),
        ({"ranges": False}, ["/a"]),
        ({"etag": '"2"'}, ["/a"]),
        ({"status": 404}, ["/a", "/first", "/b"]),
    ],
    ids=["as it was", "no ranges", "another version", "gone"],
)
def test_an_interrupted_download_goes_on_or_begins_anew(site, change, asked):
    raw = recording(site("/first", Reply(status=404)), site("/a", Reply()), site("/b", Reply()))
    with pytest.raises(KeyboardInterrupt):
        fetch(raw, progress=Stopping())
    had = part_of(raw).stat().st_size
    assert had > 100_000 and not raw.path.exists()
    for key, value in change.items():
        setattr(site.replies["/a"], key, value)
    site.asked.clear()
    assert fetch(raw).read_bytes() == BODY and lies(raw) == ["some.dat"]
    assert site.asked[0] == ("/a", f"bytes={had}-", '"1"')  # before /first: it has begun
    assert [path for path, *_ in site.asked] == asked


@pytest.mark.parametrize("part", [b"x" * 1000, b"x" * len(BODY)], ids=["wrong", "too long"])
def test_a_stale_part_the_server_cannot_tell_is_found_out_and_dropped(site, part):
    raw = recording(site("/a", Reply(etag=None, cut=1000)))
    with pytest.raises(OrchError):
        fetch(raw)
    part_of(raw).write_bytes(part)
    site.replies["/a"].cut = None
    assert fetch(raw).read_bytes() == BODY and lies(raw) == ["some.dat"]


def test_a_zip_gives_its_one_member_and_no_bomb(site):
    bomb = zipped({"some.dat": bytes(5 * len(BODY))})
    packed = zipped({"some.dat": bytes(5 * len(BODY))}, zipfile.ZIP_LZMA)
    good = zipped({"folder/some.dat": BODY, "__MACOSX/folder/._some.dat": b"", "../other": b"x"})
    addresses = [
        site(f"/{i}.zip", Reply(body)) for i, body in enumerate([bomb, packed, b"PK\3\4", zipped({"a": b""})])
    ]
    raw = recording(*addresses)
    with pytest.raises(OrchError) as raised:
        fetch(raw)
    bombed, method, broken, none = str(raised.value).splitlines()[1:5]
    assert "over 4 times" in bombed and "deflate" in method and "cannot be read" in broken
    assert "with one some.dat, it holds a" in none and lies(raw) == []
    raw = recording(*addresses, site("/good.zip", Reply(good)))
    assert fetch(raw).read_bytes() == BODY and lies(raw) == ["some.dat"]


def test_without_a_checksum_columns_and_rows_tell(tmp_path, monkeypatch):
    monkeypatch.setenv("ORCH_DATA", str(tmp_path / "data"))
    raw = recording(body=CSV, columns=("Date Time", "p (mbar)"), rows=3)
    copy = tmp_path / "copy"
    copy.write_bytes(CSV.replace(b'"', b"").replace(b"\r", b""))
    assert fetch(raw, source=copy) == raw.path
    expected = r"expected 3 rows under the header Date Time, p \(mbar\), …; it has "
    for content, said in [
        (CSV + b"x,y,z", expected + "4 rows under Date Time, p"),
        (CSV.replace(b"p (mbar)", b"wind"), expected + "3 rows under Date Time, wind"),
        (CSV[:-10], "its last row has 2 of 3 columns"),
        (PAGE, expected + ".*web page"),
        (b"", expected + "0 rows"),
    ]:
        copy.write_bytes(content)
        with pytest.raises(OrchError, match=said):
            fetch(raw, source=copy, force=True)
    assert lies(raw) == ["some.dat"] and b'"' not in raw.path.read_bytes()  # the first is still there


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda body: zipped({"some.dat": body})])
def test_a_copy_at_hand_is_copied_also_out_of_a_package(tmp_path, monkeypatch, pack):
    monkeypatch.setenv("ORCH_DATA", str(tmp_path / "data"))
    raw, copy = recording(), tmp_path / "copy"
    with pytest.raises(OrchError, match="copy: cannot be read: No such file"):
        fetch(raw, source=copy)
    copy.write_bytes(pack(BODY))
    fetch(raw, source=copy)
    assert raw.path.read_bytes() == BODY and copy.exists() and not raw.path.is_symlink()


def test_what_cannot_be_written_is_said_in_one_line(site, monkeypatch):
    raw = recording(site("/a", Reply()))

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(fetching.durable, "write", full)
        with pytest.raises(OrchError, match=r"some\.dat cannot be written: No space left on device$"):
            fetch(raw)
    raw.path.parents[1].write_text("in the way of the folder")
    with pytest.raises(OrchError, match=r"cannot be written: Not a directory$"):
        fetch(raw)


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """The command line in this process, where recordings can be of the test's own making."""
    monkeypatch.setenv("ORCH_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # the command sets its own

    def run(*arguments, code=0):
        monkeypatch.setattr(sys, "argv", ["orch", "data", *arguments])
        assert _run() == code
        return capsys.readouterr()

    return run


def test_the_command_shows_licence_and_citation_and_keeps_what_came_before_ctrl_c(site, command, monkeypatch):
    monkeypatch.setitem(RAW_FILES, "some", raw := recording(site("/a", Reply())))
    with monkeypatch.context() as patched:
        patched.setattr("orchestrator.cli.data._Shown.at", Stopping.at)
        err = command("fetch", "some", code=130).err
    assert f"interrupted; {part_of(raw)} is kept" in err
    err = command("fetch", "some").err
    assert "licence: none" in err and "cite: nobody (2009)" in err
    assert "here and sound" in command("fetch", "some").err
    assert "did you mean 'jena'?" in command("fetch", "yena", code=2).err


def test_list_says_where_recordings_are(command):
    EEG.path.parent.mkdir(parents=True)
    EEG.path.touch()
    listed = json.loads(command("list", "--format", "json").out)
    assert [row["name"] for row in listed] == list(RAW_FILES)
    assert [row["here"] for row in listed] == [str(EEG.path), None, None]
    rows = list(csv.DictReader(command("list", "--format", "csv").out.splitlines()))
    assert rows[1]["size"] == "43164220" and "not to be passed on" in rows[1]["licence"]
    for raw in RAW_FILES.values():  # else any page would pass for it
        assert raw.sha256 or (raw.columns and raw.rows)


@pytest.mark.skipif(not RECORDED.is_dir(), reason="no recordings beside the repository")
def test_the_published_recording_is_known_from_its_neighbour(command):
    said = command("fetch", EEG.name, "--from", str(RECORDED / "S002R01.edf"), code=1).err
    assert f"not S001R01.edf: expected 1275936 bytes of sha256 {EEG.sha256}, it has 1275936 bytes" in said
    command("fetch", EEG.name, "--from", str(RECORDED / "S001R01.edf"))
    assert EEG.found().stat().st_size == EEG.size
