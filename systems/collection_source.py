"""The equations of the package `dysts`, read from its files and made into `derivatives` and `partials`.

Two files of the package are read: its table of systems, and the source of its equations, which is run apart
from the rest. So nothing is imported that takes seconds, last digits do not depend on whether numba is there,
and what is run is what `digest` tells from others.

The equations are of single numbers. Most take arrays over the members of an ensemble as they are; those that
sum over an index of their own do where numpy's functions are told which axis is meant. `Equations.agree` is
the check.

Three systems jump where a coordinate changes sign, which neither integrators of high order nor variational
equations can follow: there the jump is spread over `JUMP_WIDTH`, in units of the coordinate.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import math
import tokenize
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from .base import FloatArray

JUMPS = frozenset({"FluidTrampoline", "SprottMore", "StickSlipOscillator"})
JUMP_WIDTH = 1e-3

DIFFERENCE = float(np.finfo(np.float64).eps) ** (1 / 3)
"""Steps of central differences, relative to the range of what is moved."""

_LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


class _Ordinary:
    """In place of the package's base class of ordinary differential equations."""

    values: Sequence[Any]

    def rhs(self, x: Sequence[Any], t: Any) -> Any:
        return self._rhs(*x, t, *self.values)  # type: ignore[attr-defined]


@cache
def _folder() -> Path | None:
    found = find_spec("dysts")
    return Path(next(iter(found.submodule_search_locations or ()))) if found else None


@cache
def table() -> dict[str, dict[str, Any]]:
    """What the package says of its systems; empty where it is not installed."""
    folder = _folder()
    text = (folder / "data" / "chaotic_attractors.json").read_text(encoding="utf-8") if folder else "{}"
    table: dict[str, dict[str, Any]] = json.loads(text)
    return table


@cache
def _source() -> tuple[Path, str, dict[str, ast.ClassDef]]:
    path = (_folder() or Path()) / "flows.py"
    text = path.read_text(encoding="utf-8")
    return path, text, {node.name: node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)}


@cache
def _classes(smooth: bool, ensemble: bool) -> dict[str, Any]:
    """The package's classes, on numpy alone.

    Args:
        smooth: jumps are spread over `JUMP_WIDTH`.
        ensemble: components are arrays over members. What equations sum over stands before it.
    """
    path, _, nodes = _source()
    functions = dict(vars(np))
    if smooth:
        functions["sign"] = lambda x: np.tanh(x / JUMP_WIDTH)
        functions["heaviside"] = lambda x, _: 0.5 + 0.5 * np.tanh(x / JUMP_WIDTH)
    if ensemble:
        functions["arange"] = lambda *limits: np.arange(*limits)[:, None]
        functions["sum"] = lambda a: a.sum(axis=0)
        functions["dot"] = lambda a, b: (a * b).sum(axis=0)
        functions["matmul"] = lambda a, b: np.matmul(a[0], b)
        functions["hstack"] = np.concatenate
    names = {
        "np": types.SimpleNamespace(**functions),
        "max": np.maximum,
        "DynSys": _Ordinary,
        "DynSysDelay": _Ordinary,
        "staticjit": staticmethod,
    }
    exec(compile(ast.Module(list(nodes.values()), []), str(path), "exec"), names)
    return names


@lru_cache(maxsize=64)
def model_of(system: str, values: tuple[float, ...], ensemble: bool) -> Any:
    """The package's object with these parameters, in the order of `parameters_of`."""
    model, rest = _classes(system in JUMPS, ensemble)[system](), iter(values)
    declared = table()[system]["parameters"]
    for key in sorted(declared):
        shape = np.shape(declared[key])
        entries = [next(rest) for _ in range(math.prod(shape))]
        value: Any = np.reshape(entries, shape) if shape else entries[0]
        if ensemble and shape:
            # The transpose of a matrix must broadcast over members, which come last.
            value = value[:, None] if len(shape) == 1 else value[None]
        setattr(model, key, value)
    model.values = [getattr(model, key) for key in sorted(declared)]
    return model


def parameters_of(system: str) -> dict[str, float]:
    """Parameters by name, those of arrays each by its own: w_0_1."""
    return {
        "_".join((key, *map(str, index))): float(value)
        for key, values in sorted(table()[system]["parameters"].items())
        for index, value in np.ndenumerate(np.asarray(values, dtype=np.float64))
    }


def digest(system: str) -> str:
    """SHA-256, hex, of the text of a system's equations, comments and layout aside."""
    _, text, nodes = _source()
    lines, said, names = text.splitlines(keepends=True), [], [system]
    for name in names:
        if name in nodes:
            names += [base.id for base in nodes[name].bases if isinstance(base, ast.Name)]
            part = io.StringIO("".join(lines[nodes[name].lineno - 1 : nodes[name].end_lineno]))
            said += [t.string for t in tokenize.generate_tokens(part.readline) if t.type not in _LAYOUT]
    return hashlib.sha256("\0".join(said).encode()).hexdigest()


@dataclass(frozen=True)
class Equations:
    """`derivatives` of a `Flow`."""

    system: str
    keys: tuple[str, ...]
    timed: bool
    """Time is in the equations, and so the last of the states."""

    def __call__(self, *components: Any, **parameters: float) -> Sequence[Any]:
        values = tuple(parameters[key] for key in self.keys)
        shape = np.shape(components[0])
        if not shape:
            model = model_of(self.system, values, False)
            single, t = (components[:-1], components[-1]) if self.timed else (components, 0.0)
            rates = model.rhs(single if hasattr(model, "_rhs") else np.array(single), t)
            return (*rates, 1.0) if self.timed else rates
        flat = np.stack([np.ravel(component) for component in components])
        x, t = (flat[:-1], flat[-1]) if self.timed else (flat, 0.0)
        rates = model_of(self.system, values, True).rhs(x, t)
        full = [np.broadcast_to(rate, flat.shape[1]).reshape(shape) for rate in rates]
        return (*full, np.ones(shape)) if self.timed else full

    def agree(self, states: FloatArray, parameters: Mapping[str, float]) -> bool:
        """Whether they give the same for states (k, n) at once as for one at a time."""
        try:
            together = np.transpose(self(*states.T, **parameters))
        except (ValueError, IndexError, TypeError):
            return False
        singly = np.array([self(*state, **parameters) for state in states.tolist()])
        return bool(np.abs(together - singly).max() <= 1e-9 * np.abs(singly).max())


@dataclass(frozen=True)
class Differences:
    """`partials` of a `Flow`, by central differences."""

    derivatives: Equations
    steps: tuple[float, ...]

    def __call__(self, *components: Any, **parameters: float) -> list[Any]:
        u = np.stack(components)
        n = len(u)
        step = np.reshape(self.steps, (n,) + (1,) * (u.ndim - 1))
        moved = np.repeat(u[:, None], 2 * n, axis=1)
        for j in range(n):
            moved[j, j] += step[j]
            moved[j, n + j] -= step[j]
        return [(rate[:n] - rate[n:]) / (2 * step) for rate in self.derivatives(*moved, **parameters)]


@dataclass(frozen=True)
class DelayedEquation:
    """`derivative` of a `DelayEquation`."""

    system: str
    keys: tuple[str, ...]

    def __call__(self, x: Any, delayed: Any, **parameters: float) -> Any:
        # The delay, which the equation need not know, is not among them.
        model = model_of(self.system, tuple(parameters.get(key, 0.0) for key in self.keys), False)
        return model.rhs((x, delayed), 0.0)


@dataclass(frozen=True)
class DelayedDifferences:
    """`partials` of a `DelayEquation`, by central differences."""

    derivative: DelayedEquation
    step: float

    def __call__(self, x: Any, delayed: Any, **parameters: float) -> tuple[Any, Any]:
        h = self.step

        def f(x: Any, delayed: Any) -> Any:
            return self.derivative(x, delayed, **parameters)

        here = (f(x + h, delayed) - f(x - h, delayed)) / (2 * h)
        there = (f(x, delayed + h) - f(x, delayed - h)) / (2 * h)
        return here, there
