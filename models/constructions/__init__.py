"""Networks whose dynamics are known beforehand, made and not trained, to try statements about dynamics on.

    fixed_point      all runs end in one point
    cycle            all runs end in a cycle
    quasi_periodic   a turn by an irrational share of the circle
    chaotic          PLRNN: the tent map x ← 1 − μ|x|, whose exponent is ln μ; RNN, LSTM: large random weights
    superstable      a fixed point at which the Jacobian is zero
    neutral          one that neither forgets nor diverges, as near to z ← z as the architecture gets

The first four attract, but for the PLRNN's turn, and in them the rest of the M units follows by a random
contraction, so that no network is small in disguise.
"""

from .construct import ARCHITECTURES as ARCHITECTURES
from .construct import KINDS as KINDS
from .construct import SMALLEST as SMALLEST
from .construct import Kind as Kind
from .construct import construct as construct
