"""A human's pad on a real kernel: read beside ours, and it hands the game over.

``human_guest.py`` runs in a machine of its own; each test judges one of the facts it saw.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from nitropilot.controller import Button
from tests.uinput_vm.cases import CASES
from tests.uinput_vm.machine import Missing, run_in_machine

pytestmark = [
    pytest.mark.vm,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform != "linux", reason="uinput is a part of Linux"),
]

STEP = 0.005
"""One step of an 8-bit trigger is 0.004."""
REST = {"left": [0, 0], "right": [0, 0], "left_trigger": 0, "right_trigger": 0, "buttons": 0}

Facts = dict[str, Any]


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """Everything the guest saw in one run of the machine."""
    out = tmp_path_factory.mktemp("machine")
    try:
        log = run_in_machine("tests.uinput_vm.human_guest", out)
    except Missing as part:
        pytest.skip(str(part))
    result = out / "facts.json"
    if not result.is_file():
        pytest.fail(f"the guest wrote no facts; last output of the machine:\n{log}")
    seen: Facts = json.loads(result.read_text())
    if seen["error"] is not None:
        pytest.fail(f"the guest failed:\n{seen['error']}")
    return seen


def assert_state(state: Facts | None, expected: Facts) -> None:
    """A state as the reader gave it, within one step of its axes."""
    assert state is not None
    assert Button(state["buttons"]) == Button(expected["buttons"])
    for part in ("left", "right", "left_trigger", "right_trigger"):
        assert state[part] == pytest.approx(expected[part], abs=STEP), part


def test_no_pad_is_no_touch(facts: Facts) -> None:
    """A pad at rest that counts as touched would take every game over."""
    assert facts["at_open"] is None or facts["at_open"]["buttons"] == 0


@pytest.mark.parametrize("name", CASES)
def test_the_human_is_read(facts: Facts, name: str) -> None:
    """What is passed on wrongly plays another game than the human does."""
    case = CASES[name]
    expected = {
        "left": list(case.left),
        "right": list(case.right),
        "left_trigger": case.left_trigger,
        "right_trigger": case.right_trigger,
        "buttons": int(case.buttons),
    }
    assert_state(facts["cases"][name], expected)
    assert_state(facts["after"][name], REST)


def test_our_own_pad_is_no_human(facts: Facts) -> None:
    """An agent that hands the game to itself would never play."""
    beside = facts["beside"]
    assert beside["own"] is None
    assert_state(beside["human"], REST | {"buttons": int(Button.B)})
    assert_state(beside["rest"], REST)
    assert beside["after"] is None


def test_a_touch_takes_over_at_once(facts: Facts) -> None:
    """The agent's buttons must be up within 100 ms, or both play against each other."""
    taken = facts["takeover"]
    assert taken["agent_plays"] is not None
    assert taken["taken_s"] is not None
    assert taken["let_go_s"] is not None
    assert taken["let_go_s"] < 0.1
    print(f"let go {taken['let_go_s'] * 1000:.1f} ms, passed on {taken['all_s'] * 1000:.1f} ms")


def test_the_human_plays_through_our_pad(facts: Facts) -> None:
    """A launched game sees no pad but ours: without passing on, nobody would play."""
    taken = facts["takeover"]
    for what in ("passed_s", "pushed", "released"):
        assert taken[what] is not None, what


def test_the_agent_returns_when_the_pad_was_left_alone(facts: Facts) -> None:
    """Not while something is held, and not before the time that was set."""
    taken = facts["takeover"]
    assert taken["held"] == "takeover"
    assert taken["back"] is not None
    assert taken["back_s"] >= 1.0
    assert taken["agent_again"] is not None


def test_takeover_can_be_switched_off(facts: Facts) -> None:
    """Somebody else's pad at the same machine must not end the play."""
    assert facts["takeover"]["switched_off"] == "playing"


def test_unplugging_releases_what_was_held(facts: Facts) -> None:
    """A pad whose battery dies would keep the character running; nobody was asked to return."""
    taken = facts["takeover"]
    assert taken["taken_again"] is not None
    assert taken["unplugged"] is not None
    assert taken["waits"] == "takeover"


def test_the_observer_is_told(facts: Facts) -> None:
    """Events and overlays learn of a human's states at one place."""
    assert facts["takeover"]["seen"] >= 4


def test_the_doctor_knows(facts: Facts) -> None:
    """Without the right to read it, a pad does nothing, and its owner has to be told why."""
    assert facts["without_pads"]["available"]
    assert facts["with_pad"]["reason"].endswith("pads there now: 1")
    assert not facts["stranger"]["available"]
    assert facts["stranger"]["reason"].startswith("no permission to read the pad /dev/input/event")
    assert "usermod -aG input" in facts["stranger"]["hint"]
