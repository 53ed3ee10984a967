"""Kernels in C against tensor operations: the same losses, gradients and steps, or none at all."""

import importlib.util
import math
import os
import shlex
import shutil
import threading

import numpy as np
import pytest
import torch

from orchestrator import compiler as compiling
from orchestrator.models import ARCHITECTURES, rollout
from orchestrator.models.adam import Adam
from orchestrator.models.initial import stack_initial
from orchestrator.models.kernels.free_runs import RunKernel, run_kernel_for
from orchestrator.models.kernels.free_runs import _kernel as _run_kernel
from orchestrator.models.kernels.losses import Kernel, _kernel, kernel_for
from orchestrator.models.kernels.networks import WEIGHTS
from orchestrator.models.readout import right_inverse
from orchestrator.models.regimes import Clipping, SparseForcing, ZeroReset
from orchestrator.models.rollout import free_run
from orchestrator.models.settings import TrainingSettings
from orchestrator.models.tangents import Tangents
from orchestrator.models.training import Stack

SEEDS = [3, 8]
REGIMES = [SparseForcing(tau=1), SparseForcing(tau=7), SparseForcing(tau=60), Clipping(), ZeroReset(tau=20)]


def series(columns: int) -> np.ndarray:
    t = np.arange(600)[:, None]
    return np.sin(t * np.linspace(0.11, 0.37, columns) + np.arange(columns)) * np.sqrt(2)


def stack(
    name: str, regime, *, latent: int, columns: int = 3, rows: int = 5, precision: str = "float64"
) -> Stack:
    settings = TrainingSettings(
        sequence_length=60, batch_size=rows, batches_per_epoch=2, epochs=2, precision=precision
    )
    architecture = ARCHITECTURES[name](latent_dim=latent)
    return Stack(architecture, regime, settings=settings, series=series(columns), seeds=SEEDS)


def assert_as_autograd(ours: Stack, tolerance: float) -> None:
    assert ours.kernel is not None and ours.computed_by == ours.kernel.name
    positions = ours.positions(1)[0]
    losses, gradient, norms = ours.losses_and_gradients(positions)
    ours.kernel = None
    expected, true, true_norms = ours.losses_and_gradients(positions)
    torch.testing.assert_close(losses, expected.double(), rtol=tolerance, atol=0)
    assert ((gradient - true).norm(dim=1) <= tolerance * true.norm(dim=1)).all()
    torch.testing.assert_close(norms, true_norms.double(), rtol=tolerance, atol=0)


@pytest.mark.usefixtures("needs_compiler")
@pytest.mark.parametrize("regime", REGIMES, ids=lambda r: f"{r.name}-{getattr(r, 'tau', '')}")
@pytest.mark.parametrize(
    ("latent", "columns", "rows"), [(30, 3, 32), (7, 1, 5), (12, 5, 33), (31, 5, 33), (40, 37, 17)]
)
@pytest.mark.parametrize("name", sorted(WEIGHTS))
def test_losses_and_gradients_are_those_of_autograd(name, latent, columns, rows, regime):
    """Units, variables and windows that fill vectors, tiles and blocks, and that leave something over."""
    for precision, tolerance in (("float64", 1e-12), ("float32", 1e-4)):
        ours = stack(name, regime, latent=latent, columns=columns, rows=rows, precision=precision)
        assert_as_autograd(ours, tolerance)


@pytest.mark.usefixtures("needs_compiler")
@pytest.mark.parametrize("weights", [[[0, 50.0], [50, 0]], [[0, 0], [50, 50.0]]])
def test_a_window_that_ended_does_not_explode_beside_one_that_goes_on(weights):
    """Its vector goes on: states that grow fiftyfold a step would be infinite, gradients no numbers."""
    settings = TrainingSettings(sequence_length=50, batch_size=2)
    x = np.r_[-np.ones(48), np.ones(152)][:, None]
    architecture = ARCHITECTURES["plrnn"](latent_dim=2)
    ours = Stack(architecture, SparseForcing(tau=48), settings=settings, series=x, seeds=[1])
    with torch.no_grad():
        parameters = ours.parameters()
        parameters["AW"][:] = torch.tensor(weights)
        parameters["h"].zero_()
        parameters["B"][:] = torch.tensor([[1.0, 0]])
    positions = torch.zeros(1, 2, dtype=torch.int64)
    _, gradient, norms = ours.losses_and_gradients(positions)
    ours.kernel = None
    _, true, true_norms = ours.losses_and_gradients(positions)
    assert norms.isfinite().all()
    torch.testing.assert_close(gradient, true, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(norms, true_norms.double(), rtol=1e-5, atol=0)


@pytest.mark.usefixtures("needs_compiler")
@pytest.mark.parametrize(("precision", "bias"), [("float32", 2e38), ("float64", 1e308)])
@pytest.mark.parametrize("name", ["rnn", "lstm"])
def test_a_unit_that_is_driven_beyond_all_numbers_is_saturated(name, precision, bias):
    """What is not linear is taken of more than the largest number there is, on either side."""
    ours = stack(name, SparseForcing(tau=7), latent=7, precision=precision)
    with torch.no_grad():
        biases = ours.parameters()["h" if name == "rnn" else "b"]
        biases[:, ::4], biases[:, 2::4] = bias, -bias
    assert_as_autograd(ours, 1e-4 if precision == "float32" else 1e-12)


@pytest.mark.usefixtures("needs_compiler")
def test_the_caller_keeps_its_denormal_numbers():
    """Kernels flush them to zero while they run, in whatever thread that is."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        stack("rnn", SparseForcing(tau=7), latent=3, precision="float32").train_epoch()
    finally:
        torch.set_num_threads(before)
    assert np.float32(1e-40) * np.float32(0.5) > 0


@pytest.mark.usefixtures("needs_compiler")
@pytest.mark.parametrize("name", sorted(WEIGHTS))
def test_training_is_that_of_tensor_operations(name):
    ours, theirs = (stack(name, SparseForcing(tau=7), latent=12) for _ in range(2))
    theirs.kernel = None
    for _ in range(3):
        np.testing.assert_allclose(ours.train_epoch(), theirs.train_epoch(), rtol=1e-9)
    torch.testing.assert_close(ours.flat, theirs.flat, rtol=1e-9, atol=1e-12)


@pytest.mark.usefixtures("needs_compiler")
def test_members_may_have_threads_of_their_own():
    """As many as torch has: no digit depends on it."""
    ours = Stack(
        ARCHITECTURES["lstm"](latent_dim=12), SparseForcing(tau=7), series=series(3), seeds=range(5),
        settings=TrainingSettings(sequence_length=60, batch_size=5),
    )  # fmt: skip
    positions, before = ours.positions(1)[0], torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = ours.losses_and_gradients(positions)
        torch.set_num_threads(3)
        together = ours.losses_and_gradients(positions)
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(alone, together, strict=True))


@pytest.mark.usefixtures("needs_compiler")
def test_threads_that_are_gone_leave_nothing_behind():
    """Ray Tune has a thread for each stack: what a kernel works in goes from one to the next."""
    ours = stack("rnn", SparseForcing(tau=7), latent=13)
    ours.kernel.workspaces._free.clear()
    for _ in range(20):
        thread = threading.Thread(target=ours.train_epoch)
        thread.start()
        thread.join()
    assert ours.epoch == 20 and len(ours.kernel.workspaces._free) <= torch.get_num_threads()


def test_the_optimiser_is_the_usual_one():
    """Against torch.optim.Adam, and by the kernel, with a member that is lost on the way."""
    random = torch.Generator().manual_seed(0)
    start = torch.randn(3, 64, generator=random, dtype=torch.float64)
    gradients = torch.randn(5, 3, 64, generator=random, dtype=torch.float64)
    usual = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([usual], lr=0.01)
    for gradient in gradients:
        usual.grad = gradient.clone()
        optimiser.step()
    kernels: list[Kernel | None] = [None]
    found = kernel_for("rnn", latent_dim=4, observed_dim=2, dtype=torch.float64, device=torch.device("cpu"))
    kernels += [found] if isinstance(found, Kernel) else []
    for kernel in kernels:
        flat, alive = start.clone(), torch.ones(3, dtype=torch.bool)
        adam = Adam(flat, rate=0.01)
        for step, gradient in enumerate(gradients):
            mine = gradient.clone()
            mine[1] = torch.inf if step == 2 else mine[1]
            norms = mine.norm(dim=1)
            adam.update(flat, mine, alive=alive, losses=torch.zeros(3).double(), norms=norms, kernel=kernel)
            if step == 1:
                frozen = flat[1].clone()
        assert alive.tolist() == [True, False, True]
        torch.testing.assert_close(flat[[0, 2]], usual.detach()[[0, 2]], rtol=1e-12, atol=1e-14)
        assert torch.equal(flat[1], frozen)
        # Loss and gradient may be finite, and what the step leads to not.
        far, alive = torch.full((2, 64), -1.7e308, dtype=torch.float64), torch.ones(2, dtype=torch.bool)
        gradient = torch.ones(2, 64, dtype=torch.float64)
        gradient[0] = 0
        norms = gradient.norm(dim=1)
        Adam(far, rate=1e307).update(
            far, gradient, alive=alive, losses=torch.zeros(2).double(), norms=norms, kernel=kernel
        )
        assert alive.tolist() == [True, False] and (far == -1.7e308).all()


@pytest.mark.usefixtures("needs_compiler")
def test_a_read_out_without_full_rank_costs_its_member_alone():
    ours = stack("rnn", SparseForcing(tau=7), latent=12)
    with torch.no_grad():
        B = ours.parameters()["B"]
        B[0, 1] = B[0, 0]
        assert not right_inverse(B)[0].isfinite().all()
    ours.train_epoch()
    assert ours.alive.tolist() == [False, True] and ours.flat[1].isfinite().all()


@pytest.mark.usefixtures("needs_compiler")
@pytest.mark.parametrize(("latent", "columns"), [(30, 3), (7, 1), (40, 17)])
@pytest.mark.parametrize("name", sorted(WEIGHTS))
def test_free_runs_are_those_of_tensor_operations(name, latent, columns, monkeypatch):
    """Of several runs each, with states on the way; a network that blows up is NaN from there on."""
    architecture = ARCHITECTURES[name](latent_dim=latent)
    for dtype, tolerance in ((torch.float64, 1e-10), (torch.float32, 1e-3)):
        parameters = stack_initial(architecture, columns, seeds=[1, 2, 3], dtype=dtype)
        if name == "plrnn":
            parameters["AW"][1] *= 1e8
        start = torch.from_numpy(series(columns)[:4])
        marks = [1, 5, 40]
        runs = {}
        for way in ("kernel", "torch"):
            if way == "torch":
                monkeypatch.setattr(rollout, "run_kernel_for", lambda *args, **options: "none")
            else:
                device = torch.device("cpu")
                found = run_kernel_for(name, latent_dim=latent, dtype=dtype, device=device)
                assert isinstance(found, RunKernel)
            runs[way] = free_run(architecture, parameters, start=start, steps=60, landmarks=marks)
            monkeypatch.undo()
        ours, theirs = runs["kernel"], runs["torch"]
        assert ours.series.shape == (3, 4 * 60, columns) and ours.landmarks.shape == theirs.landmarks.shape
        finite = np.isfinite(theirs.series)
        assert finite[[0, 2]].all() and finite[1].all() == (name != "plrnn")
        assert np.array_equal(np.isfinite(ours.series), finite)
        close = np.isclose(ours.series, theirs.series, rtol=tolerance, atol=tolerance)
        assert (close | ~finite)[[0, 2]].all()
        torch.testing.assert_close(
            ours.landmarks[[0, 2]], theirs.landmarks[[0, 2]], rtol=tolerance, atol=tolerance
        )
        alone = free_run(
            architecture, {k: v[2:] for k, v in parameters.items()}, start=start, steps=60, landmarks=marks
        )
        assert np.array_equal(alone.series[0], ours.series[2])  # whoever else is in the stack


@pytest.mark.usefixtures("needs_compiler")
@pytest.mark.parametrize(("latent", "count"), [(30, 6), (7, 1), (12, 24), (9, 41)])
@pytest.mark.parametrize("name", sorted(WEIGHTS))
def test_tangent_vectors_are_those_of_tensor_operations(name, latent, count):
    """Fewer vectors than lanes, as many as fill several, and more than there are components."""
    architecture = ARCHITECTURES[name](latent_dim=latent)
    parameters = stack_initial(architecture, 2, seeds=[1, 2, 3], dtype=torch.float32)
    parameters = {key: 2 * value for key, value in parameters.items()}
    random = torch.Generator().manual_seed(0)
    size = sum(part.shape[1] for part in architecture.start(torch.zeros(1, latent, 1)))
    states = torch.randn(3, 4, size, generator=random)
    vectors = torch.randn(3, 4, size, count, generator=random)
    states[1, 2] = torch.inf
    ours, theirs = Tangents(architecture, parameters), Tangents(architecture, parameters)
    assert ours._kernel is not None
    theirs._kernel = None
    for rescaled in (False, True):
        found, expected = (way.along(states, vectors, steps=9, rescaled=rescaled) for way in (ours, theirs))
        finite = expected.states.isfinite().all(dim=2)
        assert finite.sum() == 11 and torch.equal(found.states.isfinite().all(dim=2), finite)
        for one, other in zip(found[:3], expected[:3], strict=True):
            torch.testing.assert_close(one[finite], other[finite], rtol=1e-11, atol=1e-12)
        torch.testing.assert_close(found.path, expected.path, rtol=1e-11, atol=1e-12)
        assert (found.scales != 0).all() == rescaled


def test_vectors_of_which_nothing_is_left_and_of_numbers_beyond_all():
    architecture = ARCHITECTURES["plrnn"](latent_dim=2)
    weights = torch.tensor([0.0, 1e-200, 1e200], dtype=torch.float64)
    parameters = {
        "AW": torch.diag_embed(weights[:, None].expand(-1, 2)),
        "h": torch.zeros(3, 2, dtype=torch.float64),
        "B": torch.ones(3, 1, 2, dtype=torch.float64),
    }
    networks = Tangents(architecture, parameters)
    kernels = [networks._kernel, None]
    for kernel in kernels:
        networks._kernel = kernel
        far = networks.along(torch.zeros(3, 1, 2), torch.eye(2).expand(3, 1, -1, -1), steps=5, rescaled=True)
        expected = [-math.inf, -1000 * math.log(10), 1000 * math.log(10)]
        assert far.scales[:, 0].tolist() == pytest.approx(expected, rel=1e-12)


@pytest.fixture
def anew(monkeypatch, tmp_path):
    """Compilers are looked for and kernels compiled as if for the first time."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    caches = (compiling._compiler_or_why, compiling._kept_folder, _kernel, _run_kernel)
    for cached in caches:
        cached.cache_clear()
    yield tmp_path
    for cached in caches:
        cached.cache_clear()


@pytest.mark.parametrize("cc", ["no-such-compiler", "false", "cc 'left open"])
def test_without_a_compiler_it_trains_by_tensor_operations(cc, anew, monkeypatch):
    monkeypatch.setenv("CC", cc)
    ours = stack("lstm", SparseForcing(tau=7), latent=12)
    assert ours.kernel is None and f"CC is {cc}, which is no compiler of C" in ours.computed_by
    assert "no compiler of C" in rollout.computed_by(ours.architecture, ours.parameters())
    losses, _ = ours.train_epoch()
    assert np.isfinite(losses).all()


@pytest.fixture
def commands(anew, monkeypatch):
    """A PATH of nothing but what is put there, and no package of a compiler unless one is put there too."""
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(anew))
    monkeypatch.syspath_prepend(str(anew))
    monkeypatch.setenv("PYTHONPATH", str(anew))
    found = importlib.util.find_spec
    monkeypatch.setattr(
        compiling.importlib.util,
        "find_spec",
        lambda name: found(name) if name != "ziglang" or (anew / name).exists() else None,
    )

    def put(name: str, text: str) -> None:
        (anew / name).parent.mkdir(exist_ok=True)
        (anew / name).write_text(text)
        (anew / name).chmod(0o755)

    return put


def handing_on(to: list[str]) -> str:
    """A compiler in Python, as a package has one, that is another."""
    return f"import os, sys; assert sys.argv.pop(1) == 'cc'; os.execv({to[0]!r}, {to} + sys.argv[1:])\n"


@pytest.fixture
def real(needs_compiler) -> list[str]:
    """What runs this machine's compiler wherever PATH leads."""
    command = [word for word in compiling.compiler().command if not word.startswith("-m")]
    return [str(shutil.which("env")), f"PATH={os.environ['PATH']}", *command]


def test_a_machine_without_a_compiler_is_told_of_one_that_pip_brings(commands):
    with pytest.raises(
        compiling.NoCompilerError, match=r"no compiler of C: none.*pip install 'orch-dsr\[compiler\]'"
    ):
        compiling.compiler()


def test_a_compiler_that_pip_brought_is_found(real, commands):
    commands("ziglang/__init__.py", "")
    commands("ziglang/__main__.py", handing_on(real))
    ours = stack("rnn", SparseForcing(tau=7), latent=3)
    assert compiling.compiler().command[2:5] == ("-m", "ziglang", "cc")
    losses, _ = ours.train_epoch()
    assert ours.kernel is not None and np.isfinite(losses).all()


def test_a_compiler_that_compiles_nothing_does_not_stand_before_one_that_does(real, commands):
    """One that preprocesses and cannot link, as where the headers or the linker are not installed."""
    half = f"""#!/bin/sh
case " $* " in *" -dM "*) exec {shlex.join(real)} "$@";; esac
echo 'collect2: fatal error: cannot find ld' >&2; exit 1
"""
    commands("cc", half)
    with pytest.raises(compiling.NoCompilerError, match=r"cc: .*cannot find ld.*orch-dsr\[compiler\]"):
        compiling.compiler()
    compiling._compiler_or_why.cache_clear()
    commands("ziglang/__init__.py", "")
    commands("ziglang/__main__.py", "raise SystemExit('no clang here')\n")
    with pytest.raises(compiling.NoCompilerError, match=r"cannot find ld; ziglang: no clang here$"):
        compiling.compiler()
    compiling._compiler_or_why.cache_clear()
    commands("ziglang/__main__.py", handing_on(real))
    assert "ziglang" in compiling.compiler().command


def test_options_that_an_older_compiler_does_not_know_are_left_out(real, commands):
    commands(
        "cc",
        f"""#!/bin/sh
case " $* " in *prefer-vector-width*) echo "error: unrecognized option" >&2; exit 1;; esac
exec {shlex.join(real)} "$@"
""",
    )
    assert compiling.compiler().command == ("cc", "-march=native")


@pytest.mark.parametrize(("without", "narrow"), [("-mno-avx512f", 32), ("-mno-avx", 16)])
def test_processors_with_narrower_vectors_compute_the_same(without, narrow, real, anew, monkeypatch):
    if compiling.compiler().vector_bytes <= narrow:
        pytest.skip("this processor has no wider ones")
    compiling._compiler_or_why.cache_clear()
    monkeypatch.setenv("CC", shlex.join([*real, without]))
    assert compiling.compiler().vector_bytes == narrow
    for name, precision, tolerance in (
        ("rnn", "float64", 1e-12), ("plrnn", "float32", 1e-4), ("lstm", "float32", 1e-4),
    ):  # fmt: skip
        ours = stack(name, SparseForcing(tau=7), latent=9, columns=5, rows=7, precision=precision)
        assert_as_autograd(ours, tolerance)


@pytest.mark.usefixtures("needs_compiler")
def test_what_was_compiled_is_kept_and_what_does_not_compile_is_said(anew, monkeypatch):
    assert stack("rnn", SparseForcing(tau=7), latent=3).kernel is not None
    _, kept = sorted(anew.rglob("*.so"), key=lambda path: path.stat().st_mtime_ns)
    assert kept.parent.stat().st_mode & 0o077 == 0
    whole = kept.read_bytes()
    kept.unlink()  # it is in use here
    kept.write_bytes(whole[:5000])  # as when the power failed: to load that ends the process
    _kernel.cache_clear()
    assert stack("rnn", SparseForcing(tau=7), latent=3).kernel is not None
    _kernel.cache_clear()
    monkeypatch.setattr(compiling, "FLAGS", (*compiling.FLAGS, "-Dmember=)"))
    assert "does not compile: " in stack("rnn", SparseForcing(tau=7), latent=3).computed_by
    assert not list(kept.parent.glob(".*"))


@pytest.mark.usefixtures("needs_compiler")
def test_what_others_could_write_to_is_not_loaded_from(anew):
    """Nor is a place that is lost a reason to do without: there is one for this process alone."""
    (anew / "orch").mkdir()
    (anew / "orch").chmod(0o775)
    assert stack("rnn", SparseForcing(tau=7), latent=3).kernel is not None
    assert not list(anew.rglob("*.so"))
    (anew / "orch").chmod(0o700)
    for cached in (compiling._kept_folder, compiling._compiler_or_why, _kernel):
        cached.cache_clear()
    shutil.rmtree(compiling._kept_folder())
    (anew / "orch" / "kernels").touch()
    assert stack("rnn", SparseForcing(tau=7), latent=3).kernel is not None


@pytest.mark.usefixtures("needs_compiler")
def test_a_user_without_a_home_has_kernels(anew, monkeypatch):
    """As in a container that runs under a number which nobody has."""
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", lambda number: {}[number])
    assert stack("rnn", SparseForcing(tau=7), latent=3).kernel is not None


def test_there_is_none_for_other_devices_and_sizes():
    cpu = torch.device("cpu")
    sizes = {"latent_dim": 30, "observed_dim": 3, "dtype": torch.float32}
    assert "on meta" in str(kernel_for("rnn", device=torch.device("meta"), **sizes))
    assert "none for urnn" in str(kernel_for("urnn", device=cpu, **sizes))
    assert "none for more than" in str(kernel_for("rnn", device=cpu, **{**sizes, "latent_dim": 200}))
