"""What a trial is: its resolved settings, as canonical JSON, as a SHA-256.

The identity holds whatever changes the result, and nothing else: not the device, the stack, the
worker, a path or the name of a study. Keys are sorted, numbers typed by their field (1 and 1.0 are
one where the field is a float) and fields at their default are left out, so that an option added
later does not orphan old results.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from . import systems
from .models.architecture import Architecture
from .models.regimes.regime import Regime
from .models.settings import TrainingSettings
from .settings import EvaluationSettings

VERSIONS = {"measures": 1, "training": 1}
"""Raised when a change to measures or training changes the results of the same settings."""


def canonical_json(value: object) -> str:
    """JSON with sorted keys and no spaces: equal settings, equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: object) -> str:
    """SHA-256 of the canonical JSON, hexadecimal."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def _settings(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(exclude_defaults=True)


_NO_SEED = -987654321012345678
"""Stands for a seed in a text; no setting has this value."""


@dataclass(frozen=True)
class Trial:
    """One system × architecture × regime × settings × seed, resolved."""

    system: str
    architecture: Architecture
    regime: Regime
    training: TrainingSettings
    evaluation: EvaluationSettings
    seed: int
    data: str | None = field(default=None, compare=False)
    """Of a trial that was recorded: the digest of the data of one's own that it was trained on. None: those
    that the system's name stands for now."""

    @cached_property
    def context(self) -> dict[str, Any]:
        """All but regime and seed: what a comparison of regimes holds fixed."""
        # What stands under a name may be corrected; a version, raised by hand, then makes other trials.
        # Tests pin what each version stands for, so that none is forgotten.
        versions = {key: value for key, value in VERSIONS.items() if value != 1}
        parts: dict[str, Any] = {
            "system": self._system_identity,
            "architecture": {"name": self.architecture.name, **_settings(self.architecture)},
            "training": _settings(self.training),
            "evaluation": _settings(self.evaluation),
            "versions": versions,
        }
        return {key: value for key, value in parts.items() if value}

    @property
    def _system_identity(self) -> dict[str, Any]:
        if self.data is not None:
            return {"name": self.system, "data": self.data}
        return dict(systems.get(self.system).identity)

    @cached_property
    def cell(self) -> dict[str, Any]:
        """All but the seed."""
        return {**self.context, "regime": {"name": self.regime.name, **_settings(self.regime)}}

    @cached_property
    def config(self) -> dict[str, Any]:
        """The whole resolved trial, defaults left out."""
        return {**self.cell, "seed": self.seed}

    @cached_property
    def trial_id(self) -> str:
        """SHA-256 of `config`."""
        return digest(self.config)

    @cached_property
    def cell_id(self) -> str:
        """SHA-256 of `cell`."""
        return digest(self.cell)

    @cached_property
    def context_id(self) -> str:
        """SHA-256 of `context`."""
        return digest(self.context)

    @property
    def settings(self) -> dict[str, dict[str, Any]]:
        """All settings but the seed, those at their defaults too, by what they are of.

        A system has its name as it is declared, and what can be set of it (`System.settings`)."""
        base, varied = systems.split(self.system) or (self.system, {})
        # Of variants that of their base: what is hashed of a collected one holds its noise and length.
        identity = systems.get(base).identity if varied else self._system_identity
        return {
            "system": {**identity, "name": base, **systems.get(self.system).settings},
            **self.in_full,
            "versions": dict(VERSIONS),
        }

    @property
    def in_full(self) -> dict[str, dict[str, Any]]:
        """Settings of what is trained and evaluated, and how."""
        return {
            "architecture": {"name": self.architecture.name, **self.architecture.model_dump()},
            "regime": {"name": self.regime.name, **self.regime.model_dump()},
            "training": self.training.model_dump(),
            "evaluation": self.evaluation.model_dump(),
        }

    @property
    def tau(self) -> int | None:
        """The learning interval, where the regime has one."""
        return getattr(self.regime, "tau", None)

    @property
    def regime_label(self) -> str:
        """The regime with what was set of it, for people: `clipping(max_norm=10)`."""
        settings = _settings(self.regime)
        inside = ", ".join(f"{key}={_plain(value)}" for key, value in settings.items())
        return f"{self.regime.name}({inside})" if inside else self.regime.name

    @property
    def context_label(self) -> str:
        """The settings that differ from the defaults, for people."""
        data = self._system_identity.get("data")
        parts = {
            **({"data": data[:8]} if data else {}),
            **_settings(self.architecture),
            **_settings(self.training),
            **{f"evaluation.{key}": value for key, value in _settings(self.evaluation).items()},
        }
        return ", ".join(f"{key}={_plain(value)}" for key, value in parts.items())

    def ids_of(self, seeds: Iterable[int]) -> list[str]:
        """`trial_id` of this cell with each of these seeds, fast: plans can hold 100,000 trials."""
        before, after = canonical_json({**self.cell, "seed": _NO_SEED}).split(str(_NO_SEED))
        begun, end = hashlib.sha256(before.encode()), after.encode()
        ids = []
        for seed in seeds:
            hashed = begun.copy()
            hashed.update(b"%d" % seed + end)
            ids.append(hashed.hexdigest())
        return ids

    def with_seed(self, seed: int) -> "Trial":
        """The same cell, another seed."""
        other = replace(self, seed=seed)
        # What all seeds of a cell share is worked out once: plans can hold 100,000 trials.
        for name in ("context", "cell", "context_id", "cell_id"):
            other.__dict__[name] = getattr(self, name)
        return other


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def trial_from_config(config: dict[str, Any]) -> Trial:
    """The trial that a `config` describes, as this version has it: the inverse of `Trial.config`.

    A config of an older version of the system, of measures or of training gives the trial of the version
    now, whose id is another.

    Raises:
        KeyError: an architecture or regime that this version does not know.
        pydantic.ValidationError: a setting that this version does not know or allow.
    """
    from .models import ARCHITECTURES
    from .models.regimes import REGIMES

    architecture = dict(config["architecture"])
    regime = dict(config["regime"])
    return Trial(
        system=config["system"]["name"],
        architecture=ARCHITECTURES[architecture.pop("name")](**architecture),
        regime=REGIMES[regime.pop("name")](**regime),
        training=TrainingSettings(**config.get("training", {})),
        evaluation=EvaluationSettings(**config.get("evaluation", {})),
        seed=config["seed"],
        data=config["system"].get("data"),
    )


def recorded_settings(config: str) -> str:
    """`Trial.settings` of a `config` as JSON; `{}` where this version does not know them."""
    from pydantic import ValidationError

    try:
        return canonical_json(trial_from_config(json.loads(config)).settings)
    except (KeyError, TypeError, ValueError, ValidationError, systems.DataError):
        return "{}"
