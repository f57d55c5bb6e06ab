"""Several workers make the set that one makes, in whichever order they end."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from nitropilot.dataset.extracting import run as run_module
from nitropilot.dataset.extracting.folder import SetFolder
from nitropilot.dataset.extracting.one import extract_one
from nitropilot.dataset.extracting.options import Job, Options
from nitropilot.dataset.extracting.run import TRIES, Run
from nitropilot.dataset.extracting.sources import find_videos
from nitropilot.dataset.extracting.workers import Ended, Here, Workers
from nitropilot.dataset.output.facts import Facts
from nitropilot.dataset.output.report import write_report
from tests.dataset.making import noise, played, ways, write_video

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from nitropilot.dataset.output.result import VideoResult

SEEDS = {"a": 1, "b": 2, "b_copy": 2, "c": 3, "d": 4}
"""What is played in each video; one is a copy, and all but the last are of one creator."""
TABLE = {f"{name}.mp4": Facts(creator="one") for name in SEEDS if name != "d"}
OPTIONS = Options(cap_hours=0.001)
"""Two videos and a bit."""
WAYS = ways(lambda video: played(len(video.times), SEEDS[video.path.stem]))


class Backwards:
    """Several at once, and the last that was begun ends first.

    Args:
        options: Of the data set.
        at_once: How many.
        dies: How often the process that reads a video is gone, by its id.
    """

    here = False

    def __init__(self, options: Options, at_once: int = 3, **dies: int) -> None:
        self.at_once = at_once
        self.read: Counter[str] = Counter()
        self.most = 0
        self._options, self._dies = options, Counter(dies)
        self._begun: list[tuple[Job, Path]] = []

    def begin(self, job: Job, place: Path) -> None:
        self._begun.append((job, place))
        self.most = max(self.most, len(self._begun))

    def ended(self) -> Ended:
        job, place = self._begun.pop()
        self.read[job.video_id] += 1
        if self._dies[job.video_id] > 0:
            self._dies[job.video_id] -= 1
            return Ended(job, None)
        return Ended(job, extract_one(job, self._options, place, WAYS))

    def stop(self) -> None:
        self._begun.clear()


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    for name, seed in SEEDS.items():
        write_video(folder / f"{name}.mp4", noise(60, seed), crf=20 + 10 * (name == "b_copy"))
    return folder


def made(
    videos: Path, out: Path, workers: Workers, tell: Callable[[VideoResult], None] = lambda _: None,
    given: Callable[[list[Path]], Iterable[Path]] = iter,
) -> list[VideoResult]:  # fmt: skip
    """What the command does."""
    root, found = find_videos([videos], out)
    with SetFolder(out).opened(OPTIONS) as folder:
        results = Run(folder, OPTIONS, workers).over(given(found), root, TABLE, tell)
        write_report(out, list(folder.results.values()), folder.samples)
    return results


def content(out: Path) -> dict[str, bytes]:
    """All files of a set, but for what only tells who made it."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and path.name not in ("lock", "mark") and path.suffix != ".html"
    }


@pytest.fixture(scope="module")
def alone(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one process makes of them."""
    out = tmp_path_factory.mktemp("alone")
    made(videos, out, Here(OPTIONS, WAYS))
    return content(out)


def test_the_order_in_which_they_end_changes_nothing(
    videos: Path, tmp_path: Path, alone: dict[str, bytes]
) -> None:
    """Neither which of two copies is kept, nor whose hours are full, nor what lies in which
    shard."""
    told: list[str] = []
    workers = Backwards(OPTIONS)
    results = made(videos, tmp_path, workers, lambda one: told.append(one.video_id))
    assert told == [one.video_id for one in results] == sorted(SEEDS)
    assert [one.set_aside.split(",")[0] for one in results] == [
        "", "", "it is a near-duplicate of b", "0.00 hours of one are kept", "",
    ]  # fmt: skip
    assert content(tmp_path) == alone
    assert workers.most == 3
    assert workers.read == dict.fromkeys(SEEDS, 1)


@pytest.mark.parametrize("stopped", [KeyboardInterrupt, SystemExit])
def test_what_waits_when_a_run_is_stopped_is_not_read_again(
    videos: Path, tmp_path: Path, alone: dict[str, bytes], stopped: type[BaseException]
) -> None:
    """The first ends last: at the moment it is told all others are read, and wait."""

    def stop(_: VideoResult) -> None:
        raise stopped

    first, second = Backwards(OPTIONS), Backwards(OPTIONS)
    with pytest.raises(stopped):
        made(videos, tmp_path, first, stop)
    assert first.read == dict.fromkeys(SEEDS, 1)
    made(videos, tmp_path, second)
    assert not second.read
    assert content(tmp_path) == alone


def test_what_waits_for_another_file_is_read_anew(videos: Path, tmp_path: Path) -> None:
    """It was fetched again meanwhile."""
    source, out = tmp_path / "in", tmp_path / "out"
    for name in "ab":
        write_video(source / f"{name}.mp4", noise(60, SEEDS[name]))

    def stop(_: VideoResult) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(source, out, Backwards(OPTIONS), stop)
    write_video(source / "b.mp4", noise(90, SEEDS["b"]))
    workers = Backwards(OPTIONS)
    results = made(source, out, workers)
    assert workers.read == {"b": 1}
    assert [round(3600 * one.hours_in, 2) for one in results] == [2.0, 3.0]


def test_a_slow_video_holds_up_so_many_and_no_more(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred thousand sources are a list that is read as there is room: what is begun is
    bounded, and what is read and waits."""
    monkeypatch.setattr(run_module, "BEHIND", 3)
    monkeypatch.setattr(run_module, "FOR_EACH", 1)
    drawn: list[str] = []
    behind: list[int] = []

    def one_by_one(found: list[Path]) -> Iterator[Path]:
        for video in found:
            drawn.append(video.stem)
            yield video

    workers = Backwards(OPTIONS, at_once=2)
    made(videos, tmp_path, workers, lambda _: behind.append(len(drawn)), one_by_one)
    assert workers.most == 2
    assert behind[0] == 3
    assert drawn == sorted(SEEDS)


def test_a_video_whose_process_is_gone_is_tried_again(
    videos: Path, tmp_path: Path, alone: dict[str, bytes]
) -> None:
    """And the set is that of a run in which nothing was gone."""
    workers = Backwards(OPTIONS, b=TRIES - 1)
    made(videos, tmp_path, workers)
    assert workers.read == {**dict.fromkeys(SEEDS, 1), "b": TRIES}
    assert content(tmp_path) == alone


def test_a_video_that_ends_its_process_each_time_is_set_aside(videos: Path, tmp_path: Path) -> None:
    """The others go on, and the next run does not try it once more."""
    results = {one.video_id: one for one in made(videos, tmp_path, Backwards(OPTIONS, a=99))}
    assert results["a"].set_aside == f"the process ended {TRIES} times while it was handled"
    assert [name for name, one in results.items() if not one.set_aside] == ["b", "c", "d"]
    workers = Backwards(OPTIONS)
    made(videos, tmp_path, workers)
    assert not workers.read


def test_a_driver_that_is_killed_is_not_laid_to_its_videos(videos: Path, tmp_path: Path) -> None:
    """Machines are taken away: what was being read is as good as before."""
    for _ in range(TRIES + 1):
        workers = Backwards(OPTIONS)
        root, found = find_videos([videos], tmp_path)
        with pytest.raises(SystemExit), SetFolder(tmp_path).opened(OPTIONS) as folder:
            workers.ended = _killed  # type: ignore[method-assign]
            Run(folder, OPTIONS, workers).over(found, root, TABLE, lambda _: None)
    results = made(videos, tmp_path, Backwards(OPTIONS))
    assert not any(one.error for one in results)


def _killed() -> Ended:
    raise SystemExit


def test_figures_of_a_set_are_those_of_its_report(videos: Path, tmp_path: Path) -> None:
    """``results_in`` reads them without taking the folder."""
    from nitropilot.dataset.extracting.folder import results_in
    from nitropilot.dataset.output.tally import tally

    made(videos, tmp_path, Here(OPTIONS, WAYS))
    said = json.loads((tmp_path / "report.json").read_text())
    figures = json.loads(json.dumps(tally(results_in(tmp_path))))
    assert figures == {name: said[name] for name in figures}
