"""What is left out of a recording, and under which name."""

from __future__ import annotations

import numpy as np
import pytest

from nitropilot.dataset.output.filtering import Filtered, filtered
from nitropilot.dataset.output.timing import Rows
from nitropilot.dataset.output.watching import HIGH, WIDE, Scene
from nitropilot.dataset.pad import BUTTONS, PadStates

HZ = 30
CHUNK = 20 * HZ


def rows(count: int, active: float = 1.0) -> Rows:
    """Rows of which so many, at the beginning of each chunk, do something."""
    buttons = np.zeros((count, len(BUTTONS)), bool)
    buttons[np.arange(count) % CHUNK < active * CHUNK, 0] = True
    states = PadStates(buttons, np.zeros((count, 4), np.float32), np.zeros((count, 2), np.float32))
    each = np.arange(count)
    none = np.zeros(count, np.int64)
    return Rows(HZ, each, each, none, states, np.full(count, 0.95, np.float32),
                np.ones(count, bool), none, np.zeros(count, bool))  # fmt: skip


def scene(count: int, still: tuple[int, int] = (0, 0)) -> Scene:
    """Pictures that change all the time but in a part of it."""
    rng = np.random.default_rng(0)
    numbers = np.arange(0, count, HZ // 2)
    small = rng.integers(0, 255, (len(numbers), HIGH, WIDE)).astype(np.uint8)
    inside = (numbers >= still[0]) & (numbers <= still[1])
    if still[1]:
        small[inside] = small[inside][0]
    change, light = np.full(count, 3, np.float32), np.full(count, 90, np.float32)
    return Scene(np.arange(count) / HZ, change, light, numbers, small)


def judge(these: Rows, scene: Scene | None = None, share: float = 0.5) -> Filtered:
    """Judged, in chunks of 20 s."""
    return filtered(these, these.chunks(CHUNK), scene, share)


@pytest.mark.parametrize(
    ("active", "share", "kept"), [(0.49, 0.5, False), (0.5, 0.5, True), (0.3, 0.25, True)]
)
def test_half_of_the_steps_must_be_active(active: float, share: float, kept: bool) -> None:
    """The paper's rule: who is shown mostly rest learns to rest."""
    found = judge(rows(2 * CHUNK, active), share=share)
    assert found.kept == (kept, kept)
    assert found.seconds(HZ) == ({} if kept else {"idle": 40.0})


def test_each_chunk_is_judged_by_itself() -> None:
    """A busy minute is no reason to keep an idle one."""
    these = rows(2 * CHUNK)
    these.states.buttons[CHUNK:] = False
    found = judge(these)
    assert found.kept == (True, False)
    assert found.seconds(HZ) == {"idle": 20.0}


def test_a_resting_stick_is_no_action_and_a_tilted_one_is() -> None:
    """A stick that is never quite at rest would make every second active."""
    these = rows(CHUNK, 0)
    these.states.sticks[:, 2] = 0.08
    assert judge(these).kept == (False,)
    these.states.sticks[:, 2] = -0.15
    assert judge(these).kept == (True,)


def test_where_no_controller_is_seen_nothing_is_kept() -> None:
    """Neutral rows there would say that the player let go."""
    these = rows(CHUNK)
    these.read[100:160] = False
    found = judge(these)
    assert found.kept == (True,)
    assert found.seconds(HZ) == {"no_overlay": 2.0}
    assert found.spans(0, CHUNK) == [(100, 160, "no_overlay")]
    these.read[:400] = False
    found = judge(these)
    assert found.kept == (False,)
    assert found.seconds(HZ) == {"no_overlay": pytest.approx(400 / HZ, abs=1e-3),
                                 "fragment": pytest.approx(200 / HZ, abs=1e-3)}  # fmt: skip


def test_a_stretch_of_doubt_goes_and_a_doubtful_frame_stays() -> None:
    """Every press is doubtful for a frame: left out, no press would ever begin."""
    these = rows(CHUNK)
    these.confidence[::60] = 0.5
    assert judge(these).seconds(HZ) == {}
    these.confidence[200:290] = 0.5
    left = judge(these).seconds(HZ)
    assert set(left) == {"low_confidence"}
    assert left["low_confidence"] == pytest.approx(3.0, abs=0.1)


def test_a_still_picture_while_nothing_is_pressed_is_no_play() -> None:
    """A menu or a pause; but who waits with a button held, or sees things move, plays."""
    these, count = rows(2 * CHUNK), 2 * CHUNK
    these.states.buttons[150:390] = False
    found = judge(these, scene(count, (150, 390)))
    assert set(found.seconds(HZ)) == {"still"}
    assert found.seconds(HZ)["still"] == pytest.approx(8.0, abs=0.2)
    assert judge(these, scene(count)).seconds(HZ) == {}
    these.states.buttons[240:270] = True
    assert judge(these, scene(count, (150, 390))).seconds(HZ) == {}


def test_a_pause_is_rest_too() -> None:
    """Eight seconds of play and eight of a menu are less than half of a chunk, as the paper counts;
    with the menu left out they would be two thirds of what is left."""
    these = rows(CHUNK, 0.4)
    found = judge(these, scene(CHUNK, (360, 600)))
    assert found.kept == (False,)
    assert set(found.seconds(HZ)) == {"still", "idle"}


def test_a_cut_is_left_out_on_both_sides() -> None:
    """What was pressed before a cut did not lead to what is seen after it."""
    these, seen = rows(CHUNK), scene(CHUNK)
    seen.change[300] = 60
    found = judge(these, seen)
    assert found.seconds(HZ) == {"cut": pytest.approx(0.533, abs=0.04)}
    (first, last, why), = found.spans(0, CHUNK)  # fmt: skip
    assert first < 300 < last
    assert why == "cut"


def test_a_fast_turn_is_no_cut() -> None:
    """The picture changes as much, but all the time."""
    these, seen = rows(CHUNK), scene(CHUNK)
    seen.change[290:330] = 60
    assert judge(these, seen).seconds(HZ) == {}


def test_a_flash_is_left_out_and_daylight_is_not() -> None:
    """A flash says nothing about the game, and a door that opens stays open."""
    these, seen = rows(CHUNK), scene(CHUNK)
    seen.light[300:304] = 200
    assert set(judge(these, seen).seconds(HZ)) == {"flash"}
    seen.light[300:] = 200
    assert judge(these, seen).seconds(HZ) == {}


def test_every_second_is_kept_or_has_one_reason() -> None:
    """Hours in are hours out and what was dropped: a second counted twice hides another."""
    these, seen = rows(3 * CHUNK, 0.9), scene(3 * CHUNK, (700, 1150))
    these.read[50:90] = False
    these.confidence[60:200] = 0.5
    seen.change[400] = 80
    these.states.buttons[CHUNK : 2 * CHUNK] = False
    found = judge(these, seen)
    kept = int((found.why == "").sum()) / HZ
    assert kept + sum(found.seconds(HZ).values()) == pytest.approx(60.0, abs=0.01)
    assert set(found.seconds(HZ)) == {"no_overlay", "low_confidence", "cut", "still", "fragment"}
