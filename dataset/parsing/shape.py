"""``Shape``: what a network is made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from nitropilot.dataset.errors import BadWeights
from nitropilot.dataset.styles.sample import HEIGHT, WIDTH

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Shape:
    """What a network is made of; with its weights it is all that reading needs.

    Attributes:
        encoder: ``small`` (convolutions) or ``segformer``.
        widths: Channels of its stages.
        depths: Blocks of each; of ``small``, from the second stage on.
        features: Channels of the map that elements are read off.
        fine: Channels of the map, twice as fine, that caps of sticks are looked for in.
        reference: Whether the median over the video is looked at beside the pair of frames.
        height: Pixels of what is looked at.
        width: The same.
        heads: Attention heads of each stage; of ``segformer`` alone.
    """

    encoder: str = "small"
    widths: tuple[int, ...] = (16, 40, 80, 128)
    depths: tuple[int, ...] = (1, 1, 1)
    features: int = 48
    fine: int = 16
    reference: bool = True
    height: int = HEIGHT
    width: int = WIDTH
    heads: tuple[int, ...] = ()

    @property
    def pictures(self) -> int:
        """Pictures that are looked at together."""
        return 3 if self.reference else 2

    def plain(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """What ``plain`` was made of.

        Raises:
            BadWeights: It is no shape.
        """
        try:
            lists: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value
                     for name, value in plain.items()}  # fmt: skip
            return cls(**lists)
        except TypeError as error:
            raise BadWeights(f"no network has the shape {dict(plain)!r}") from error
