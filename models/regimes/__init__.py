"""Training regimes, one per file, by name."""

from .clipping import Clipping as Clipping
from .constructed import Constructed as Constructed
from .regime import Regime as Regime
from .sparse_forcing import SparseForcing as SparseForcing
from .zero_reset import ZeroReset as ZeroReset

REGIMES: dict[str, type[Regime]] = {
    regime.name: regime for regime in (SparseForcing, Clipping, ZeroReset, Constructed)
}
