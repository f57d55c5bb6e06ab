"""Sets of our own: the same from the same seed, gone on with, right in every row, never half."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nitropilot.dataset.errors import NotExtracted
from nitropilot.dataset.made.clip import merged, write_play
from nitropilot.dataset.made.folder import MadeFolder
from nitropilot.dataset.made.looks import drawn_look
from nitropilot.dataset.made.make import Wanted, make
from nitropilot.dataset.made.plays import Step
from nitropilot.dataset.output.facts import Facts, facts_of
from nitropilot.dataset.pad import Moment
from nitropilot.dataset.templates.library import shipped
from nitropilot.dataset.video.frames import open_video
from nitropilot.training.formats.finding import find_takes, open_take

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nitropilot.dataset.made.plays import Play

SIDE, STEPS = 128, 44
SKINS = ("panel-dark", "xbox-outline")
WANTED = Wanted(("hop", "roll"), SKINS, seed=5, size=SIDE)
FACTS = {game: Facts(game, "Somebody", "made up", licence="cc0-1.0") for game in WANTED.games}
HOURS = 3.5 * STEPS / 60 / 3600
"""Of four levels."""


class Crude:
    """A level of grey pictures with a light that moves; every fifth is lost."""

    def __init__(self, game: str, number: int) -> None:
        self.name, self.seed, self.number = f"{game}-1", number, number
        self.over = False

    @property
    def won(self) -> bool:
        return self.over and self.number % 5 != 2

    def steps(self) -> Iterator[Step]:
        for tick in range(STEPS + 1):
            picture = np.full((SIDE, SIDE, 3), 90, np.uint8)
            picture[60:70, 2 * tick : 2 * tick + 8] = 250
            buttons = frozenset({"south"} if tick % 9 < 3 else ())
            yield Step(picture, Moment(buttons, (tick / STEPS, 0, 0, -0.5)), tick not in (7, 8))
        self.over = True


def made_in(out: Path, wanted: Wanted = WANTED, hours: float = HOURS) -> MadeFolder:
    folder = MadeFolder(out, out)
    with folder.opened(wanted.plain()):
        make(folder, wanted, hours, Crude, [shipped().get(n) for n in wanted.skins], FACTS)
    return folder


def contents(out: Path) -> dict[str, str]:
    """Digests of all that is part of the set."""
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file() and ".nitropilot" not in path.parts
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> MadeFolder:
    return made_in(tmp_path_factory.mktemp("set"))


def test_games_take_turns_and_lost_levels_leave_nothing(whole: MadeFolder) -> None:
    """As much of each game; what the script did not win is none to learn from."""
    assert [level.game for level in whole.levels] == ["hop", "roll", "hop", "roll", "hop"][:4]
    assert [level.video_id for level in whole.levels] == [
        "hop-1-00000", "roll-1-00000", "hop-1-00001", "roll-1-00001",
    ]  # fmt: skip
    more = made_in(whole.out, hours=1.5 * HOURS)
    lost = [level for level in more.levels if not level.video_id]
    assert [level.game for level in lost] == ["hop", "roll"]
    assert len(contents(whole.out)) == len({*contents(whole.out)})
    assert not any("00002" in name for name in contents(whole.out))


def test_training_reads_what_was_pressed(whole: MadeFolder) -> None:
    """Row n is frame n, what was foreign is not taught, and the controller is blackened."""
    name = next(path for path in find_takes([whole.out]) if path.name == "hop-1-00000")
    take = open_take(name)
    count = STEPS + 1
    assert (take.hz, take.rows.num_rows, take.game) == (60, count, "hop")
    assert take.column("frame_index").tolist() == list(range(count))
    assert take.column("south").tolist() == [tick % 9 < 3 for tick in range(count)]
    sticks = np.array(take.rows["j_left"].to_pylist())[:, 0]
    np.testing.assert_allclose(sticks, np.arange(count) / STEPS, atol=1e-6)
    assert np.flatnonzero(~take.taught).tolist() == [7, 8]
    (mask,) = take.view.masks
    assert 0.2 < mask.right - mask.left < 0.6


def test_the_sidecar_is_what_extract_reads(whole: MadeFolder) -> None:
    """So that the videos alone can be read once more, with their facts."""
    video = whole.out / "videos" / "roll-1-00000.mp4"
    found = facts_of(video, whole.out, {})
    assert (found.game, found.creator, found.licence) == ("roll", "Somebody", "cc0-1.0")


def test_the_same_seed_is_the_same_set(whole: MadeFolder, tmp_path: Path) -> None:
    """To the byte, also when it was stopped in the middle."""
    for hours in (0.4 * HOURS, HOURS, 1.5 * HOURS):
        made_in(tmp_path / "again", hours=hours)
    made_in(whole.out, hours=1.5 * HOURS)
    assert contents(tmp_path / "again") == contents(whole.out)
    other = made_in(tmp_path / "other", replace(WANTED, seed=6), 0.2 * HOURS)
    name = "videos/hop-1-00000.mp4"
    assert contents(other.out)[name] != contents(whole.out)[name]


def test_a_level_that_was_half_made_is_made_again(whole: MadeFolder, tmp_path: Path) -> None:
    """The process ended after the video was moved, and before it was written down."""
    out = tmp_path / "set"
    made_in(out)
    before = contents(out)
    (out / ".nitropilot" / "levels" / "000003.json").unlink()
    (out / ".nitropilot" / "ready" / "rest").mkdir()
    made_in(out)
    assert contents(out) == before
    assert list((out / ".nitropilot" / "ready").iterdir()) == []


def test_at_half_the_rate_no_tap_is_lost(tmp_path: Path) -> None:
    """Two steps are one frame, which shows both."""
    one = Step(np.zeros((2, 2, 3), np.uint8), Moment(frozenset({"east"}), (1, 0, 0, 0)), True)
    two = one._replace(moment=Moment(frozenset(), (0, 0, 0, 0), (0.5, 0)), taught=False)
    assert merged([one, two]) == Moment(frozenset({"east"}), (0.5, 0, 0, 0), (0.5, 0))
    path = tmp_path / "clip.mp4"
    look = drawn_look(np.random.default_rng(1), [shipped().get("panel-dark")], SIDE, SIDE)
    play: Play = Crude("hop", 0)
    shown = write_play(path, play, look, 30)
    assert shown is not None
    assert len(shown.moments) == (STEPS + 1) // 2 == len(open_video(path).times)
    assert open_video(path).rate == pytest.approx(30, abs=0.1)
    assert [n for n, taught in enumerate(shown.taught) if not taught] == [3, 4]


def test_a_controller_lies_in_the_picture() -> None:
    """And is never so high that it is all that there is."""
    skins = list(shipped())
    for seed in range(40):
        look = drawn_look(np.random.default_rng(seed), skins, 512, 512)
        box = look.pose.box(look.template.width, look.template.height)
        assert box == box.inside(512, 512)
        assert box.height <= 0.41 * 512
        assert 0.6 <= look.opacity <= 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hz": 25}, "--hz is 25"),
        ({"size": 511}, "--size is 511"),
        ({"size": 64}, "--size is 64"),
        ({"noisy": 1.5}, "--noise is 1.5"),
        ({"seed": -1}, "--seed is -1"),
    ],
)
def test_what_cannot_be_made(change: dict[str, int], said: str) -> None:
    with pytest.raises(NotExtracted, match=said):
        replace(WANTED, **change).check()


def test_a_folder_of_something_else_is_left_alone(whole: MadeFolder, tmp_path: Path) -> None:
    """Nothing is written over, and two ways of making do not mix."""
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(NotExtracted, match="holds something else"):
        made_in(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(NotExtracted, match="made with seed 5 and not 6"):
        made_in(whole.out, replace(WANTED, seed=6))
    with (
        whole.opened(WANTED.plain()),
        pytest.raises(NotExtracted, match="being written by another process"),
        MadeFolder(whole.out, whole.out).opened(WANTED.plain()),
    ):
        raise AssertionError


def test_a_game_that_nobody_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said after some levels, and not tried for ever."""

    class Lost(Crude):
        @property
        def won(self) -> bool:
            return False

    monkeypatch.setattr("nitropilot.dataset.made.make.MOST_LOST", 2)
    folder = MadeFolder(tmp_path, tmp_path)
    templates = [shipped().get("panel-dark")]
    with folder.opened({}), pytest.raises(NotExtracted, match="hop was lost 2 times running"):
        make(folder, replace(WANTED, games=("hop",)), 1.0, Lost, templates, FACTS)
    assert json.loads((tmp_path / ".nitropilot/levels/000001.json").read_text())["video_id"] == ""
