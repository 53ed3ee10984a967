"""A plain install (`pip install .`), in a working directory full of misleading folders."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_a_plain_install_runs_a_study_in_driver_and_workers(tmp_path, orch):
    """Not slow for training but for building: it needs pip and a package index."""
    installed = tmp_path / "installed"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", installed, ROOT]
    subprocess.run(command, check=True)
    environment = {**os.environ, "PYTHONPATH": str(installed)}

    def run(code: str, *arguments: str) -> str:
        # -P as for a console script: the working directory is not put on the import path.
        command = [sys.executable, "-P", "-c", code, *arguments]
        done = subprocess.run(
            command, cwd=orch.directory, env=environment, capture_output=True, text=True, timeout=240
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = run("import orchestrator, orchestrator.models as m; print(orchestrator.__file__, m.__file__)")
    assert all(Path(path).is_relative_to(installed) for path in where.split())
    main = "from orchestrator.cli import main; main()"
    run(main, "study", "run", "lorenz_smoke")
    rows = json.loads(run(main, "sql", "SELECT DISTINCT status FROM trials", "--format", "json"))
    assert rows == [{"status": "ok"}]
