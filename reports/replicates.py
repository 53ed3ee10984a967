"""By what rule a study came to its number of seeds, where that was not declared.

Table relied on: ``studies``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import duckdb


def seed_rules(connection: duckdb.DuckDBPyConnection, studies: Sequence[str]) -> list[str]:
    """A sentence per study, of these names or of all, whose seeds were added until a comparison was
    precise."""
    rows = connection.execute(
        """
        SELECT study, declaration FROM studies WHERE len(?) = 0 OR study IN (SELECT unnest(?))
        QUALIFY recorded_at = max(recorded_at) OVER (PARTITION BY study) ORDER BY study
        """,
        [list(studies), list(studies)],
    ).fetchall()
    said = []
    for study, text in rows:
        declared = json.loads(text)
        seeds = declared.get("seeds", {})
        if seeds.get("until") is None:
            continue
        baseline = seeds.get("baseline", "clipping")
        what = f"each ratio to {baseline}" if baseline in declared.get("regimes", {}) else "each mean"
        most = f" or there were {seeds['max']} seeds" if "max" in seeds else ""
        said.append(
            f"Seeds of {study} were added until the 95% interval of {what} was within "
            f"{seeds['until'].removeprefix('ci ').strip()}{most}, over all seeds: of a tuned τ, which "
            "half of them score, they are wider. The rule looks at widths alone; intervals are not corrected "
            "for it."
        )
    return said
