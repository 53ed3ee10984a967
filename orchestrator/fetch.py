"""Published recordings, brought to where systems look for them: whole and checked, or not at all.

What comes over the line lies in `FILE.part`, and `FILE.part.json` says whence, so that a download that
broke off goes on where it was. Only what passed the check is put in the recording's own place.
"""

import gzip
import hashlib
import json
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, Protocol
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from . import __version__, durable
from .errors import OrchError
from .systems.raw import RawFile

SILENCE = 30.0
"""Seconds without a byte after which an address is given up."""
TRIES = 5
"""At one address, as long as each brings more than the one before."""
LIMIT = 4
"""Times the size of the recording beyond which nothing is received or unpacked."""
PIECE = 65_536


class Progress(Protocol):
    """Is told how a download goes."""

    def note(self, text: str) -> None:
        """One line about what happens now."""

    def at(self, done: int, total: int | None) -> None:
        """So many bytes are here, of so many if the server said."""


class _Silent:
    def note(self, text: str) -> None: ...
    def at(self, done: int, total: int | None) -> None: ...


class _Unfit(Exception):
    """An address or a file does not give the recording; the message says why."""


def fetch(
    raw: RawFile,
    *,
    source: Path | None = None,
    force: bool = False,
    progress: Progress | None = None,
    timeout: float = SILENCE,
) -> Path:
    """Bring a recording to `raw.path`, unless it is there and sound.

    Args:
        source: a copy at hand, plain or in a .zip or .gz, to be taken instead of a download.
        force: bring it even if it is there.
        timeout: seconds without a byte after which the next address is tried.

    Raises:
        OrchError: no address gives the recording, the copy is not it, or it cannot be written.
        KeyboardInterrupt: stopped by the user; what came is kept in `part_of(raw)`.
    """
    progress = progress or _Silent()
    target = raw.path
    try:
        if target.is_file() and not force:
            try:
                _check(target, raw)
            except _Unfit as failure:
                progress.note(f"{target} is to be replaced: {failure}")
            else:
                progress.note(f"{target} is here and sound: nothing to do")
                return target
        if source is None:
            _download(raw, progress, timeout)
        else:
            _take(source, raw)
    except _Unfit as failure:
        raise OrchError(f"{source}: {failure}") from None
    except OSError as error:
        raise OrchError(f"{error.filename or target} cannot be written: {error.strerror or error}") from None
    return target


def part_of(raw: RawFile) -> Path:
    """Where a download that is not finished lies."""
    return raw.path.with_name(f"{raw.file}.part")


def _take(source: Path, raw: RawFile) -> None:
    """Copy a file to the recording's place if it passes the check; raises as `_check` does."""
    durable.write(raw.path, lambda out: _check(source, raw, out))
    _drop_part(raw)


def _check(source: Path, raw: RawFile, out: BinaryIO | None = None) -> None:
    """Read a file to its end and see whether it is the recording; with `out`, unpack it and write it there.

    Raises:
        _Unfit: it is not, or cannot be read; says what was expected and what there is.
        OSError: it cannot be written.
    """
    digest, size, lines, header, last = hashlib.sha256(), 0, 0, b"", b""
    with closing(_pieces(source, raw, unpack=out is not None)) as pieces:
        for piece in pieces:
            size += len(piece)
            if size > LIMIT * raw.size:
                raise _Unfit(f"not {raw.file}: expected {raw.size} bytes, it has over {LIMIT} times as many")
            digest.update(piece)
            if piece.strip():
                lines, last, header = lines + 1, piece, header or piece
            if out is not None:
                out.write(piece)
    a_page = " (a web page)" if header.lstrip().lower().startswith((b"<!doctype html", b"<html")) else ""
    if raw.sha256 is not None:
        if digest.hexdigest() != raw.sha256:
            raise _Unfit(
                f"not {raw.file}: expected {raw.size} bytes of sha256 {raw.sha256}, "
                f"it has {size} bytes of sha256 {digest.hexdigest()}{a_page}"
            )
        return
    names, rows = _fields(header), max(lines - 1, 0)
    if tuple(names[: len(raw.columns)]) != raw.columns or raw.rows not in (None, rows):
        expected = f"{raw.rows} rows" if raw.rows else "rows"
        raise _Unfit(
            f"not {raw.file}: expected {expected} under the header {', '.join(raw.columns)}, …; "
            f"it has {rows} rows under {', '.join(names)[:80]}{a_page}"
        )
    if len(_fields(last)) != len(names):
        raise _Unfit(f"not {raw.file}: its last row has {len(_fields(last))} of {len(names)} columns")


def _fields(line: bytes) -> list[str]:
    return [field.strip().strip('"') for field in line.decode("utf-8-sig", "replace").strip().split(",")]


def _pieces(path: Path, raw: RawFile, *, unpack: bool) -> Generator[bytes]:
    """A file line by line, long lines in several pieces; out of its .zip or .gz, known by the first bytes.

    Raises:
        _Unfit: it cannot be read or unpacked.
    """
    try:
        with ExitStack() as stack:
            file = stack.enter_context(path.open("rb"))
            stream: IO[bytes] | gzip.GzipFile = file
            if unpack and file.peek(2).startswith(b"\x1f\x8b"):
                stream = stack.enter_context(gzip.open(file))
            elif unpack and file.peek(4).startswith(b"PK\x03\x04"):
                archive = stack.enter_context(zipfile.ZipFile(file))
                stream = stack.enter_context(archive.open(_member(archive, raw)))
            while piece := stream.readline(PIECE):
                yield piece
    # RuntimeError is how zipfile refuses what has a password.
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise _Unfit(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _member(archive: zipfile.ZipFile, raw: RawFile) -> zipfile.ZipInfo:
    held = [info for info in archive.infolist() if PurePosixPath(info.filename).name == raw.file]
    if len(held) != 1:
        names = ", ".join(archive.namelist()[:5]) or "nothing"
        raise _Unfit(f"expected a .zip with one {raw.file}, it holds {names}")
    # Other methods unpack a block at once, however large it becomes: LIMIT could not guard against it.
    if held[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _Unfit(f"{raw.file} is packed in it by a method other than deflate")
    return held[0]


def _download(raw: RawFile, progress: Progress, timeout: float) -> None:
    """Take the recording from the first address that gives it, beginning with the one that has begun.

    Raises:
        OrchError: none does.
        OSError: it cannot be written.
    """
    answers = []
    for address in sorted(raw.addresses, key=lambda address: not _begun(address, raw)[0]):
        progress.note(address)
        try:
            return _from_address(address, raw, progress, timeout)
        except _Unfit as failure:
            progress.note(f"  {failure}")
            answers.append(f"  {address}: {failure}\n")
    size = max(_begun(address, raw)[0] for address in raw.addresses)
    kept = f"{size / 1e6:.1f} MB of it are kept: the same command goes on from there\n" if size else ""
    raise OrchError(
        f"no address gave {raw.file}\n{''.join(answers)}{kept}"
        f"without a network, `orch data fetch {raw.name} --from FILE` takes a copy at hand"
    )


def _from_address(address: str, raw: RawFile, progress: Progress, timeout: float) -> None:
    for attempt in range(1, TRIES + 1):
        had, _ = _begun(address, raw)
        try:
            _receive(address, raw, progress, timeout)
            try:
                return _take(part_of(raw), raw)
            except _Unfit:
                _drop_part(raw)
                raise
        except _Unfit as failure:
            has, _ = _begun(address, raw)
            # Once more if more came than before, or if what there was to go on from proved of no use.
            if attempt == TRIES or not (has > had or 0 == has < had):
                raise
            progress.note(f"  {failure}; {'on from there' if has else 'anew'}")


def _receive(address: str, raw: RawFile, progress: Progress, timeout: float) -> None:
    """Let the part grow until the server has no more.

    Raises:
        _Unfit: the server cannot be reached, refuses, falls silent or breaks off.
        OSError: the part cannot be written.
    """
    done, validator = _begun(address, raw)
    request = Request(address, headers={"User-Agent": f"orch/{__version__}"})
    if done:
        request.add_header("Range", f"bytes={done}-")
        if validator:
            request.add_header("If-Range", validator)
    with _line(timeout):
        try:
            answer: HTTPResponse = urlopen(request, timeout=timeout)
        except HTTPError as error:
            if error.code == 416:  # what the server has is no longer than the part
                _drop_part(raw)
            raise
    with answer:
        if not done or answer.status != 206:
            done = 0
            _drop_part(raw)
            # If-Range does not take a weak ETag.
            tag = answer.headers.get("ETag", "W/")
            validator = answer.headers.get("Last-Modified") if tag.startswith("W/") else tag
            durable.write(_record(raw), json.dumps([address, validator]).encode())
        elif not answer.headers.get("Content-Range", "").startswith(f"bytes {done}-"):
            _drop_part(raw)
            raise _Unfit("another range came than was asked for")
        total = None if answer.length is None else done + answer.length
        with part_of(raw).open("ab") as file:
            while done <= LIMIT * raw.size:
                progress.at(done, total)
                with _line(timeout):
                    piece = answer.read1(PIECE)
                if not piece:
                    break
                file.write(piece)
                done += len(piece)
    if done > LIMIT * raw.size:
        _drop_part(raw)
        raise _Unfit(f"not {raw.file}: expected {raw.size} bytes, over {LIMIT} times as many came")
    if total is not None and done < total:
        raise _Unfit(f"broke off after {done} of {total} bytes")


@contextmanager
def _line(timeout: float) -> Iterator[None]:
    """What goes wrong on the line becomes `_Unfit`, in words."""
    try:
        yield
    except HTTPError as error:
        error.close()
        raise _Unfit(f"HTTP {error.code} {error.reason}") from None
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            raise _Unfit(f"not a byte in {timeout:g} s") from None
        raise _Unfit(f"no connection: {getattr(reason, 'strerror', None) or reason}") from None


def _record(raw: RawFile) -> Path:
    return raw.path.with_name(f"{raw.file}.part.json")


def _begun(address: str, raw: RawFile) -> tuple[int, str | None]:
    """How many bytes came from this address, and the ETag or date by which it knows their version again."""
    try:
        begun, validator = json.loads(_record(raw).read_bytes())
        return (part_of(raw).stat().st_size if begun == address else 0), validator
    except (OSError, ValueError, TypeError):
        return 0, None


def _drop_part(raw: RawFile) -> None:
    part_of(raw).unlink(missing_ok=True)
    _record(raw).unlink(missing_ok=True)
