"""C that is compiled where it runs, once for each processor, and kept.

It stands below everything else: what computes for long may be compiled, whichever room it is in. What is
needed is any compiler that goes by `cc`, `gcc` or `clang`, or that the environment names in CC; where a
machine has none, a package that pip installs is one (the clang of `ziglang`).
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import hashlib
import importlib.util
import os
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from importlib import resources
from pathlib import Path

NAMES = ("cc", "gcc", "clang")
PACKAGE = "ziglang"
EXTRA = "pip install 'orch-dsr[compiler]' brings one"
FLAGS = (
    "-fno-fast-math",  # which CC may ask for: what is not finite must be seen
    "-std=gnu11",
    "-O3",
    "-ffp-contract=fast",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fPIC",
    "-shared",
)
NATIVE = (("-march=native", "-mprefer-vector-width=512"), ("-march=native",), ("-mcpu=native",))
"""What asks for the processor's own instructions, best first. Compilers use half of the widest vectors unless
they are told, as the first processors that had 64 bytes ran slower with them. Older compilers for Apple's
processors know the last alone."""
PROBE = """
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SSE__)
#include <immintrin.h>
#endif
double probe(double x) { return exp(x); }
"""
"""What a compiler must be able to do to be one: headers may be missing, or a linker."""
SECONDS = 120.0
"""The longest that a compiler may take."""


class NoCompilerError(Exception):
    """There is no compiler, or it does not compile this: why, in a line."""


class Compiler:
    """A compiler with what it knows of this processor."""

    def __init__(self, command: tuple[str, ...], said: str) -> None:
        self.command = command
        self._said = said
        """Its predefined macros: they tell it, its version and the processor's instructions."""
        self._refused: dict[str, str] = {}
        """What it does not compile, and why: nobody waits for that twice."""

    @property
    def vector_bytes(self) -> int:
        """Of the widest vectors that the processor has."""
        widths = {"__AVX512F__": 64, "__AVX__": 32}
        return next((width for macro, width in widths.items() if macro in self._macros), 16)

    @cached_property
    def _macros(self) -> dict[str, str]:
        lines = [line.split(" ", 2) for line in self._said.splitlines()]
        return {line[1]: line[2] for line in lines if len(line) == 3}

    @property
    def name(self) -> str:
        """'gcc 12.2.0, avx512f'."""
        macros = self._macros
        words = ("__clang_major__", "__clang_minor__", "__clang_patchlevel__")
        kind = "clang"
        if words[0] not in macros:
            kind, words = "gcc", ("__GNUC__", "__GNUC_MINOR__", "__GNUC_PATCHLEVEL__")
        version = ".".join(macros.get(word, "?") for word in words)
        vectors = [name for name in ("avx512f", "avx2", "avx", "sse2") if f"__{name.upper()}__" in macros]
        return f"{kind} {version}, {(vectors or ['neon' if '__ARM_NEON' in macros else 'no vectors'])[0]}"

    def load(self, source: str, defines: Mapping[str, str | int]) -> ctypes.CDLL:
        """The compiled source, from an earlier time where there was one with the same processor.

        In it BYTES is how wide the processor's vectors are.

        Raises:
            NoCompilerError: it does not compile, or cannot be loaded.
        """
        defined = {"BYTES": self.vector_bytes, **defines}
        options = [*FLAGS, *(f"-D{name}={value}" for name, value in defined.items())]
        key = _digest("\0".join([source, *self.command, *options, self._said]).encode())
        if key not in self._refused:
            why = "there is no place for what was compiled"
            for folder in _folders():
                kept = (path for path in folder.glob(f"{key}-*.so") if _is_whole(path))
                try:
                    return ctypes.CDLL(str(next(kept, None) or self._compile(source, options, folder / key)))
                except NoCompilerError as error:
                    why = f"{self.name} does not compile: {error}"
                except OSError as error:
                    why = f"what was compiled cannot be kept or loaded: {error}"
            self._refused[key] = why
        raise NoCompilerError(self._refused[key])

    def _compile(self, source: str, options: list[str], place: Path) -> Path:
        """Under another name first: two workers may do this at once."""
        temporary = place.with_name(f".{place.name}.{uuid.uuid4().hex}.tmp")
        try:
            _output([*self.command, *options, "-x", "c", "-", "-o", str(temporary), "-lm"], source)
            path = place.with_name(f"{place.name}-{_digest(temporary.read_bytes())}.so")
            os.replace(temporary, path)
            return path
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _is_whole(path: Path) -> bool:
    """Whether it is what its name says: to load a file that was cut short would end the process."""
    return path.stem.endswith(_digest(path.read_bytes()))


def compiler() -> Compiler:
    """The compiler of this machine.

    Raises:
        NoCompilerError: there is none.
    """
    found = _compiler_or_why()
    if isinstance(found, str):
        raise NoCompilerError(found)
    return found


@cache
def compiled(package: str, file: str) -> ctypes.CDLL | None:
    """A source file of a package, compiled; None where there is no compiler that compiles it."""
    source = resources.files(package).joinpath(file).read_text(encoding="utf-8")
    try:
        return compiler().load(source, {})
    except NoCompilerError:
        return None


def why_no_compiler() -> str | None:
    """Why there is no compiler on this machine; None where there is one."""
    found = _compiler_or_why()
    return found if isinstance(found, str) else None


@cache
def _compiler_or_why() -> Compiler | str:
    said = os.environ.get("CC", "").strip()
    if said:
        try:
            return _tried(shlex.split(said))
        except (NoCompilerError, ValueError) as error:
            return f"CC is {said}, which is no compiler of C that can be used: {error}"
    commands = {name: [name] for name in NAMES if shutil.which(name)}
    spec = importlib.util.find_spec(PACKAGE)
    if spec is not None and spec.origin is not None:
        # -P: what lies about in the working directory is not that package.
        commands[PACKAGE] = [sys.executable, "-P", "-m", PACKAGE, "cc"]
    whys = []
    for name, command in commands.items():
        try:
            return _tried(command)
        except NoCompilerError as error:
            whys.append(f"{name}: {error}")
    advice = "" if PACKAGE in commands else f" ({EXTRA})"
    if not whys:
        return f"there is no compiler of C: none of {', '.join(NAMES)} is on PATH{advice}"
    return f"there is no compiler of C that can be used: {'; '.join(whys)}{advice}"


def _tried(command: list[str]) -> Compiler:
    """Such a compiler, once it has compiled something.

    Raises:
        NoCompilerError: it does not.
    """
    whys = []
    for native in NATIVE:
        try:
            macros = _output([*command, *native, "-dM", "-E", "-x", "c", os.devnull])
        except NoCompilerError as error:
            whys.append(error)  # it may not know the option
            continue
        if "__GNUC__" not in macros:
            raise NoCompilerError("it does not go by what GCC and clang understand")
        made = Compiler((*command, *native), macros)
        try:
            made.load(PROBE, {})
        except NoCompilerError as error:
            whys.insert(0, error)
            continue
        return made
    raise whys[0]


def _output(command: list[str], source: str | None = None) -> str:
    """What it prints when it is given the source.

    Raises:
        NoCompilerError: it does not run or fails: what it says.
    """
    try:
        done = subprocess.run(
            command,
            input=source or "",
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            env={**os.environ, "LC_ALL": "C"},
        )
    except OSError as error:
        raise NoCompilerError(f"it cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise NoCompilerError(f"it took longer than {SECONDS:.0f} s") from None
    if done.returncode == 0:
        return done.stdout
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    # That the linker failed is said last; why, before it.
    named = [line for line in lines if "error" in line.lower() and "ld returned" not in line]
    raise NoCompilerError((named or lines or [f"it ended with status {done.returncode}"])[0])


def _folders() -> Iterator[Path]:
    """Where compiled kernels are kept: the user's cache, or for this process alone where that is no place."""
    kept = _kept_folder()
    if kept is not None:
        yield kept
    try:
        own = _own_folder()
    except OSError:
        return
    yield own


@cache
def _kept_folder() -> Path | None:
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
        ours = [base / "orch", base / "orch" / "kernels"]
        base.mkdir(parents=True, exist_ok=True)
        for folder in ours:
            folder.mkdir(exist_ok=True, mode=0o700)
        # What is loaded from here runs: a folder that others could write to is no place either, nor one that
        # they could move away.
        anybody = base.stat().st_mode & (stat.S_IWOTH | stat.S_ISVTX) == stat.S_IWOTH
        safe = all(one.stat().st_uid == os.getuid() and not one.stat().st_mode & 0o022 for one in ours)
        return ours[-1] if safe and not anybody and os.access(ours[-1], os.W_OK) else None
    except (OSError, AttributeError, RuntimeError):  # the last where a user has no home
        return None


@cache
def _own_folder() -> Path:
    own = tempfile.mkdtemp(prefix="orch-kernels-")
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    return Path(own)
