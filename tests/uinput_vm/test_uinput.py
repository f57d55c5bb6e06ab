"""Our pad on a real kernel: made by uinput, read by SDL as a game would.

One machine is booted for the whole module; ``guest.py`` runs in it and writes
what it saw, and each test judges one of those facts.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from nitropilot.controller.pads.vgamepad_pad import RULE_FILE, UDEV_RULE
from tests.uinput_vm.cases import CASES, KILLS, MIXES, PRESSES
from tests.uinput_vm.machine import Missing, run_in_machine

pytestmark = [
    pytest.mark.vm,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform != "linux", reason="uinput is a part of Linux"),
]

SDL_NAMES = {
    "LEFT_THUMB": "LEFTSTICK",
    "RIGHT_THUMB": "RIGHTSTICK",
    "LEFT_SHOULDER": "LEFTSHOULDER",
    "RIGHT_SHOULDER": "RIGHTSHOULDER",
}
"""SDL's names for buttons where they differ from ours."""

FULL = 32767
AXES_SEEN: dict[str, dict[str, float]] = {
    "left_right": {"LEFTX": FULL},
    "left_left": {"LEFTX": -FULL},
    "left_up": {"LEFTY": -FULL},
    "left_down": {"LEFTY": FULL},
    "right_right": {"RIGHTX": FULL},
    "right_left": {"RIGHTX": -FULL},
    "right_up": {"RIGHTY": -FULL},
    "right_down": {"RIGHTY": FULL},
    "left_trigger_full": {"TRIGGERLEFT": FULL},
    "left_trigger_third": {"TRIGGERLEFT": FULL // 3},
    "left_trigger_most": {"TRIGGERLEFT": FULL * 2 // 3},
    "right_trigger_full": {"TRIGGERRIGHT": FULL},
    "right_trigger_third": {"TRIGGERRIGHT": FULL // 3},
    "right_trigger_most": {"TRIGGERRIGHT": FULL * 2 // 3},
    "half_way": {"LEFTX": FULL / 2, "LEFTY": -FULL / 2, "RIGHTX": -FULL / 2, "RIGHTY": FULL / 2},
    "everything": {
        "LEFTX": -FULL, "LEFTY": -FULL, "RIGHTX": FULL, "RIGHTY": FULL,
        "TRIGGERLEFT": FULL, "TRIGGERRIGHT": FULL,
    },
}  # fmt: skip
"""What SDL reads (y grows downward there); axes not named rest at 0."""

BUTTONS_SEEN: dict[str, set[str]] = {
    **{name: {SDL_NAMES.get(name, name)} for name in PRESSES},
    "diagonal_pad": {"DPAD_UP", "DPAD_RIGHT"},
    "everything": {"A", "X", "LEFTSHOULDER", "DPAD_LEFT", "START"},
}
AXIS_TOLERANCE = 150
"""One step of an 8-bit trigger is 128 of SDL's units."""

Facts = dict[str, Any]


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """Everything the guest saw in one run of the machine."""
    out = tmp_path_factory.mktemp("machine")
    try:
        log = run_in_machine("tests.uinput_vm.guest", out)
    except Missing as part:
        pytest.skip(str(part))
    result = out / "facts.json"
    if not result.is_file():
        pytest.fail(f"the guest wrote no facts; last output of the machine:\n{log}")
    seen: Facts = json.loads(result.read_text())
    if seen["error"] is not None:
        pytest.fail(f"the guest failed:\n{seen['error']}")
    return seen


def assert_seen(state: Facts, buttons: set[str], axes: dict[str, float]) -> None:
    assert state["attached"]
    assert set(state["buttons"]) == buttons
    expected = {name: axes.get(name, 0) for name in state["axes"]}
    assert state["axes"] == pytest.approx(expected, abs=AXIS_TOLERANCE)


def test_games_recognise_an_xbox_pad(facts: Facts) -> None:
    """A pad with another identity has no button mapping in most games."""
    identity = facts["identity"]
    assert "360" in identity["controller"]
    vendor, product = identity["guid"][8:12], identity["guid"][16:20]
    assert (vendor, product) == ("5e04", "8e02")
    assert (identity["axes"], identity["buttons"], identity["hats"]) == (6, 11, 1)


def test_neutral_at_open(facts: Facts) -> None:
    """A pad that opens with a trigger half pulled makes the game shoot by itself."""
    assert_seen(facts["at_open"], set(), {})


@pytest.mark.parametrize("name", CASES)
def test_game_reads_what_was_sent(facts: Facts, name: str) -> None:
    """Swapped X and Y, an upside-down stick or a trigger that wraps around play another game."""
    assert_seen(facts["cases"][name], BUTTONS_SEEN.get(name, set()), AXES_SEEN.get(name, {}))


@pytest.mark.parametrize("name", CASES)
def test_neutral_releases(facts: Facts, name: str) -> None:
    """Something that stays pressed after neutral keeps the character running."""
    assert_seen(facts["after"][name], set(), {})


def test_every_case_is_judged() -> None:
    """A case without an expectation would be judged as neutral or not at all."""
    assert set(CASES) == set(BUTTONS_SEEN) | set(AXES_SEEN)
    assert set(MIXES) <= set(BUTTONS_SEEN)


def test_close_unplugs(facts: Facts) -> None:
    """A pad left to the garbage collector stays plugged in, with its last buttons held."""
    assert facts["close"]["holder_runs"]
    print(f"gone after {facts['close']['gone_after_s']} s")
    assert facts["close"]["gone_after_s"] is not None
    assert facts["close"]["reader"] == {"attached": False}


def test_no_button_outlives_a_hand(facts: Facts) -> None:
    """A hand that is killed or stopped must leave neither a button pressed nor a game frozen."""
    print("seconds after the machine's start:", facts["moments"])
    kills = facts["kills"]
    for one in kills:
        print(one)
    assert len(kills) == KILLS
    assert {(one["way"], one["frozen"]) for one in kills} == {
        (way, frozen) for way in ("SIGKILL", "SIGSTOP") for frozen in (True, False)
    }
    assert sum(one["frozen"] for one in kills) == KILLS / 2
    for one in kills:
        assert set(one["pressed"]) == BUTTONS_SEEN["everything"]
        assert one["existed"] == 1
        assert one["gone_after_s"] is not None
        assert one["runs_after_s"] is not None
        assert one["seen"] == {"attached": False}


@pytest.mark.parametrize("verdict", ["check", "open"])
def test_module_not_loaded(facts: Facts, verdict: str) -> None:
    """Without the kernel module, users need to be told which one to load."""
    refusal = facts["before_modprobe"][verdict]
    assert refusal["message"].startswith("/dev/uinput does not exist")
    assert "modprobe uinput" in refusal["hint"]


@pytest.mark.parametrize("verdict", ["check", "open"])
def test_no_permission_names_the_rule(facts: Facts, verdict: str) -> None:
    """A plain user's open fails on most distributions; the fix is one udev rule."""
    refusal = facts["stranger"][verdict]
    assert refusal["message"] == "no permission to write to /dev/uinput"
    assert UDEV_RULE in refusal["hint"]
    assert f"/etc/udev/rules.d/{RULE_FILE.name}" in refusal["hint"]


def test_rule_lets_group_members_in(facts: Facts) -> None:
    """The rule that our hint tells people to install must work with real udev."""
    assert facts["rule"] == {"mode": 0o660, "group": "input"}
    assert facts["member"] == {"check": {}, "open": {}}
    assert facts["left_over"] == 0
