"""What becomes of a video, in words and figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from nitropilot.dataset.output.facts import Facts
from nitropilot.dataset.output.filtering import Reason
from nitropilot.dataset.output.gate import Figures

if TYPE_CHECKING:
    from collections.abc import Mapping

HOUR = 3600.0
NOTHING_KNOWN = Facts()


@dataclass(frozen=True)
class Overlay:
    """The controller on screen that was found; the one that was there longest.

    Attributes:
        found: Whether there is one.
        skin: Its template.
        score: How well it, or the best that was none, was found.
        box: ``[x, y, w, h]`` of its whole canvas in pixels; may reach out of the picture.
    """

    found: bool = False
    skin: str | None = None
    score: float = 0.0
    box: list[int] | None = None


@dataclass(frozen=True)
class VideoResult:
    """One video, handled.

    Attributes:
        source: The file's path.
        video_id: Its name in the set.
        overlay: What was found.
        hours_in: Its length.
        hours_out: What of it is kept.
        dropped: Seconds that are not, by reason.
        set_aside: Why nothing of it is kept; "" where something may be.
        error: What went wrong where nobody expected it.
        damage: Why it ended early.
        hz: Rows a second.
        chunks: How many, and how many of them are kept.
        facts: What is known of it.
        figures: What was measured; None where nothing was read.
        fingerprint: What a copy of it is known by.
        xfeat: Whether XFeat took part in the search.
        learned: Whether skins that no template knows were looked for.
    """

    source: str
    video_id: str
    overlay: Overlay = Overlay()
    hours_in: float = 0.0
    hours_out: float = 0.0
    dropped: dict[str, float] = field(default_factory=dict)
    set_aside: str = ""
    error: str = ""
    damage: str = ""
    hz: int = 0
    chunks: tuple[int, int] = (0, 0)
    facts: Facts = NOTHING_KNOWN
    figures: Figures | None = None
    fingerprint: str = ""
    xfeat: str = ""
    learned: str = ""

    @property
    def written(self) -> bool:
        """Whether it has a folder in the set."""
        return self.chunks[0] > 0

    @property
    def unfound(self) -> bool:
        """Whether it was looked through, and no controller is on screen."""
        return not (self.overlay.found or self.set_aside)

    def aside(self, reason: str) -> VideoResult:
        """The same with nothing kept."""
        left = round(self.hours_out * HOUR, 3)
        dropped = {**self.dropped}
        if left:
            dropped[Reason.SET_ASIDE] = round(dropped.get(Reason.SET_ASIDE, 0.0) + left, 3)
        return replace(
            self, set_aside=reason, hours_out=0.0, dropped=dropped, chunks=(self.chunks[0], 0)
        )

    def line(self) -> str:
        """For people."""
        if self.error or (self.set_aside and not self.written):
            return f"{self.video_id}: set aside: {self.set_aside or self.error}"
        if not self.overlay.found:
            return f"{self.video_id}: no controller is on screen (best {self.overlay.score:.2f})"
        kept = f"{60 * self.hours_out:.1f} of {60 * self.hours_in:.1f} min kept"
        why = f", set aside: {self.set_aside}" if self.set_aside else ""
        return f"{self.video_id}: {self.overlay.skin}, {kept}{why}"

    def public(self) -> dict[str, Any]:
        """For people's programs."""
        names = (
            "source", "video_id", "overlay", "hours_in", "hours_out", "dropped", "set_aside",
            "error", "damage",
        )  # fmt: skip
        found = asdict(self)
        return {name: found[name] for name in names}

    def plain(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """What ``plain`` was made of."""
        values = {
            **plain,
            "overlay": Overlay(**plain["overlay"]),
            "facts": Facts(**plain["facts"]),
            "figures": None if plain["figures"] is None else Figures(**plain["figures"]),
            "chunks": tuple(plain["chunks"]),
        }
        return cls(**values)


def lasting(hours: float) -> str:
    """A length for people: in minutes below an hour."""
    return f"{hours:.2f} hours" if hours >= 1 else f"{60 * hours:.1f} minutes"
