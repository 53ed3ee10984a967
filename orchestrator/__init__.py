"""Declared experiment sweeps for RNNs trained on chaotic data, with a results database.

The rooms `models/`, `systems/`, `reports/` and `studies/` stand beside this folder in the repository
and are installed under it: `import orchestrator.models`. In a source checkout that was never
installed they are found through the search path below.
"""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_here = Path(__file__).resolve().parent
if not (_here / "models").is_dir():
    __path__.append(str(_here.parent))

try:
    __version__ = version("orch-dsr")
except PackageNotFoundError:  # a checkout that was never installed
    __version__ = "0+checkout"
