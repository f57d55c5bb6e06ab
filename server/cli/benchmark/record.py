"""``nitropilot benchmark record``: a person enters."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from nitropilot.server.cli.benchmark.run import OutOption, SeedsOption, VideoOption, play_wish
from nitropilot.server.cli.terminal.output import JsonOption

EPISODES = 3


def record(
    task: Annotated[list[str], typer.Option(help="What is played; repeatable.")],
    suite: Annotated[str, typer.Option(help="arcade or free10.")] = "arcade",
    episodes: Annotated[int, typer.Option(min=1, help="Episodes a task.")] = EPISODES,
    seeds: SeedsOption = None,
    out: OutOption = None,
    video: VideoOption = False,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Play tasks yourself with your own gamepad, in real time; kept like any policy's result."""
    from nitropilot.simulator.benchmark.policies.builtin import HUMAN, check_pads
    from nitropilot.simulator.benchmark.policies.errors import EntryError
    from nitropilot.simulator.benchmark.policies.naming import Entry
    from nitropilot.simulator.benchmark.runner.suites import choose_tasks
    from nitropilot.simulator.benchmark.runner.wishes import Wish, parse_seeds

    wish = Wish(
        tasks=tuple(choose_tasks(suite, tasks=task)),
        entries=(Entry(HUMAN, HUMAN),),
        seeds=tuple(range(episodes)) if seeds is None else parse_seeds(seeds),
        track="realtime",
        video=video,
        jobs=1,
    )
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        raise EntryError("there is no display to see the game on", "set DISPLAY")
    check_pads()
    play_wish(wish, out, as_json=as_json)
