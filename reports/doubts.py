"""What is to be known of a λ_max, and so of a τ_pred, that was read off data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .trials import Context


def of_exponents(contexts: Iterable[Context]) -> Iterator[str]:
    """A sentence each on systems whose λ_max comes from no equations."""
    by_origin: dict[str | None, set[str]] = {}
    for context in contexts:
        by_origin.setdefault(context.lambda_from, set()).add(context.system)
    if noise := by_origin.get("noise"):
        yield (
            f"λ_max and τ_pred of {', '.join(sorted(noise))} are those of a slope which noise of the same "
            "spectrum has too: no evidence of chaos, and no more than a place to start from."
        )
    if data := by_origin.get("data"):
        yield (
            f"λ_max and τ_pred of {', '.join(sorted(data))} are those of a slope read off data, whose error "
            "is that of chance alone: `orch system analyse` says how far it may be trusted."
        )
