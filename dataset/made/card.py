"""The card of a set of our own: ``README.md``, whose head is what the hub shows and sorts by."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from nitropilot.dataset.errors import NotExtracted
from nitropilot.dataset.output.published import no_room
from nitropilot.records.format import PART

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from nitropilot.dataset.made.folder import MadeLevel
    from nitropilot.dataset.made.make import Wanted

CARD = "README.md"
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"),
         (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))  # fmt: skip
"""Rows below which the hub has each of its names."""
MOST = "10M<n<100M"
TITLE = "NitroPilot Arcade"
NITROGEN, LEROBOT = "nitrogen", "lerobot"
TEXT = """# {title}

Play of {count} games of NitroPilot's own arcade with a controller drawn over it, and what was
pressed in each frame. The games' own scripts play. All of it is made from a seed: the same
command makes the same set.

```
{command}
```

| | |
| --- | --- |
| videos | {videos}, a level each |
| hours | {hours:.2f} |
| frames and rows a second | {hz} |
| pictures | {size}x{size}, H.264, the controller drawn on them |
| skins | {skins} |
| licence | {licence} |
| creator | {creator} |

| game | videos | hours |
| --- | --- | --- |
{games}

## What is in it

{layouts}
Labels are not read off the videos: they are what was pressed. A picture shows what the action
of its own row did. In about {noise:.0%} of the levels somebody else has the pad now and then,
and the script finds its way back: such rows are in their place and marked, and are not to be
learned ({foreign} of {rows}).

The controller tells the answer, so it must not be seen in training. `bbox_controller_overlay` of
each chunk's `metadata.json` says where it is; in the LeRobot layout it is blackened already.
"""
LAYOUTS: dict[str, str] = {
    NITROGEN: """**NitroGen's published layout** in `{place}`: `SHARD_*/VIDEO/CHUNK/` with
`actions_raw.parquet`, `actions_processed.parquet` (chunks with at least half of their steps
active) and `metadata.json`; the whole videos are in `videos/`, with a sidecar of facts each.
""",
    LEROBOT: """**LeRobotDataset v3.0** in `{place}`: an episode is an unbroken stretch of play, a
task is a game; a frame has the action that was chosen on seeing it. Rows that are not to be
learned have `none` in `nitropilot.source`.
""",
}
DATA = {NITROGEN: "SHARD_*/*/*/actions_raw.parquet", LEROBOT: "data/*/*.parquet"}


def head(rows: int, licence: str, layouts: Mapping[str, str]) -> str:
    """The card's head: YAML, each value of it written as JSON, which is YAML too.

    Args:
        rows: Of the set.
        licence: As the hub names it.
        layouts: Where each lies, "." for the folder itself.
    """
    said: dict[str, Any] = {
        "license": licence,
        "pretty_name": TITLE,
        "task_categories": ["robotics"],
        "tags": ["video-games", "gamepad", "behavior-cloning", "nitrogen"]
        + (["LeRobot"] if LEROBOT in layouts else []),
        "size_categories": [next((name for most, name in SIZES if rows < most), MOST)],
        "configs": [
            {"config_name": name, "data_files": _below(place, DATA[name])}
            for name, place in layouts.items()
        ],
    }
    lines = [f"{name}: {json.dumps(value)}" for name, value in said.items()]
    return "\n".join(["---", *lines, "---", ""])


def write_card(
    folder: Path,
    wanted: Wanted,
    levels: Sequence[MadeLevel],
    layouts: Mapping[str, str],
    facts: Mapping[str, str],
) -> Path:
    """Write the card of a set, or of one of its layouts alone.

    Args:
        folder: Where.
        wanted: How the set was made.
        levels: What is in it.
        layouts: Where in ``folder`` each lies, "." for the folder itself.
        facts: ``licence``, ``creator`` and ``command``.

    Raises:
        NotExtracted: There is no room.
    """
    kept = [level for level in levels if level.video_id]
    rows = sum(level.rows for level in kept)
    text = TEXT.format(
        title=TITLE, count=len(wanted.games), videos=len(kept), hours=rows / wanted.hz / 3600,
        hz=wanted.hz, size=wanted.size, noise=wanted.noisy, rows=rows,
        foreign=sum(level.foreign for level in kept),
        skins=", ".join(f"{name} ({n})" for name, n in _counted(level.skin for level in kept)),
        games="\n".join(_game_line(game, kept, wanted.hz) for game in wanted.games),
        layouts="\n".join(
            LAYOUTS[name].format(place=place) for name, place in layouts.items()
        ), **facts,
    )  # fmt: skip
    path = folder / CARD
    part = folder / f"{CARD}{PART}"
    try:
        part.write_text(head(rows, facts["licence"], layouts) + "\n" + text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise no_room(path, error) from error
    return path


def _counted(names: Any) -> list[tuple[str, int]]:
    return sorted(Counter(names).items())


def _game_line(game: str, kept: Sequence[MadeLevel], hz: int) -> str:
    its = [level.rows for level in kept if level.game == game]
    return f"| {game} | {len(its)} | {sum(its) / hz / 3600:.2f} |"


def _below(place: str, pattern: str) -> str:
    return pattern if place == "." else f"{place}/{pattern}"


def require_kept(levels: Sequence[MadeLevel]) -> None:
    """Raises NotExtracted where no level is in the set."""
    if not any(level.video_id for level in levels):
        raise NotExtracted("no level was won, and the set is empty", "ask for more hours")
