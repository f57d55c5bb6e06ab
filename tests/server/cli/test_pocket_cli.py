"""Where no policy is named: what comes along plays, and says what it does not know; its card."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import av
import pytest

from nitropilot.engines.pytorch.engine import TorchEngine
from nitropilot.policy import describe, load_policy, open_policy, random_policy, save_policy
from nitropilot.policy.naming import DEFAULT, POCKET, SHIPPED
from nitropilot.policy.shipped.card import Card, Measured, read_card
from nitropilot.server.cli.engine.card import lines_of
from nitropilot.server.cli.main import app
from nitropilot.server.cli.play.arcade import HELD, SHOWN_HZ, play_arcade
from nitropilot.server.cli.play.options import PlayOptions
from nitropilot.server.cli.training.options import FINETUNE
from nitropilot.server.host.doctor import _policy
from nitropilot.server.host.findings import Level
from nitropilot.server.sessions.pool import EnginePool, stamp_of
from nitropilot.server.store.policies import PolicyCatalogue
from nitropilot.simulator.arcade.tasks import TASKS
from tests.policy.shipped.test_card import FIGURES, HOW, RECIPE
from tests.server.conftest import needs_preload
from tests.server.processes import command

if TYPE_CHECKING:
    from pathlib import Path

CARD = Card(
    name="small", sha256="f" * 64, parameters=1_960_000, bytes=3_900_000, image_size=64, shift=1,
    horizon=16, spacing=1, hz=60.0, actions=8, steps=4, trained_on=("runner", "road"),
    held_out="maze", recipe=RECIPE, measured=None,
)  # fmt: skip


@pytest.fixture(scope="module")
def racer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy that says that it was trained on the road, and plays 3 actions of a chunk."""
    file = tmp_path_factory.mktemp("racer") / "racer.safetensors"
    policy = random_policy()
    policy.raw_config["nitropilot"] = {"actions": 3, "steps": 2, "games": ["road"]}
    policy.is_random = False
    save_policy(policy, file)
    return file


def test_what_plays_where_nobody_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One policy for all who name none; a server has its own, and a file is named by its place."""
    launched = {"launch": "runner"}
    bare = PlayOptions.model_validate(launched)
    assert (bare.decides, bare.policy_file) == (DEFAULT, "") == (POCKET, "")
    assert PlayOptions.model_validate({**launched, "server": "ws://box:1"}).decides == ""
    assert PlayOptions.model_validate({**launched, "engine": "remote"}).decides == ""
    monkeypatch.setenv("NITROPILOT_DATA", str(tmp_path / "data"))
    mine = tmp_path / "mine.safetensors"
    mine.write_bytes(b"weights")
    (tmp_path / "data").mkdir()
    said = {"games": {"mygame": {"used": str(mine)}}}
    (tmp_path / "data" / "improved.json").write_text(json.dumps(said))
    assert PlayOptions.model_validate({"process": "mygame"}).decides == str(mine)
    assert PlayOptions.model_validate({"process": "other"}).decides == POCKET
    assert PlayOptions.model_validate({"process": "mygame", "policy": "x"}).decides == "x"
    assert EnginePool().default == FINETUNE["policy"] == POCKET
    monkeypatch.chdir(tmp_path)
    (tmp_path / POCKET).write_bytes(b"a file of the user's")
    named = PlayOptions.model_validate({**launched, "policy": f"./{POCKET}"})
    assert (named.decides, named.policy_file) == (f"./{POCKET}", str(tmp_path / POCKET))
    assert stamp_of(POCKET) and stamp_of(POCKET) != stamp_of(f"./{POCKET}")


@pytest.mark.game
def test_play_says_that_it_does_not_know_the_game(tmp_path: Path, racer: Path) -> None:
    """In one sentence, once, with what it was trained on; and it plays all the same."""
    needs_preload()
    played = ("play", "--launch", "runner", "--engine", "torch", "--seconds", "0.5", "--json")
    done = command(*played, "--policy", str(racer), home=tmp_path)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert "was not trained on runner but on road: " in facts["unfamiliar"]
    assert done.stderr.count(facts["unfamiliar"]) == 1
    let_go = 1  # the neutral state that ends the play may be counted
    assert facts["actions_sent"] <= 3 * facts["chunks"] + let_go


@pytest.mark.game
def test_play_without_a_policy(tmp_path: Path) -> None:
    """The first thing that a new user types."""
    needs_preload()
    played = ("play", "--launch", "runner", "--engine", "torch", "--seconds", "0.5", "--json")
    done = command(*played, home=tmp_path)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["policy"] == POCKET
    known = "runner" in read_card(SHIPPED[POCKET]).trained_on
    assert (facts["unfamiliar"] == "") == known


def test_inspect_shows_the_card(capsys: pytest.CaptureFixture[str]) -> None:
    """For programs as it is, for people in words, and of other files no card."""
    card = read_card(SHIPPED[POCKET])
    app(["policies", "inspect", POCKET, "--json"], standalone_mode=False)
    said = json.loads(capsys.readouterr().out)
    assert said["card"] == card.model_dump(mode="json")
    assert said["sha256"] == card.sha256
    app(["policies", "inspect", POCKET], standalone_mode=False)
    text = capsys.readouterr().out
    for line in lines_of(card, untrained=describe(POCKET).is_random):
        assert line in text
    for figures in card.measured.tasks if card.measured else ():
        assert f"{figures.successes} of {figures.episodes}" in text


def test_a_card_in_words() -> None:
    """Games, what was held out, and how it was measured; what is not known is said."""
    measured = CARD.model_copy(update={"measured": Measured(tasks=(FIGURES,), how=HOW)})
    text = " ".join(lines_of(measured, untrained=False))
    for words in (
        "1,960,000 parameters in 3.9 MB", "64 x 64 pixels", "16 actions, of which 8 are played",
        "in 4 steps", "Trained on runner and road.", "Held out: maze",
        "`make pocket` with seed 3 in 61.5 minutes", "preset `paper`: 64 px",
        "Measured with 2 of 16 actions played and 3 steps, torch on cpu, float32, on two cores",
    ):  # fmt: skip
        assert words in text
    bare = " ".join(lines_of(CARD.model_copy(update={"held_out": None}), untrained=True))
    assert "Nobody has measured how it plays yet." in bare
    assert "Its weights are random" in bare
    assert "Held out" not in bare and "Trained on" not in bare


def test_doctor_looks_at_what_comes_along(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A damaged installation is found before a game is."""
    (finding,) = _policy()
    assert (finding.name, finding.level) == ("policy", Level.OK)
    assert POCKET in finding.detail
    monkeypatch.setitem(SHIPPED, POCKET, tmp_path / "gone.safetensors")
    (finding,) = _policy()
    assert finding.level is Level.PROBLEM
    assert "install NitroPilot again" in finding.hint
    listed = PolicyCatalogue().all(tmp_path / "models")[0]
    assert (listed.name, listed.place, listed.facts) == (POCKET, "shipped", None)
    assert listed.error.endswith("is missing; install NitroPilot again")


def test_the_demo_plays_the_arcade(tmp_path: Path, racer: Path) -> None:
    """Whole levels, each in the video with its end, and whether the policy knows the game."""
    engine = TorchEngine(load_policy(racer))
    tasks = (TASKS["pulse-1"], TASKS["road-1"])
    short = tuple(
        type(task)(task.name, task.rules, task.level, task.goal, seconds)
        for task, seconds in zip(tasks, (30, 2), strict=True)
    )
    levels = play_arcade(engine, tmp_path / "arcade.mp4", short)
    assert [(level.task, level.seen) for level in levels] == [("pulse-1", False), ("road-1", True)]
    assert (levels[1].end, levels[1].seconds) == ("out of time", 2.0)
    assert levels[0].end in ("won", "lost", "out of time")
    with av.open(str(tmp_path / "arcade.mp4")) as video:
        frames = sum(1 for _ in video.decode(video=0))
        rate = video.streams.video[0].average_rate
    assert rate is not None and float(rate) == pytest.approx(SHOWN_HZ, rel=0.02)
    shown = sum(level.seconds * SHOWN_HZ + HELD for level in levels)
    assert frames == pytest.approx(shown, abs=len(levels))
    engine.close()
    nobody_knows = TorchEngine(open_policy("random:tiny"))
    (level,) = play_arcade(nobody_knows, tmp_path / "other.mp4", short[:1])
    assert level.seen is None
