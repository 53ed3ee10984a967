"""Whether results that are to be compared come from the same code.

`code_fingerprint` names what the code that shaped a result says, as `shared-system-architecture-regime`.
Trials of one context are comparable where the first three agree, trials of one regime where all do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import duckdb

from .scope import ALL, Scope
from .trials import Context, ReportError

PARTS = ("shared code", "system", "architecture", "regime")
UNKNOWN = "unknown"


class StaleError(ReportError):
    """Results of different code would be pooled."""

    def __init__(self, mixed: Sequence[str]) -> None:
        """
        Args:
            mixed: what `mixed_codes` found.
        """
        super().__init__(
            "\n".join(
                [
                    *mixed,
                    "--allow-stale pools them nevertheless; `orch study run STUDY --retry-stale` runs those "
                    "again that were not made by the code as it is now.",
                ]
            )
        )


def mixed_codes(
    connection: duckdb.DuckDBPyConnection,
    read: Sequence[Context],
    *,
    scope: Scope = ALL,
) -> list[str]:
    """A sentence per context whose trials come from different code; failed trials do not count."""
    records = connection.execute(
        f"""
        SELECT context_id, regime, coalesce(code_fingerprint, '{UNKNOWN}'), count(*)
        FROM (FROM {scope.rows})
        WHERE status <> 'failed' GROUP BY ALL ORDER BY ALL"""
    ).fetchall()
    titles = {context.context_id: context.title for context in read}
    by_context: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
    for context_id, regime, fingerprint, count in records:
        by_context[context_id].append((regime, fingerprint, count))
    sentences = []
    for context_id, codes in by_context.items():
        differing = _differing(codes)
        if differing:
            trials: dict[str, int] = defaultdict(int)
            for _, fingerprint, count in codes:
                trials[fingerprint] += count
            counts = ", ".join(f"{fingerprint} ({count})" for fingerprint, count in trials.items())
            sentences.append(
                f"{titles[context_id]}: trials of different code ({', '.join(differing)}); "
                f"fingerprints and trials: {counts}."
            )
    return sentences


def _differing(codes: Sequence[tuple[str, str, int]]) -> list[str]:
    if len({fingerprint == UNKNOWN for _, fingerprint, _ in codes}) > 1:
        return ["of some it was not recorded"]
    split = [(regime, fingerprint.split("-")) for regime, fingerprint, _ in codes]
    if any(len(parts) != len(PARTS) for _, parts in split):
        return []  # recorded of none
    differing = [PARTS[i] for i in range(3) if len({parts[i] for _, parts in split}) > 1]
    by_regime: dict[str, set[str]] = defaultdict(set)
    for regime, parts in split:
        by_regime[regime].add(parts[3])
    return differing + [f"{PARTS[3]} {name}" for name, found in by_regime.items() if len(found) > 1]
