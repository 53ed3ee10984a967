"""The paper's theorems on gradients and dynamics, looked up in networks that ran: what is claimed, what was
measured, in how many networks it holds.

    findings = examine(read_networks(connection, scope=Scope(["theorems"])))
    Console().print(render_findings(findings))
"""

from .claims import CLAIMS as CLAIMS
from .claims import Claim as Claim
from .findings import Finding as Finding
from .findings import examine as examine
from .networks import Network as Network
from .networks import read_left_out as read_left_out
from .networks import read_networks as read_networks
from .table import render_findings as render_findings
