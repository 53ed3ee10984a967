"""The declared file: what is accepted, and one clear message for what is not."""

import json
import re
from pathlib import Path

import pytest

from orchestrator import catalogue, lookup
from orchestrator.declaration import Declared, Grid, Seeds
from orchestrator.errors import StudyError
from orchestrator.identity import canonical_json, trial_from_config
from orchestrator.models import ARCHITECTURES
from orchestrator.models.regimes import REGIMES
from orchestrator.models.settings import TrainingSettings
from orchestrator.settings import EvaluationSettings
from orchestrator.study import from_declaration, load
from orchestrator.systems import System

GOOD = """
[grid]
system = ["lorenz63"]
architecture = ["rnn", "plrnn"]
[regimes.sparse_forcing]
tau = [5, 10]
[regimes.clipping]
max_norm = [1, 10.0]
[architectures.plrnn]
latent_dim = [10, 20]
[seeds]
count = 3
[training]
epochs = 4
sequence_length = 50
"""


@pytest.fixture
def write(tmp_path):
    def write(text: str):
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return path

    return write


def test_lists_are_axes_and_seeds_are_replicates(write):
    study = load(write(GOOD))
    cells = list(study.cells())
    assert len(cells) == (1 + 2) * (2 + 2)
    assert len({cell.cell_id for cell in cells}) == 12
    trials = list(study.trials())
    assert len({trial.trial_id for trial in trials}) == 36 and {t.seed for t in trials} == {0, 1, 2}
    trained = load(write(GOOD), ["training.epochs=[4, 8]", "training.sequence_length=[50, 60]"])
    assert [(t.training.epochs, t.training.sequence_length) for t in trained.cells()][::4] == [
        (4, 50), (4, 60), (8, 50), (8, 60),
    ] * 3  # fmt: skip
    assert {cell.cell_id for cell in cells} < {cell.cell_id for cell in trained.cells()}
    labels = {cell.regime_label for cell in cells}
    assert labels == {"sparse_forcing(tau=5)", "sparse_forcing(tau=10)", "clipping", "clipping(max_norm=10)"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ('"lorenz63"', '"lorenz36"'),
            "grid.system: no system is named 'lorenz36'; did you mean 'lorenz63'?",
        ),
        (('"rnn"', '"rnnn"'), "no architecture is named 'rnnn'; did you mean 'rnn'?"),
        (("[regimes.clipping]", "[regimes.cliping]"), "regimes: no regime is named 'cliping'; did you mean"),
        (("tau = [5, 10]", "tau = [5, 0]"), "regimes.sparse_forcing.tau: expected a value ≥ 1, got 0"),
        (("tau = [5, 10]", "tau = [5, 5]"), "regimes.sparse_forcing.tau: 5 is listed twice"),
        (("tau = [5, 10]", "tau = []"), "tau: expected at least one value, got an empty list"),
        (("tau = [5, 10]", ""), "regimes.sparse_forcing.tau: is missing: learning interval τ in steps"),
        (("tau = [5, 10]", "tau = 51"), "tau: expected at most training.sequence_length (50), got 51"),
        (("tau = [5, 10]", "tua = [5]"), "regimes.sparse_forcing.tua: unknown key; did you mean 'tau'?"),
        (("count = 3", "count = -3"), "seeds.count: expected a value ≥ 1, got -3"),
        (
            ("epochs = 4", 'epochs = "four"'),
            'training.epochs: expected a whole number, got the string "four"',
        ),
        (("epochs = 4", "epochs = 4.5"), "training.epochs: expected a whole number, got 4.5"),
        (("epochs = 4", "epoch = 4"), "training.epoch: unknown key; did you mean 'epochs'?"),
        (
            ("latent_dim = [10, 20]", "latent_dim = 2"),
            "expected at least 3, the dimension of lorenz63, got 2",
        ),
        (("[grid]", "[grid]\nlatent_dim = [5]"), "latent_dim stands in [architectures.NAME], where a list"),
        (("[grid]", "[grid]\nlearning_rate = [1]"), "learning_rate stands in [training], where a list is an"),
        (("[grid]", "[grid]\nsteps = [1]"), "steps stands in [evaluation], and takes one value"),
        (("[grid]", "[grid]\nrho = [28]"), "rho: unknown key; there is architecture, system; settings"),
        (("[grid]", "[grid]\nsystems = []"), "grid.systems: unknown key; did you mean 'system'?"),
        (("max_norm =", "tau ="), "regimes.clipping.tau: unknown key; there is max_norm, normalise"),
        (("epochs = 4", "epochs = [4, 4]"), "training.epochs: 4 is listed twice"),
        (
            ("[training]", "[evaluation]\nsteps = [2000, 3000]\n[training]"),
            "steps: takes one value, got [2000, 3000]: two values are two",
        ),
        (("latent_dim = [10", "epochs = [10"), "plrnn.epochs: unknown key here: epochs stands in"),
        (("[seeds]\ncount = 3", ""), "seeds: is missing"),
        (("[grid]", "[grid"), "is not valid TOML"),
        (("max_norm = [1, 10.0]", "max_norm = inf"), "regimes.clipping.max_norm: expected a finite number"),
    ],
)
def test_bad_input_names_file_key_and_what_was_expected(write, change, message):
    path = write(GOOD.replace(*change))
    with pytest.raises(StudyError) as caught:
        load(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ") and message in text and caught.value.exit_code == 2


def test_the_page_on_studies_has_every_key_with_its_default_and_its_examples_load(write):
    page = (Path(__file__).parents[2] / "docs" / "studies.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip(" `") for cell in row.split("|")[1:-1]] for row in page.splitlines() if row[:1] == "|"
    ]
    told = {tuple(row[-3:-1]) for row in rows if len(row) > 2}
    leaves = (*ARCHITECTURES.values(), *REGIMES.values())
    tables = {"grid", "regimes", "architectures", "systems", "seeds", "training", "evaluation"}
    for model in (Declared, Grid, Seeds, TrainingSettings, EvaluationSettings, *leaves):
        for key in model.model_fields.keys() - tables:
            field = model.model_fields[key]
            default = "required" if field.is_required() else field.default
            assert (key, "none" if default in (None, "") else str(default).lower()) in told, key
    assert all(f"[{table}" in page for table in tables)
    assert {key for key, _ in told} >= {"dt", *System.SETTINGS}
    whole, varied, searched = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    six = load(write(whole + varied)).systems[:6]
    assert len(set(six)) == 6 and {"lorenz63", "lorenz63(rho=40, noise=0.05)"} <= set(six)
    assert len(load(write(whole)).trial_ids()) == 480 and "480 trials" in page
    forcing = whole[whole.index("[regimes.sparse_forcing]") : whole.index("[regimes.clipping]")]
    assert len(list(load(write(whole.replace(forcing, searched))).searches())) == 8


def test_systems_are_varied_and_known_by_one_name(write):
    study = load(
        write(GOOD), ['grid.system=["lorenz63", "henon( b=0.20)"]', "systems.lorenz63.noise=[0, 1e-1]"]
    )
    assert study.systems == ("lorenz63", "lorenz63(noise=0.1)", "henon(b=0.2)")
    trials = {trial.system: trial for trial in study.trials()}
    for system, trial in trials.items():
        assert trial.config["system"] == {"name": system}
        assert trial_from_config(json.loads(canonical_json(trial.config))) == trial
    of = trials["henon(b=0.2)"].settings  # all of them, by the name that it was declared under
    assert of["system"] == {"name": "henon", "a": 1.4, "b": 0.2, "train_points": 100_000, "noise": 0.0}
    assert of["architecture"].keys() >= {"name", "latent_dim"} and of["training"]["learning_rate"] == 0.001
    thomas = load(write(GOOD), ['grid.system=["dysts:Thomas"]', 'systems."dysts:Thomas".noise=[0, 0.1]'])
    cells = {cell.system: cell for cell in thomas.cells()}.values()  # the last of each
    plain, noisy = (trial_from_config(cell.config).settings for cell in cells)  # as a worker has it
    assert noisy.pop("system") == {**plain.pop("system"), "noise": 0.1} and noisy == plain
    told = lookup.differences(*({"config": canonical_json(one.config)} for one in cells))
    assert ("identity", "system.noise", 0.0, 0.1) in told  # `orch why`
    assert trials["lorenz63"].trial_id == [*load(write(GOOD)).trials()][-1].trial_id
    for key in ("systems.lorenz63(rho=28.5).noise", 'systems."lorenz63(rho=28.5)".noise'):
        of_variant = load(write(GOOD), ['grid.system=["lorenz63(rho=28.5)"]', f"{key}=[0, 0.1]"])
        assert of_variant.systems == ("lorenz63(rho=28.5)", "lorenz63(rho=28.5, noise=0.1)")
    for override, message in [
        ("systems.lorenz63.noise=[0.1, 0.10]", "systems.lorenz63.noise.*: 0.1 is listed twice"),
        ("systems.lorenz63.noise=much", "systems.lorenz63.noise.*: expected a number, got 'much'"),
        ("systems.lorenz63.nose=0.1", "systems.lorenz63.*: .*no such setting: did you mean noise"),
        ("systems.roessler.noise=0.1", "systems.roessler.*: 'roessler' is not in grid.system"),
        ("systems.lorenz63.train_points=[]", "train_points.*: expected at least one value"),
        ('grid.system=["lorenz63(rho=28)", "lorenz63(rho=28.0)"]', r"'lorenz63\(rho=28\)' is listed twice"),
        ('grid.system=["lorenz36(rho=28)"]', "no system is named 'lorenz36'; did you mean 'lorenz63'"),
        ('grid.system=["lorenz63(train_points=100)"]', "expected less than the 100 points of"),
    ]:
        with pytest.raises(StudyError, match=message):
            load(write(GOOD), [override, "training.sequence_length=100"])


def test_every_problem_is_told_at_once(write):
    with pytest.raises(StudyError) as caught:
        load(write(GOOD.replace("tau = [5, 10]", "tau = 0").replace('"rnn"', '"rnx"')))
    assert len(caught.value.problems) == 2


def test_a_regime_may_be_for_some_architectures_alone(write, monkeypatch):
    class Own(ARCHITECTURES["rnn"]):
        name = "own"

    monkeypatch.setitem(ARCHITECTURES, "own", Own)
    both = ["grid.architecture=['rnn', 'own']", "architectures={}"]
    both.append("regimes={constructed={dynamics='cycle'}}")
    with pytest.raises(StudyError) as caught:
        load(write(GOOD), both)
    (said,) = caught.value.problems
    assert said == "regimes.constructed (from --set): is for rnn, plrnn, lstm, urnn, and not for own"


def test_overrides_are_toml_and_are_named_when_they_are_wrong(write):
    overrides = ["training.epochs=9", "regimes={sparse_forcing={tau=7}}", "grid.architecture=lstm"]
    study = load(write(GOOD), [*overrides, "architectures={}"])
    assert study.trainings[0].epochs == 9 and [cell.tau for cell in study.cells()] == [7]
    with pytest.raises(StudyError, match=r"training\.epochs \(from --set\): expected a whole number"):
        load(write(GOOD), ["training.epochs=many"])
    odd = ["grid.architecture=urnn", "architectures={urnn={latent_dim=31}}"]
    with pytest.raises(StudyError, match=r"urnn\.latent_dim.*: expected an even number, .* got 31"):
        load(write(GOOD), odd)
    with pytest.raises(
        StudyError, match=r"report.*: expected 'comparison', 'exponents', 'theorems' or 'tau', got"
    ):
        load(write(GOOD), ["report=theorem"])
    for wrong in ("training.epochs", "=3", "grid.system.name=3"):
        with pytest.raises(StudyError, match="--set"):
            load(write(GOOD), [wrong])


def test_identity_holds_what_changes_the_result_and_nothing_else(write):
    study = load(write(GOOD))
    trial = next(study.trials())
    assert trial.config == {
        "system": {"name": "lorenz63"},
        "architecture": {"name": "rnn"},
        "regime": {"name": "sparse_forcing", "tau": 5},
        "training": {"epochs": 4, "sequence_length": 50},
        "seed": 0,
    }
    other = load(write("description = 'other words'\n" + GOOD.replace("[1, 10.0]", "[1.0, 10]")))
    assert [t.trial_id for t in study.trials()] == [t.trial_id for t in other.trials()]
    explicit = load(write(GOOD + "learning_rate = 1e-3\nbatch_size = 32\n[evaluation]\nsteps = 100000\n"))
    assert [t.trial_id for t in study.trials()] == [t.trial_id for t in explicit.trials()]


def test_ids_of_a_cell_are_those_of_its_trials(write):
    study = load(write(GOOD))
    assert study.trial_ids() == [trial.trial_id for trial in study.trials()]


def test_a_config_leads_back_to_its_trial(write):
    for trial in load(write(GOOD)).trials():
        assert trial_from_config(trial.config) == trial


def test_trial_keys_have_not_changed():
    """These keys stand in databases: a change here orphans every result."""
    golden = {
        ("rnn", "sparse_forcing", 5): "37e0357fc35230c22df4ced0276df3976f45049f937e29e694043f6c4eb161fa",
        ("lstm", "clipping", None): "66a5a38a5a7dcce062615f5d633ccde106a4e10df6a001a9e58377d95ee2d6d2",
    }
    declaration = {
        "grid": {"system": ["lorenz63"], "architecture": ["rnn", "lstm"]},
        "regimes": {"sparse_forcing": {"tau": [5]}, "clipping": {}},
        "seeds": {"count": 1},
    }
    study = from_declaration("golden", declaration, source="golden")
    keys = {(t.architecture.name, t.regime.name, t.tau): t.trial_id for t in study.cells()}
    assert {key: keys[key] for key in golden} == golden


def test_what_a_version_stands_for_has_not_changed():
    """Other data or definitions under an old version would be pooled with the old: raise a version first.

    (`System.version` for a system's data, `identity.VERSIONS` for measures and training.)
    """
    from orchestrator import systems
    from orchestrator.identity import VERSIONS, digest
    from orchestrator.systems.hashing import trajectory_hash
    from orchestrator.systems.measures.presets import DEFAULT_PRESETS, definitions

    data = {
        name: (systems.get(name).version, trajectory_hash(systems.get(name))[:16])
        for name in systems.shipped()
    }
    assert data == {
        "lorenz63": (1, "9f8752b0f6a724d2"), "lorenz63_published": (1, "c8d3fa0863a0b0bb"),
        "duffing": (1, "c45ae3c8d856fdf5"), "duffing_published": (1, "c9bab327155ce8a6"),
        "roessler": (1, "74995727019ef0a1"), "roessler_published": (1, "d5a6f26c923add7a"),
        "lorenz96_10": (1, "82c2c5170bd4884b"), "lorenz96_20": (1, "e3b784103eefa8f6"),
        "mackey_glass": (1, "376a695e7722844a"), "lorenz63_partial": (1, "9428284aef0d2185"),
        "henon": (1, "ba490d3b55d10c56"),
        "eeg": (1, "cd9395f7df89739d"), "eeg_published": (1, "7be9bd2c6f6f5cc0"),
        "jena": (1, "47d2057f7776c591"), "jena_published": (1, "a0bc5d4b758e2503"),
    }  # fmt: skip
    measures = {
        p: {m: d.as_dict() for m, d in ms.items()}
        for p, ms in definitions(DEFAULT_PRESETS, dimension=3).items()
    }
    assert (VERSIONS["measures"], digest(measures)[:16]) == (1, "23492d8d0f11e085")


@pytest.mark.parametrize("name", sorted(catalogue.available()))
def test_shipped_studies_are_valid_and_say_what_they_are(name):
    study = load(catalogue.find(name))
    assert study.description and list(study.cells())


def test_lorenz_tau_is_figure_1a_in_full():
    study = load(catalogue.find("lorenz_tau"))
    taus = [r.tau for r in study.regimes if r.name == "sparse_forcing"]
    assert min(taus) == 5 and max(taus) == 200 and 30 in taus
    assert {a.name for a in study.architectures} == {"rnn", "plrnn", "lstm"}
    [training] = study.trainings
    assert len(study.seeds) == 20 and training.epochs == 3000 and training.batch_size == 32
    assert training.sequence_length == 500
    assert {r.name for r in study.regimes} == {"sparse_forcing", "clipping", "zero_reset"}


def test_study_files_of_the_working_directory_come_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "lorenz_smoke.toml").write_text(GOOD)
    assert catalogue.find("lorenz_smoke").resolve() == (tmp_path / "studies" / "lorenz_smoke.toml").resolve()
    assert catalogue.find("lorenz_tau") == catalogue.shipped_folder() / "lorenz_tau.toml"
    assert str(catalogue.hides_shipped("lorenz_smoke")) == "studies/lorenz_smoke.toml"
    (tmp_path / "studies" / "lorenz_smoke.toml").write_bytes(
        (catalogue.shipped_folder() / "lorenz_smoke.toml").read_bytes()
    )
    assert [catalogue.hides_shipped(name) for name in ("lorenz_smoke", "lorenz_tau", "none")] == [None] * 3


def test_new_writes_a_file_that_loads_or_nothing(tmp_path):
    declaration = {
        "description": 'with "quotes" and τ',
        "grid": {"system": ["lorenz63"], "architecture": ["rnn"]},
        "regimes": {"sparse_forcing": {"tau": [10, 30]}, "clipping": {}},
        "seeds": {"count": 5},
    }
    path = catalogue.new("mine", declaration, folder=tmp_path)
    assert load(path).declaration == declaration
    bad = {**declaration, "seeds": {"count": 0}}
    with pytest.raises(StudyError, match="orch study new bad"):
        catalogue.new("bad", bad, folder=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.toml"]
    with pytest.raises(StudyError):
        from_declaration("x", bad, source="x")


def test_command_line_reports_bad_studies_without_traceback(orch):
    for arguments, message in [
        (["study", "run", "lorenz_smok"], "did you mean 'lorenz_smoke'?"),
        (["study", "plan", "missing.toml"], "there is no such file"),
        (["study", "run", "lorenz_smoke", "--set", "regimes.sparse_forcing.tau=0"], "expected a value ≥ 1"),
        (
            ["study", "new", "x", "--system", "lorenz63", "--architecture", "rnn", "--tau", "a"],
            "whole numbers",
        ),
        (
            ["study", "new", "x y", "--system", "lorenz63", "--architecture", "rnn", "--tau", "3"],
            "cannot name",
        ),
    ]:
        assert message in orch.here(*arguments, code=2)[1]
    assert not orch.results.exists() and not list((orch.directory / "studies").glob("*.toml"))
    systems = "lorenz63,lorenz63(rho=28, noise=0.1)"
    options = ["--system", systems, "--architecture", "rnn,lstm", "--tau", "10,300", "--seeds", "5"]
    orch.here("study", "new", "mine", *options)
    assert "mine" in orch.here("study", "list")[0]
    assert "60 of 60 trials to run" in orch.here("study", "plan", "mine")[1]
