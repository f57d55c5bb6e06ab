"""A play in which nobody plays but people: no policy, no engine, and nothing is ever pressed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from nitropilot.agent.errors import NotPossibleNow
from nitropilot.agent.play.loop import PlayLoop
from nitropilot.controller.human.reader import human_report
from nitropilot.engines.base import ActionChunk, Engine, EngineInfo, PolicySpec
from nitropilot.policy.actions import ACTION_DIM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nitropilot.controller.human.reader import HumanReport
    from nitropilot.engines.base import Request


class Nobody(Engine):
    """In the place of a policy where there is none; computes nothing, and holds nothing."""

    def __init__(self) -> None:
        self.spec = PolicySpec(
            name="nobody", fingerprint="", is_random=False, image_size=1, frames=1, horizon=1,
            action_dim=ACTION_DIM, steps=0,
        )  # fmt: skip
        self.info = EngineInfo("none", "", "", "nobody plays but people")

    def infer_batch(self, _requests: Sequence[Request]) -> list[ActionChunk]:
        """Never.

        Raises:
            NotPossibleNow: Always.
        """
        refuse_to_play()

    def warm_up(self) -> float:
        """There is nothing to."""
        return 0.0

    def close(self) -> None:
        """There is nothing to."""


class PeopleLoop(PlayLoop):
    """Looks after the game while people play it; says so while there is no pad to play it with."""

    def idle(self) -> None:
        """As ``PlayLoop``."""
        super().idle()
        if not self.game.stopped:
            self._wait_for(missing_pad(human_report()))

    def close(self) -> None:
        """Nothing runs beside this loop."""

    def _round(self, _epoch: int) -> None:
        refuse_to_play()

    def _break_off(self) -> None:
        """Nothing is ever planned."""


def missing_pad(report: HumanReport) -> str:
    """What keeps a person's pad from being read, with the fix; "" for nothing."""
    if not report.available:
        return "; ".join(filter(None, (report.reason, report.hint)))
    return "no pad is there: plug one in" if report.pads == 0 else ""


def refuse_to_play() -> NoReturn:
    """Nobody is there who could.

    Raises:
        NotPossibleNow: Always.
    """
    raise NotPossibleNow(
        "this session only records what people do: it has no policy",
        "start another one, with a policy",
    )
