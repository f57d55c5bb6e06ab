"""What pages quote of the card is what it says, in rows as `policies inspect pocket` has them."""

from __future__ import annotations

import re

import pytest

from nitropilot.policy.naming import POCKET, SHIPPED
from nitropilot.policy.shipped.card import read_card
from nitropilot.server.cli.engine.card import rows_of
from nitropilot.simulator.arcade.tasks import TASKS
from tests.house.test_docs import PAGES

WON = re.compile(r"\d+ of \d+")


def quoted(text: str) -> list[tuple[str, ...]]:
    """Rows of tables that say how often a task of the arcade was won, and whether it was seen."""
    found = []
    for line in re.findall(r"^\|(.+)\|$", text, re.M):
        cells = tuple(cell.strip().strip("`*") for cell in line.split("|"))
        if cells[0] in TASKS and cells[1] in ("seen", "unseen") and WON.fullmatch(cells[2]):
            found.append(cells)
    return found


def test_figures_are_those_of_the_card() -> None:
    """A figure that was right for the policy of before is read as one of today's."""
    rows = rows_of(read_card(SHIPPED[POCKET]))
    said = {page.name: quoted(page.read_text(encoding="utf-8")) for page in PAGES}
    wrong = {name: [row for row in found if row not in rows] for name, found in said.items()}
    assert {name: found for name, found in wrong.items() if found} == {}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("| `runner-1` | seen | 81 of 100 | 0.71 to 0.88 | 0.90 |", 1),
        ("| maze-2 | **unseen** | 3 of 100 | 0.01 to 0.09 | 0.20 |", 1),
        ("| runner-1 | platformer | 81 of 100 |", 0),
        ("| `runner` | platformer | left stick |", 0),
    ],
)
def test_what_is_a_quotation(line: str, found: int) -> None:
    """A row that is overlooked is never wrong."""
    rows = quoted(f"Some words.\n\n{line}\n")
    assert len(rows) == found
    assert all(len(row) == 5 and row[1] in ("seen", "unseen") for row in rows)
