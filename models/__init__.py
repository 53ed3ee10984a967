"""Recurrent architectures, training regimes, stacked training and free runs."""

from .architecture import Architecture as Architecture
from .architecture import Parameters as Parameters
from .architecture import State as State
from .lstm import LSTM as LSTM
from .plrnn import PLRNN as PLRNN
from .rnn import RNN as RNN
from .urnn import URNN as URNN

ARCHITECTURES: dict[str, type[Architecture]] = {
    architecture.name: architecture for architecture in (RNN, PLRNN, LSTM, URNN)
}
