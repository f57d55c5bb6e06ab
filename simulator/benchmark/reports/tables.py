"""Tables of figures as Markdown; N stands in each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nitropilot.simulator.benchmark.reports.groups import Group
    from nitropilot.simulator.benchmark.statistics.bootstrap import Estimate


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table, line by line; what would end a cell in it is escaped."""
    lines = [heads, ["---"] * len(heads), *rows]
    return [
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    ]


def group_table(kind: str, groups: Iterable[Group]) -> list[str]:
    """A table of groups of one kind."""
    heads = (kind, "N", "won", "success", "95 % (exact)", "95 % (Wilson)", "progress", "95 %",
             "IQM", "95 %", "void")  # fmt: skip
    return table(heads, [_cells(each) for each in groups])


def _cells(each: Group) -> list[str]:
    mean, iqm = each.progress
    count = str(each.episodes) if each.episodes == each.asked else f"{each.episodes}/{each.asked}"
    return [
        each.name, count, str(each.successes), percent(each.success_rate),
        span(percent(each.exact.low), percent(each.exact.high)),
        span(percent(each.wilson.low), percent(each.wilson.high)),
        number(mean.value), between(mean), number(iqm.value), between(iqm), str(each.void),
    ]  # fmt: skip


def percent(share: float | None) -> str:
    """A share in percent; a dash for none."""
    return "-" if share is None else f"{100 * share:.1f} %"


def number(value: float | None) -> str:
    """Three digits of a number; a dash for none."""
    return "-" if value is None else f"{value:.3f}"


def between(estimate: Estimate) -> str:
    """An estimate's interval."""
    return "-" if estimate.value is None else span(number(estimate.low), number(estimate.high))


def span(low: str, high: str) -> str:
    """From one to the other."""
    return f"{low} to {high}"


def chance(p: float) -> str:
    """A p-value as people write it."""
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"
