"""The policy that comes with NitroPilot, and its card: they say the same, or nothing is played."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from nitropilot.engines.fingerprint import fingerprint_of
from nitropilot.engines.spec import policy_spec
from nitropilot.policy import CheckpointError, describe, fingerprint, load_policy, open_policy
from nitropilot.policy.files.checkpoint import count_parameters
from nitropilot.policy.files.formats import find_checkpoint
from nitropilot.policy.naming import DEFAULT, POCKET, SHIPPED
from nitropilot.policy.shipped.card import (
    MOST_BYTES,
    Card,
    How,
    Measured,
    Recipe,
    TaskFigures,
    card_beside,
    read_card,
    require_described,
    write_card,
)
from nitropilot.simulator.arcade.rules import RULES
from nitropilot.simulator.arcade.tasks import TASKS
from tests.policy.checkpoints import MICRO, changed, micro_weights, write_safetensors

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = Recipe(command="make pocket", seed=3, minutes=61.5, differs=("64 px",))
FIGURES = TaskFigures(
    task="runner-1", game="runner", successes=81, episodes=100, low=0.71, high=0.88, progress=0.9
)
HOW = How(actions=2, steps=3, engine="torch on cpu, float32", machine="two cores")
OWN = {"action_hz": 60.0, "actions": 2, "steps": 2, "games": ["runner", "road"]}


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """A micro checkpoint that says all that one can say of itself."""
    return write_safetensors(
        tmp_path / "small.safetensors", micro_weights(), changed(MICRO, "nitropilot", OWN)
    )


def test_what_is_shipped_is_what_its_card_says() -> None:
    """Whoever reads the card plays with this file, and with no other."""
    place = SHIPPED[POCKET]
    card, facts, policy = require_described(place), describe(POCKET), open_policy(POCKET)
    spec = policy_spec(policy)
    assert card.name == policy.name == POCKET == DEFAULT
    assert card.sha256 == facts.sha256 == hashlib.sha256(place.read_bytes()).hexdigest()
    assert card.sha256 == policy.fingerprint == fingerprint(POCKET) == fingerprint_of(POCKET)
    assert card.bytes == place.stat().st_size == facts.bytes <= MOST_BYTES
    assert card.parameters == facts.parameters == count_parameters(policy)
    assert (card.shift, card.horizon, card.spacing, card.hz) == (
        spec.action_shift, spec.horizon, spec.frame_spacing, spec.action_hz,
    )  # fmt: skip
    assert (card.actions, card.steps) == (spec.actions, spec.steps)
    assert (card.image_size, card.trained_on) == (spec.image_size, spec.trained_on)
    assert (facts.actions, facts.steps, facts.trained_on) == (
        card.actions, card.steps, card.trained_on,
    )  # fmt: skip
    assert card.actions is not None and card.hz is not None
    assert {*card.trained_on, card.held_out or "maze"} <= RULES.keys()
    assert policy.is_random or card.trained_on, "a policy that was trained says on what"
    if card.measured is not None:
        assert {(each.task, each.game) for each in card.measured.tasks} <= {
            (task.name, task.rules.name) for task in TASKS.values()
        }


def test_a_file_that_its_card_does_not_describe_is_not_played(
    told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged installation, or weights that were exchanged, would play as somebody else."""
    card = write_card(told, held_out=None, recipe=RECIPE)
    monkeypatch.setitem(SHIPPED, POCKET, told)
    assert load_policy(POCKET).fingerprint == card.sha256
    data = bytearray(told.read_bytes())
    data[-1] ^= 1
    told.write_bytes(data)
    with pytest.raises(CheckpointError, match=r"is not the file that small\.json describes"):
        load_policy(POCKET)
    with pytest.raises(CheckpointError, match="is not the file that"):
        describe(POCKET)
    card_beside(told).unlink()
    with pytest.raises(CheckpointError, match=r"cannot read .*small\.json"):
        load_policy(POCKET)
    told.unlink()
    with pytest.raises(CheckpointError) as caught:
        load_policy(POCKET)
    assert caught.value.hint == "install NitroPilot again"
    assert "\n" not in caught.value.line()


def test_a_card_is_written_of_the_file(told: Path) -> None:
    """What can be read from the file is read there, and not typed."""
    told.chmod(0o600)
    measured = Measured(tasks=(FIGURES,), how=HOW)
    card = write_card(told, held_out="maze", recipe=RECIPE, measured=measured)
    assert card == read_card(told) == require_described(told)
    assert (card.name, card.trained_on, card.held_out) == ("small", ("runner", "road"), "maze")
    assert (card.shift, card.horizon, card.spacing, card.hz) == (1, 4, 1, 60.0)
    assert (card.actions, card.steps, card.image_size) == (2, 2, 32)
    assert card.parameters == describe(told).parameters
    assert (card.recipe, card.measured) == (RECIPE, measured)
    for file in (told, card_beside(told)):
        assert file.stat().st_mode & 0o444 == 0o444, "another user installs it, and all may read it"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"held_out": "road"}, "road is held out, and trained on as well"),
        ({"bytes": MOST_BYTES + 1}, "bytes: "),
        ({"sha256": "f"}, "sha256: "),
        ({"stars": 5}, "stars: "),
        ({"measured": {"tasks": [], "how": HOW.model_dump()}}, "measured.tasks: "),
        ({"measured": {"tasks": [{**FIGURES.model_dump(), "successes": 12}],
                       "how": HOW.model_dump()}}, "12 of 100 is not between 0.71 and 0.88"),
        ({"measured": {"tasks": [FIGURES.model_dump()] * 2, "how": HOW.model_dump()}}, "twice"),
        ({"recipe": ...}, "recipe: "),
    ],
    ids=["held out", "bytes", "digest", "unknown", "nothing", "interval", "twice", "recipe"],
)  # fmt: skip
def test_cards_that_cannot_be(told: Path, change: dict[str, Any], says: str) -> None:
    """A slip in a figure that everybody quotes is found when the card is read."""
    write_card(told, held_out=None, recipe=RECIPE)
    card = json.loads(card_beside(told).read_text())
    said = {key: value for key, value in (card | change).items() if value is not ...}
    card_beside(told).write_text(json.dumps(said))
    with pytest.raises(CheckpointError) as caught:
        read_card(told)
    assert says in str(caught.value)
    assert "\n" not in caught.value.line()


@pytest.mark.parametrize("data", [b"", b"\x08\0\0\0\0\0\0\0{}      ", b"PK\x03\x04" + b"x" * 99])
def test_what_gets_no_card(tmp_path: Path, data: bytes) -> None:
    """Another file's path is soon typed."""
    file = tmp_path / "other.safetensors"
    file.write_bytes(data)
    with pytest.raises(CheckpointError, match="is no checkpoint"):
        write_card(file, held_out=None, recipe=RECIPE)
    assert not card_beside(file).exists()


def test_the_name_wins_and_a_path_names_the_file(
    told: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of that name in the current folder is not played by chance; ./ names it."""
    told.rename(tmp_path / POCKET)
    monkeypatch.chdir(tmp_path)
    assert find_checkpoint(POCKET) == SHIPPED[POCKET]
    assert find_checkpoint(f"./{POCKET}").absolute() == tmp_path / POCKET
    assert load_policy(f"./{POCKET}").horizon == 4
    assert fingerprint_of(f"./{POCKET}") == fingerprint(f"./{POCKET}") != fingerprint_of(POCKET)


def test_a_card_has_no_place_for_what_it_does_not_know() -> None:
    """Fields that are missing are said; none has a default that somebody could believe.

    A table of Euler steps is none to believe: without one nothing is chosen by it.
    """
    required = {name for name, field in Card.model_fields.items() if field.is_required()}
    assert required == Card.model_fields.keys() - {"steps_table"}
