"""Shared fixtures: a real run of `lorenz_smoke`, made once per session with the command line."""

# What imports NumPy is imported where it is needed: its threads, and those of torch, are told of first.
import contextlib
import io
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers have a core each: threads that wait for each other by counting take what the others need.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

ORCH = str(Path(sys.executable).with_name("orch"))

# A user's folders of the same names as ours, which must never be imported in their stead.
SHADOWS = ("models", "systems", "reports", "studies", "orchestrator")

SMOKE = '"$0" study run lorenz_smoke >../said 2>&1; echo $? >../ending; mv ../ending ../ended'
"""Says how it ended even if who began it is gone by then."""

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-quic",
)  # fmt: skip

MEASURES = """
    SELECT trial_id, status, final_loss, d_stsp, d_h, psc, outside_share,
           d_stsp_published, d_h_published, psc_published, list_sort(list((epoch, quantity, value)))
    FROM trials JOIN curves USING (trial_id) GROUP BY ALL ORDER BY trial_id
"""


def environment() -> dict[str, str]:
    """That of a user who keeps results where they are by default."""
    return {key: value for key, value in os.environ.items() if key != "ORCH_RESULTS"}


@dataclass(frozen=True)
class Orch:
    """The command line as a user has it, in a working directory full of misleading folders."""

    directory: Path

    @property
    def results(self) -> Path:
        return self.directory / "results"

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a command and return at once."""
        return subprocess.Popen(
            [ORCH, *arguments],
            cwd=self.directory,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: str, code: int = 0, stdin: str | None = None) -> tuple[str, str]:
        """Run a command, check its exit code, return stdout and stderr."""
        done = subprocess.run(
            [ORCH, *arguments],
            cwd=self.directory,
            env=environment(),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout, done.stderr

    def here(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        """As a call, in this process: to start one takes longer than most commands do."""
        from orchestrator import cli

        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        hooks = warnings.showwarning, sys.excepthook, sys.argv, os.environ.pop("ORCH_RESULTS", None)
        sys.argv = ["orch", *arguments]
        try:
            with contextlib.ExitStack() as stack:
                stack.enter_context(contextlib.chdir(self.directory))
                stack.enter_context(contextlib.redirect_stdout(out))
                stack.enter_context(contextlib.redirect_stderr(err))
                ended = cli._run()
        finally:
            warnings.showwarning, sys.excepthook, sys.argv, folder = hooks
            if folder is not None:
                os.environ["ORCH_RESULTS"] = folder
        said = []
        for stream in out, err:
            stream.flush()
            said.append(stream.buffer.getvalue().decode())
        assert ended == code, f"{arguments}: {ended}\n{said[0]}\n{said[1]}"
        return said[0], said[1]

    @contextlib.contextmanager
    def served(self, *options: str) -> Iterator[str]:
        """The address of `orch serve` while it serves; it must end well, with all that it started."""
        process = self.start("serve", "--port", "0", *options)
        assert process.stdout is not None
        children: list[str] = []
        try:
            yield process.stdout.readline().strip()
            with contextlib.suppress(OSError):  # Linux tells
                children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
            process.communicate()
        assert process.returncode == 0 and "Traceback" not in err, f"{out}\n{err}"
        deadline = time.monotonic() + 10
        while any(os.path.exists(f"/proc/{pid}") for pid in children):
            assert time.monotonic() < deadline, "a process outlives the server that started it"
            time.sleep(0.05)

    def measures(self, results: Path | None = None) -> list[tuple[Any, ...]]:
        """All that was measured of every trial, to the last digit."""
        from orchestrator.store import Store

        with Store(results or self.results).reading() as (connection, _):
            return connection.execute(MEASURES).fetchall()


def make_orch(directory: Path) -> Orch:
    """A working directory whose folders shadow ours and break whoever imports them."""
    for name in SHADOWS:
        (directory / name).mkdir(parents=True)
        (directory / name / "__init__.py").write_text(f"raise RuntimeError('the user\\'s own {name}')\n")
    return Orch(directory)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium, where there is one; it holds the thread's event loop, so not for long."""
    api = pytest.importorskip("playwright.sync_api", reason="needs the extra `browser`")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is on PATH")
    with api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=list(BROWSER_ARGUMENTS))
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def needs_compiler(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What does not ask the code under test: where there is a compiler, that has to find it."""
    there = next(filter(shutil.which, ("cc", "gcc", "clang")), "cc")
    command = [*shlex.split(os.environ.get("CC", there)), "-x", "c", "-", "-shared", "-fPIC", "-o"]
    made = tmp_path_factory.mktemp("compiled") / "probe.so"
    source = "#include <math.h>\ndouble probe(double x) { return exp(x); }\n"
    try:
        done = subprocess.run([*command, str(made)], input=source, capture_output=True, text=True)
    except OSError as error:
        pytest.skip(f"{command[0]} cannot be run: {error}")
    if done.returncode:
        pytest.skip(f"{command[0]} compiles nothing: {done.stderr}")


@pytest.fixture
def orch(tmp_path: Path) -> Orch:
    """The command line in an empty working directory."""
    return make_orch(tmp_path / "work")


@pytest.fixture(scope="session", autouse=True)
def smoke_begun(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the smoke run is made, once for all workers, beside the first tests: half of it waits for Ray."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    made = shared / "smoke"
    process = None
    if any("smoke" in item.fixturenames for item in request.session.items):
        with contextlib.suppress(FileExistsError):  # another worker began it
            made.mkdir()
            process = subprocess.Popen(
                ["sh", "-c", SMOKE, ORCH],
                cwd=make_orch(made / "work").directory,
                env=environment(),
                start_new_session=True,
            )
    yield made
    if process is None:
        return
    if "PYTEST_XDIST_WORKER" in os.environ:  # another worker may still wait for it
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=240)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="session")
def smoke(smoke_begun: Path, tmp_path_factory: pytest.TempPathFactory) -> Orch:
    """A finished run of `lorenz_smoke`, this worker's own; tests that add to it make a copy."""
    deadline = time.monotonic() + 240
    ended = smoke_begun / "ended"
    while not ended.exists():
        assert time.monotonic() < deadline, "the smoke run does not end"
        time.sleep(0.1)
    said = (smoke_begun / "said").read_text()
    assert ended.read_text().strip() == "0" and "Traceback" not in said, said
    mine = make_orch(tmp_path_factory.mktemp("smoke") / "work")
    shutil.copytree(smoke_begun / "work" / "results", mine.results)
    return mine


@pytest.fixture
def smoke_copy(smoke: Orch, orch: Orch) -> Orch:
    """The finished run in a working directory of the test's own."""
    shutil.copytree(smoke.results, orch.results)
    return orch
