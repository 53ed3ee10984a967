"""A comparison along a setting, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .along import Along, Line
from .comparison import Outcome
from .settings import plain
from .trend import Trend
from .verdict import ALPHA, NEAR, number, p_text, reconstructs, seeds, times

LEGEND = (
    "Along a setting all else is equal. From the first value to the last: geometric mean of the ratios of "
    "the seeds that both have. A curve that turns has no trend: the table shows it. Far: more than a factor "
    f"{NEAR:g} from τ_pred, so that no τ that was run stands for it.",
    "Rises, falls: seasonal Kendall test, each seed with itself at other values, at 5% and each trend by "
    "itself: of 20 without any, one is said. Holm: p adjusted for all that are shown. Where floors differ "
    "between values so do scores: look at the ratios. All seeds share the data of a value, and a tuned τ is "
    "one choice for all of them, so a trend is one of these data and choices.",
)

_NOT_TOLD = "not told apart from {} at {}"

_SAID: dict[Outcome, str] = {
    "better": "better than {} at {}",
    "worse": "worse than {} at {}",
    "both_at_ceiling": "at the ceiling like {} at {}",
}


def headlines(found: Sequence[Along], measure: str) -> tuple[str, ...]:
    """What is said of all, each line with what it is of."""
    return tuple(f"{one.title}, {said}" for one in found for said in sentences(one, measure))


def sentences(one: Along, measure: str) -> Iterator[str]:
    """One about each method: from where to where, which way, and how it stands to the baseline where."""
    for line in one.lines:
        first, last = line.points[0], line.points[-1]
        said = [
            f"{line.name}: {measure} {number(first.mean.value)} at {one.setting}={plain(first.value)}, "
            f"{number(last.mean.value)} at {plain(last.value)}{_factor(line)}: "
            f"{_which_way(line.scores, 'rises', 'falls')}"
        ]
        hollow = [
            plain(point.value)
            for point in line.points
            if reconstructs(point.part.context, point.mean.value) is False
        ]
        if hollow:
            said.append(f"no reconstruction at {', '.join(hollow)}")
        said += _against(line, one.baseline)
        if line.ratios.seeds:
            way = _which_way(line.ratios, "loses ground", "gains ground")
            said.append(f"against {one.baseline} as {one.setting} grows: {way}")
        far = [plain(point.value) for point in line.points if point.part.is_far]
        if 0 < len(far) < len(line.points):
            said.append(f"far from τ_pred at {', '.join(far)}")
        lacking = [plain(value) for value in one.contexts if value not in {p.value for p in line.points}]
        if lacking:
            said.append(f"not compared at {', '.join(lacking)}")
        yield "; ".join(said)
    if one.left_out:
        yield f"at one value alone, and left out: {', '.join(one.left_out)}"


def _factor(line: Line) -> str:
    ends = line.ends
    if ends.value is None or ends.low is None:
        return ""
    common = "" if ends.n == line.points[0].mean.n == line.points[-1].mean.n else f", {ends.n} common seeds"
    return f", which is {times(ends.value)} as much (95% {times(ends.low)} to {times(ends.high)}{common})"


def _which_way(found: Trend, up: str, down: str) -> str:
    if found.p is None or found.concordance is None:
        return "no seed is scored at two values"
    if found.least_p >= ALPHA:
        return f"too few to show a trend ({seeds(found.seeds)} cannot give p below {p_text(found.least_p)})"
    way = "no trend shown" if found.p >= ALPHA else up if found.concordance > 0 else down
    if found.p < ALPHA <= (found.p_holm or 0):
        way += ", by itself alone"
    return f"{way} (p {p_text(found.p)}, Holm {p_text(found.p_holm)}, {seeds(found.seeds)})"


def _against(line: Line, baseline: str) -> Iterator[str]:
    where: dict[str, list[str]] = {}
    for point in line.points:
        if point.part.row is not None:
            where.setdefault(_SAID.get(point.part.row.outcome, _NOT_TOLD), []).append(plain(point.value))
    for said, values in where.items():
        yield said.format(baseline, ", ".join(values))
