"""Recordings of others that systems are made from: where they are published and where they lie here.

They lie in `raw/` of the data folder, `./data` unless the environment's `ORCH_DATA` says otherwise. None is
shipped: `orch data fetch NAME` brings one.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .base import DataError


def data_folder() -> Path:
    """Where recordings and series of one's own lie: `ORCH_DATA`, else `./data`; absolute."""
    return Path(os.environ.get("ORCH_DATA") or "data").expanduser().absolute()


class MissingDataError(DataError):
    """A recording is not here. The message says how to get it."""


@dataclass(frozen=True, kw_only=True)
class RawFile:
    """One published file."""

    name: str
    """As `orch data fetch` calls it."""
    file: str
    """Its name on disk."""
    description: str
    size: int
    """Bytes."""
    sha256: str | None = None
    """Where one is known; a file without is known by the two that follow."""
    columns: tuple[str, ...] = ()
    """The first columns that the header of a CSV file names."""
    rows: int | None = None
    """Lines of a CSV file below its header."""
    addresses: tuple[str, ...]
    """Tried in turn; one that ends in `.zip` holds the file as its only member of that name."""
    licence: str
    cite: str

    @property
    def path(self) -> Path:
        """Where it lies, or would."""
        return data_folder() / "raw" / self.file

    def found(self) -> Path:
        """Where it lies, whole as far as a checksum is known.

        Raises:
            MissingDataError: it is not there, or is another file.
        """
        if not self.path.is_file():
            raise MissingDataError(
                f"{self.file} ({self.description}) is not in {self.path.parent}: "
                f"`orch data fetch {self.name}` downloads it ({self.size / 1e6:.1f} MB), "
                "`--from FILE` takes a copy at hand"
            )
        if self.sha256 is not None and _sha256(self.path, self.path.stat().st_mtime_ns) != self.sha256:
            raise MissingDataError(
                f"{self.path} is not the recording that this name stands for (its SHA-256 is another): "
                f"`orch data fetch {self.name}` replaces it"
            )
        return self.path


@cache
def _sha256(path: Path, changed: int) -> str:
    """Of a file; read once for every time at which it was changed."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


EEG = RawFile(
    name="eegmmidb_s001r01",
    file="S001R01.edf",
    description="64-channel EEG of subject 1 at rest, eyes open, one minute at 160 Hz",
    size=1_275_936,
    sha256="4743b736131a7e147c150e8b37711029b6cda5e356c4b3e8261a03cdcaaf8b0c",
    addresses=(
        "https://physionet.org/files/eegmmidb/1.0.0/S001/S001R01.edf",
        "https://physionet-open.s3.amazonaws.com/eegmmidb/1.0.0/S001/S001R01.edf",
    ),
    licence="Open Data Commons Attribution License 1.0",
    cite=(
        "Schalk et al., IEEE Trans. Biomed. Eng. 51, 1034 (2004); "
        "Goldberger et al., Circulation 101, e215 (2000)"
    ),
)

JENA = RawFile(
    name="jena",
    file="jena_climate_2009_2016.csv",
    description="weather station of the Max Planck Institute for Biogeochemistry, Jena, every ten minutes",
    size=43_164_220,
    # No checksum is published, and copies differ in their quotes and line ends.
    columns=("Date Time", "p (mbar)", "T (degC)"),
    rows=420_551,
    addresses=(
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/jena_climate_2009_2016.csv.zip",
        "https://s3.amazonaws.com/keras-datasets/jena_climate_2009_2016.csv.zip",
        "https://storage.googleapis.com/learnjs-data/jena_climate/jena_climate_2009_2016.csv",
    ),
    licence="none stated: for your own use, not to be passed on",
    cite="Max Planck Institute for Biogeochemistry, Jena; put together by F. Chollet (2017)",
)

JENA_PUBLISHED = RawFile(
    name="jena_published",
    file="tde_temperature_MoreSmoothedNoYearShort.npy",
    description="the prepared temperature series released with the sparse-forcing paper",
    size=236_128,
    sha256="e24324e14ca79360a07d65074736edec4741d9b02ef084b796df2c3506047cfe",
    addresses=(
        "https://raw.githubusercontent.com/DurstewitzLab/ChaosRNN/"
        "0e84b300e03a250cdafbf0128f4644226201572a/datasets/tde_temperature_MoreSmoothedNoYearShort.npy",
    ),
    licence="GNU GPLv3 and Creative Commons Attribution, by its readme",
    cite="Mikhaeil, Monfared & Durstewitz, NeurIPS (2022)",
)

RAW_FILES: dict[str, RawFile] = {raw.name: raw for raw in (EEG, JENA, JENA_PUBLISHED)}
