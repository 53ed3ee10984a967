"""Shared datasets: one in full, since floors and exponents are claims about full length."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from orchestrator.systems import Flow, get
from orchestrator.systems.dataset import Dataset, load
from orchestrator.systems.exponents import ExponentSettings


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """lorenz63_published in full: 100,000 points and all settings as shipped."""
    return load("lorenz63_published", cache=tmp_path_factory.mktemp("systems"))


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Published recordings and analyses, where they lie beside the repository; they are not part of it."""
    folder = Path(__file__).parents[3] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the published recordings are not beside the repository")
    return folder


@pytest.fixture
def small_system() -> Flow:
    """Lorenz-63 short enough to be generated in a moment; its exponents mean little."""
    lorenz63 = get("lorenz63")
    assert isinstance(lorenz63, Flow)
    return dataclasses.replace(
        lorenz63,
        name="small",
        n_points=3_000,
        transient_time=20.0,
        exponent_settings=ExponentSettings(members=4, time=2.0, transient=1.0),
    )


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "systems"
