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
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path

NAMES = ("cc", "gcc", "clang")
PACKAGE = "ziglang"
EXTRA = "pip install 'orch-dsr[compiler]' brings one"
FLAGS = (
    "-std=gnu11",
    "-O3",
    "-ffp-contract=fast",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fPIC",
    "-shared",
)
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
        # Of processors whose first models ran slower with them, compilers use half of the widest.
        whole = ["-mprefer-vector-width=512"] if self.vector_bytes == 64 else []
        options = [*FLAGS, *whole, *(f"-D{name}={value}" for name, value in defined.items())]
        key = "\0".join([source, *self.command, *options, self._said])
        path = _folder() / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.so"
        if not path.exists():
            self._compile(source, options, path)
        try:
            return ctypes.CDLL(str(path))
        except OSError as error:
            raise NoCompilerError(f"what was compiled cannot be loaded: {error}") from None

    def _compile(self, source: str, options: list[str], path: Path) -> None:
        """Under another name first: two workers may do this at once."""
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
        command = [*self.command, *options, "-x", "c", "-", "-o", str(temporary), "-lm"]
        try:
            done = subprocess.run(command, input=source, capture_output=True, text=True, timeout=SECONDS)
            if done.returncode:
                said = [line for line in done.stderr.splitlines() if "error" in line] or ["no reason given"]
                raise NoCompilerError(f"{self.command[0]} does not compile the kernel: {said[0].strip()}")
            os.replace(temporary, path)
        except (OSError, subprocess.SubprocessError) as error:
            raise NoCompilerError(f"{self.command[0]} cannot be run: {error}") from None
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


@cache
def compiler() -> Compiler:
    """The compiler of this machine.

    Raises:
        NoCompilerError: there is none.
    """
    named = shlex.split(os.environ.get("CC", ""))
    found = [named] if named else [[name] for name in NAMES if shutil.which(name)]
    if not named and importlib.util.find_spec(PACKAGE):
        found.append([sys.executable, "-m", PACKAGE, "cc"])
    for command in found:
        # Not every compiler knows the first; on Apple's processors older ones know the second alone.
        for native in ("-march=native", "-mcpu=native"):
            tried = (*command, native)
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                asked = [*tried, "-dM", "-E", "-x", "c", os.devnull]
                done = subprocess.run(asked, capture_output=True, text=True, timeout=SECONDS)
                if done.returncode == 0 and "__GNUC__" in done.stdout:
                    return Compiler(tried, done.stdout)
    if named:
        raise NoCompilerError(f"CC is {shlex.join(named)}, which is no compiler of C that can be used")
    raise NoCompilerError(f"there is no compiler of C: none of {', '.join(NAMES)} on PATH is one ({EXTRA})")


@cache
def _folder() -> Path:
    """Where compiled kernels are kept: the user's cache, or for this process alone where that is no place."""
    base = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    folder = Path(base) / "orch" / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # What is loaded from here runs: a folder that others could write to is no place either.
        if (
            folder.stat().st_uid == os.getuid()
            and not folder.stat().st_mode & 0o022
            and os.access(folder, os.W_OK)
        ):
            return folder
    except (OSError, AttributeError, RuntimeError):
        pass
    own = tempfile.mkdtemp(prefix="orch-kernels-")
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    return Path(own)
