"""Templates out of a user's own pictures: what they show, and what they do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from nitropilot.dataset.drawing.canvas import Painter
from nitropilot.dataset.errors import BadTemplate
from nitropilot.dataset.pad import NEUTRAL, Moment
from nitropilot.dataset.templates.adding import preset_of
from nitropilot.dataset.templates.library import store
from nitropilot.dataset.templates.pictures import png_of
from nitropilot.dataset.templates.preset import read_preset
from nitropilot.dataset.templates.shots import LABELS, MOVES, sorted_pictures
from nitropilot.dataset.templates.template import Fill, Template
from tests.dataset.templates.making import made, write

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SHOWN = ("south", "east", "west", "north", "guide", "left_thumb", "left_shoulder")


def picture(template: Template, moment: Moment) -> NDArray[np.uint8]:
    """A screenshot of a template: RGBA."""
    canvas = Painter(template).paint(moment)
    canvas[..., :3] /= np.maximum(canvas[..., 3:], 1e-6)
    return np.round(255 * canvas).astype(np.uint8)


def moment_of(label: str) -> Moment:
    """The state that a picture of that name shows."""
    if label in MOVES:
        side, axis, sign = MOVES[label]
        sticks = [0.0] * 4
        sticks[2 * ("left", "right").index(side) + axis] = float(sign)
        return Moment(sticks=(sticks[0], sticks[1], sticks[2], sticks[3]))
    if "trigger" in label:
        pulled = 0.5 if label.endswith("_half") else 1.0
        return Moment(triggers=(pulled, 0.0) if label.startswith("left") else (0.0, pulled))
    return Moment(frozenset({label}))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """A controller with round caps and a pattern below them, on a clear ground."""
    making = made()
    making.atlas[4:, :, 3][:, :3] = 0
    body = making.atlas[:48, :64]
    body[..., 0] = (np.indices((48, 64)).sum(axis=0) % 4 * 20 + 40).astype(np.uint8)
    body[:3, :, 3] = 0
    circle = np.hypot(*(np.indices((8, 8)) - 3.5)) < 4
    for index in (7, 8):
        x, y, width, height = making.elements[index]["mapping"]
        for top in (y, y + height + 3):
            making.atlas[top : top + height, x : x + width][~circle] = 0
    return read_preset(*write(tmp_path_factory.mktemp("original"), making))


@pytest.fixture(scope="module")
def shots(original: Template, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of screenshots, each called after what it shows."""
    folder = tmp_path_factory.mktemp("My Pad")
    labels = [*SHOWN, "left_trigger", "left_trigger_half", "right_trigger", *MOVES]
    for label in labels:
        (folder / f"{label}.png").write_bytes(png_of(picture(original, moment_of(label))))
    (folder / "neutral.png").write_bytes(png_of(picture(original, NEUTRAL)))
    return folder


def added(
    folder: Path, pictures: Sequence[Path], fill: Fill | None = None, lights: bool = True
) -> Template:
    """The template that pictures make, read again from a library."""
    given = sorted_pictures(pictures)
    preset, atlas = preset_of(
        "mine", given.neutral, given.labelled, given.unknown, fill, lights, None
    )
    return store(folder, "mine", preset, png_of(atlas))


def test_a_template_of_pictures_draws_what_they_show(
    original: Template, shots: Path, tmp_path: Path
) -> None:
    """All that is read later is compared with what this draws: states that no picture shows too."""
    template = added(tmp_path, [shots])
    assert template.outputs == {*SHOWN, "left_trigger", "right_trigger", "j_left", "j_right"}
    left, right = template.stick("left"), template.stick("right")
    assert left is not None
    assert right is not None
    assert (left.radius, right.radius) == (3, 4)
    assert (left.x, left.y, left.size) == (8, 30, (8, 8))
    states = [
        NEUTRAL, *(moment_of(label) for label in SHOWN), moment_of("left_trigger"),
        Moment(frozenset({"south", "left_thumb"}), (-1.0, 0.0, 0.0, 1.0), (0.4, 1.0)),
        Moment(frozenset({"north"}), (0.0, 0.0, -1.0, 0.0), (1.0, 0.0)),
        Moment(sticks=(2 / 3, -2 / 3, 0.5, 0.5)),
    ]  # fmt: skip
    for state in states:
        wanted, drawn = Painter(original).paint(state), Painter(template).paint(state)
        wrong = np.abs(wanted - drawn).max(axis=2) > 0.02
        assert wrong.mean() < 0.005, state


def test_how_a_trigger_fills_is_seen(shots: Path, tmp_path: Path) -> None:
    """A picture of a half-pulled one says it; without one it is as it was said."""
    fills = {each.name: each.fill for each in added(tmp_path / "a", [shots]).elements
             if "left_trigger" in each.outputs or "right_trigger" in each.outputs}  # fmt: skip
    assert fills == {"left": Fill.UP, "right": None}
    pictures = [shots / "neutral.png", shots / "right_trigger.png"]
    template = added(tmp_path / "b", pictures, Fill.LEFT, lights=False)
    assert template.elements[1].fill is Fill.LEFT
    with pytest.raises(BadTemplate, match="not known which way right_trigger fills") as caught:
        added(tmp_path / "c", pictures, lights=False)
    assert "--fill" in caught.value.hint


def test_one_neutral_picture_is_enough(shots: Path, tmp_path: Path) -> None:
    """It can be found in videos; what is pressed is left to others."""
    template = added(tmp_path, [shots / "neutral.png"])
    assert template.outputs == frozenset()
    assert (template.width, template.height) == (64, 48)
    assert template.facts["partial"] == "true"


def test_one_picture_of_a_stick(original: Template, shots: Path, tmp_path: Path) -> None:
    """Then less of what is below the cap is known, but its way is."""
    template = added(tmp_path, [shots / "neutral.png", shots / "j_right_x-.png"])
    stick = template.stick("right")
    assert stick is not None
    assert (stick.x, stick.y, stick.size, stick.radius) == (28, 30, (8, 8), 4)
    assert template.outputs == {"j_right"}


def test_areas_are_asked_for(original: Template, tmp_path: Path) -> None:
    """A picture whose name says nothing may show several buttons."""
    both = picture(original, Moment(frozenset({"south", "left_shoulder"})))
    files = [tmp_path / "neutral.png", tmp_path / "both.png"]
    for path, shown in zip(files, (picture(original, NEUTRAL), both), strict=True):
        path.write_bytes(png_of(shown))
    with pytest.raises(BadTemplate, match=r"at x 46 to 52, y 32 to 38 is not known") as caught:
        preset_of("mine", files[0], {}, [files[1]])
    assert f"--pressed BUTTON={files[1]}" in caught.value.hint
    asked = []

    def ask(question: str, answers: Sequence[str]) -> str:
        asked.append(question)
        assert "south" in answers
        return "south" if "x 46 to 52" in question else ""

    preset, atlas = preset_of("mine", files[0], {}, [files[1]], ask=ask)
    template = store(tmp_path / "library", "mine", preset, png_of(atlas))
    assert len(asked) == 2
    assert template.outputs == {"south"}
    moment = Moment(frozenset({"south"}))
    assert np.allclose(Painter(template).paint(moment), Painter(original).paint(moment), atol=0.01)


def test_pictures_that_do_not_fit(shots: Path, tmp_path: Path) -> None:
    """Each way to take a wrong picture is named with the picture."""
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 255, (48, 64, 4), np.uint8)
    files = {"noise": noise, "small": noise[:20], "same": None}
    for name, shown in files.items():
        data = (shots / "neutral.png").read_bytes() if shown is None else png_of(shown)
        (tmp_path / f"{name}.png").write_bytes(data)
    neutral = shots / "neutral.png"
    for label, file, words in (
        ("south", "noise", "differs from the neutral one nearly everywhere"),
        ("south", "small", "has 64 x 20 pixels, and .* has 64 x 48"),
        ("south", "same", "looks as the neutral one does"),
        ("a", "same", "'a' is nothing that a picture can show"),
    ):
        with pytest.raises(BadTemplate, match=words):
            preset_of("mine", neutral, {label: tmp_path / f"{file}.png"})
    with pytest.raises(BadTemplate, match="half pulled, and no picture shows it pulled"):
        preset_of("mine", neutral, {"left_trigger_half": shots / "left_trigger_half.png"})
    south = shots / "south.png"
    with pytest.raises(BadTemplate, match="shows south where others are"):
        preset_of("mine", neutral, {"south": south, "east": south})


def test_what_pictures_are_called(shots: Path, tmp_path: Path) -> None:
    """Their names say what they show; what is said beside them wins."""
    given = sorted_pictures([shots])
    assert given.neutral == shots / "neutral.png"
    assert given.unknown == []
    assert {*given.labelled} <= {*LABELS}
    assert len(given.labelled) == 18
    south, other = shots / "south.png", tmp_path / "Other Pad.png"
    given = sorted_pictures([other, south, tmp_path / "x.png"], None, [f"east={south}"])
    assert (given.neutral, given.name) == (other, "other-pad")
    assert (given.labelled, given.unknown) == ({"east": south}, [tmp_path / "x.png"])
    with pytest.raises(BadTemplate, match="no picture is neutral"):
        sorted_pictures([south])
    with pytest.raises(BadTemplate, match="holds no picture"):
        sorted_pictures([tmp_path])
    with pytest.raises(BadTemplate, match="says no BUTTON=PICTURE"):
        sorted_pictures([other], None, ["up=a.png"])
    with pytest.raises(BadTemplate, match="would both show south"):
        sorted_pictures([other, south, tmp_path / "south.png"])
