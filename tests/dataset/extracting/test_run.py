"""Many videos into one set: whatever happens in the middle, nothing twice and nothing half."""

from __future__ import annotations

import errno
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nitropilot.dataset.errors import BadVideo, NotExtracted
from nitropilot.dataset.extracting import folder as folder_module
from nitropilot.dataset.extracting import workers as workers_module
from nitropilot.dataset.extracting.folder import SetFolder
from nitropilot.dataset.extracting.known import stamp
from nitropilot.dataset.extracting.one import Extracted, Ways, extract_one
from nitropilot.dataset.extracting.options import Job, Options
from nitropilot.dataset.extracting.run import TRIES, Run
from nitropilot.dataset.extracting.sources import find_videos
from nitropilot.dataset.extracting.workers import Here
from nitropilot.dataset.output import published
from nitropilot.dataset.output.facts import Facts
from nitropilot.dataset.output.result import VideoResult
from nitropilot.dataset.templates.library import VARIABLE
from nitropilot.training.formats.finding import find_takes, open_take
from tests.dataset.making import Looked, Seen, noise, played, ways, write_video

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.dataset.extracting.one import Located, Searched
    from nitropilot.dataset.pad import PadStates
    from nitropilot.dataset.reading.reading import Reading
    from nitropilot.dataset.video.frames import Video

FRAMES = 90
SEEDS = {"one": 1, "two": 2, "three": 3}


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three videos of three seconds, played differently."""
    folder = tmp_path_factory.mktemp("videos")
    for name, seed in SEEDS.items():
        write_video(folder / f"{name}.mp4", noise(FRAMES, seed))
    return folder


def states(video: Video) -> PadStates:
    """What was pressed in a video, by its name."""
    return played(len(video.times), SEEDS.get(video.path.stem, 9))


WAYS = ways(states)


def extracted(
    source: Path,
    out: Path,
    how: Ways = WAYS,
    options: Options | None = None,
    table: dict[str, Facts] | None = None,
) -> list[VideoResult]:
    """What the command does between its arguments and what it prints."""
    options = options or Options()
    root, found = find_videos([source], out)
    with SetFolder(out).opened(options) as folder:
        return Run(folder, options, Here(options, how)).over(
            found, root, table or {}, lambda _: None
        )


def content(out: Path) -> dict[str, bytes]:
    """All that a reader sees."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for shard in out.glob("SHARD_*")
        for path in shard.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def whole(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What an undisturbed run writes."""
    out = tmp_path_factory.mktemp("whole")
    extracted(videos, out)
    return content(out)


def refusing(name: str, error: BaseException, times: int = 10**9) -> tuple[Ways, Counter[str]]:
    """Ways that fail at one video, and what they were asked to read."""
    asked: Counter[str] = Counter()

    def read(video: Video, found: Located) -> Reading:
        asked[video.path.stem] += 1
        if video.path.stem == name and asked[name] <= times:
            raise error
        return WAYS.read(video, found)

    return Ways(WAYS.locate, read), asked


def test_the_set_is_there_and_training_reads_it(videos: Path, tmp_path: Path) -> None:
    """Three videos, the labels of each beside a link to it."""
    results = extracted(videos, tmp_path / "out")
    assert [result.video_id for result in results] == ["one", "three", "two"]
    for result in results:
        said = result.public()
        assert said["overlay"] == {
            "found": True, "skin": "box", "score": 0.9, "box": [8, 20, 30, 20]
        }  # fmt: skip
        assert said["hours_in"] == said["hours_out"] == pytest.approx(FRAMES / 30 / 3600)
        assert (said["dropped"], said["set_aside"], said["error"]) == ({}, "", "")
    takes = [open_take(name) for name in find_takes([tmp_path / "out"])]
    assert [take.id for take in takes] == ["one", "three", "two"]
    for take in takes:
        stick = np.array(take.rows["j_left"].to_pylist())
        np.testing.assert_allclose(stick, played(FRAMES, SEEDS[take.id]).sticks[:, :2], atol=1e-6)


def test_what_is_done_is_not_done_again(
    videos: Path, tmp_path: Path, whole: dict[str, bytes]
) -> None:
    """The same command once more reads no video, and says the same."""
    first = extracted(videos, tmp_path)
    never, asked = refusing("one", AssertionError())
    assert [one.plain() for one in extracted(videos, tmp_path, never)] == [
        one.plain() for one in first
    ]
    assert not asked
    assert content(tmp_path) == whole


@pytest.mark.parametrize("name", SEEDS)
def test_a_run_that_is_interrupted_is_gone_on_with(
    videos: Path, tmp_path: Path, whole: dict[str, bytes], name: str
) -> None:
    """The result is that of an undisturbed run, and what was done is read once."""
    how, asked = refusing(name, KeyboardInterrupt(), times=1)
    with pytest.raises(KeyboardInterrupt):
        extracted(videos, tmp_path, how)
    assert len(find_takes([tmp_path]) if content(tmp_path) else []) == sorted(SEEDS).index(name)
    extracted(videos, tmp_path, how)
    assert asked == {each: 1 + (each == name) for each in SEEDS}
    assert content(tmp_path) == whole


@pytest.mark.parametrize("where", ["rename", "write_json"])
def test_a_process_that_dies_while_it_writes(
    videos: Path, tmp_path: Path, whole: dict[str, bytes], where: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Killed before the second video's state is written, or before its folder is moved: no reader
    sees half of it, and the next run goes on."""

    class Killed(BaseException):
        """Nobody catches it."""

    count = Counter[str]()

    def dies(folder: SetFolder, name: str, source: Path) -> None:
        count[where] += 1
        if count[where] == 2:
            raise Killed
        move(folder, name, source)

    def dies_early(folder: SetFolder, result: VideoResult, samples: list[object]) -> None:
        count[where] += 1
        if count[where] == 2:
            raise Killed
        done(folder, result, samples)

    move, done = SetFolder._move, SetFolder.done
    with monkeypatch.context() as patch:
        if where == "rename":
            patch.setattr(SetFolder, "_move", dies)
        else:
            patch.setattr(SetFolder, "done", dies_early)
        with pytest.raises(Killed):
            extracted(videos, tmp_path)
    assert [path.name for path in find_takes([tmp_path])] == ["one"]
    extracted(videos, tmp_path)
    assert content(tmp_path) == whole
    assert list((tmp_path / ".nitropilot" / "ready").iterdir()) == []
    assert list((tmp_path / ".nitropilot" / "tries").iterdir()) == []


def test_a_full_disk_stops_the_run_and_keeps_what_is_complete(
    videos: Path, tmp_path: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, and the same command goes on once there is room."""
    real = published.write_json

    def full(path: Path, value: dict[str, object]) -> None:
        if "three" in str(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, value)

    with monkeypatch.context() as patch:
        patch.setattr(published, "write_json", full)
        with pytest.raises(NotExtracted, match=r"cannot write .*No space left on device"):
            extracted(videos, tmp_path)
    assert [path.name for path in find_takes([tmp_path])] == ["one"]
    extracted(videos, tmp_path)
    assert content(tmp_path) == whole


def test_a_poison_video_is_set_aside_and_the_others_go_on(videos: Path, tmp_path: Path) -> None:
    """One of a million must not stop the others; it is tried a few times, and named."""
    how, asked = refusing("three", ZeroDivisionError("so it goes"))
    results = {one.video_id: one for one in extracted(videos, tmp_path, how)}
    assert asked == {"one": 1, "two": 1, "three": TRIES}
    assert results["three"].error == "ZeroDivisionError: so it goes"
    assert results["three"].set_aside.startswith(f"it could not be handled in {TRIES} tries")
    assert [path.name for path in find_takes([tmp_path])] == ["one", "two"]


def test_a_video_that_fails_once_is_tried_again(videos: Path, tmp_path: Path) -> None:
    """A drive that was away for a moment."""
    how, asked = refusing("one", OSError("gone for a moment"), times=1)
    assert [one.error for one in extracted(videos, tmp_path, how)] == ["", "", ""]
    assert asked["one"] == 2


def test_a_video_that_ends_the_process_is_not_tried_for_ever(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decoder that crashes leaves no error behind: only that it was begun."""

    class Crash(BaseException):
        """As a signal would end the process."""

    def crashes(job: Job, *rest: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(workers_module, "extract_one", crashes)
        for _ in range(TRIES):
            with pytest.raises(Crash):
                extracted(videos / "one.mp4", tmp_path)
    (result,) = extracted(videos / "one.mp4", tmp_path)
    assert result.set_aside == f"the process ended {TRIES} times while it was handled"


def test_a_file_that_nobody_can_read_is_set_aside(tmp_path: Path) -> None:
    """Text with the name of a video."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.mp4").write_text("no video")
    (result,) = extracted(tmp_path / "in", tmp_path / "out")
    assert "cannot be read" in result.set_aside
    assert (result.overlay.found, result.hours_in, result.error) == (False, 0.0, "")
    assert not content(tmp_path / "out")


def test_without_a_controller_nothing_is_written(videos: Path, tmp_path: Path) -> None:
    """The video is handled all the same, with the best score that anything got."""
    (result,) = extracted(videos / "one.mp4", tmp_path, ways(states, lambda _: []))
    assert result.overlay.found is False
    assert result.overlay.score == 0.1
    assert result.dropped == {"no_overlay": 3.0}
    assert not content(tmp_path)


def test_where_none_was_found_is_looked_again_with_other_templates(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever imports the template that was missing gets what it finds, and nothing else anew."""
    own, out = tmp_path / "templates", tmp_path / "out"
    monkeypatch.setenv(VARIABLE, str(own))
    looked: Counter[str] = Counter()

    def locate(video: Video) -> Searched:
        looked[video.path.stem] += 1
        known = own.exists() or video.path.stem == "two"
        return WAYS.locate(video) if known else Looked([])

    how = Ways(locate, WAYS.read)
    for _ in range(2):
        assert [one.overlay.found for one in extracted(videos, out, how)] == [False, False, True]
    assert looked == {"one": 1, "two": 1, "three": 1}
    own.mkdir()
    (own / "preset.json").write_text("{}", "utf-8")
    for _ in range(2):
        assert all(one.overlay.found for one in extracted(videos, out, how))
    assert looked == {"one": 2, "two": 1, "three": 2}


def test_one_that_waits_and_had_none_is_looked_at_again(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is stopped before a video's turn, and gone on with other templates."""
    own, out = tmp_path / "templates", tmp_path / "out"
    monkeypatch.setenv(VARIABLE, str(own))
    _, found = find_videos([videos], out)
    with SetFolder(out).opened(Options()) as folder:
        for video in found:
            nothing = VideoResult(str(video), video.stem, hours_in=FRAMES / 30 / 3600)
            folder.waiting.put(Extracted(nothing, []), stamp(video))
    with SetFolder(out).opened(Options()) as folder:
        assert (folder.again, folder.waiting.names()) == (0, {*SEEDS})
    own.mkdir()
    (own / "preset.json").write_text("{}", "utf-8")
    with SetFolder(out).opened(Options()) as folder:
        assert (folder.again, folder.waiting.names()) == (len(SEEDS), set())


def test_another_file_of_the_same_name_is_extracted_anew(videos: Path, tmp_path: Path) -> None:
    """A download that was cut off, and is whole the next time."""
    source = tmp_path / "in" / "one.mp4"
    write_video(source, noise(45, 1))
    extracted(source.parent, tmp_path / "out")
    source.write_bytes((videos / "one.mp4").read_bytes())
    (result,) = extracted(source.parent, tmp_path / "out")
    assert result.hours_in == pytest.approx(FRAMES / 30 / 3600)
    (name,) = find_takes([tmp_path / "out"])
    assert open_take(name).rows.num_rows == FRAMES


def test_a_copy_is_set_aside(videos: Path, tmp_path: Path) -> None:
    """The same play, encoded anew and smaller, would count twice; played differently it does
    not."""
    source = tmp_path / "in"
    write_video(source / "a.mp4", noise(FRAMES, 1))
    write_video(source / "b.mp4", noise(FRAMES, 1), crf=36)
    first, second = extracted(source, tmp_path / "out")
    assert (first.set_aside, second.set_aside) == ("", "it is a near-duplicate of a")
    assert second.hours_out == 0
    assert second.dropped == {"set_aside": 3.0}
    names = {path.rsplit("/", 1)[1] for path in content(tmp_path / "out") if "/b/" in path}
    assert names == {"actions_raw.parquet", "metadata.json"}
    seeds = {"a": 1, "b": 2}
    other = ways(lambda video: played(len(video.times), seeds[video.path.stem]))
    assert [one.set_aside for one in extracted(source, tmp_path / "other", other)] == ["", ""]


def test_a_creator_has_so_many_hours(videos: Path, tmp_path: Path) -> None:
    """One busy channel must not be half of the set; who is unknown is many."""
    options = Options(cap_hours=0.0005)
    table = {f"{name}.mp4": Facts(creator="one") for name in ("one", "three")}
    results = extracted(videos, tmp_path, options=options, table=table)
    assert [bool(result.set_aside) for result in results] == [False, True, False]
    assert results[1].set_aside == "0.00 hours of one are kept, and 0.0005 at most"


def test_a_folder_is_gone_on_with_as_it_was_begun(videos: Path, tmp_path: Path) -> None:
    """Half at one rate and half at another is no data set."""
    extracted(videos / "one.mp4", tmp_path)
    with pytest.raises(NotExtracted, match=r"was made with active 0\.5 and not 0\.3"):
        extracted(videos, tmp_path, options=Options(active=0.3))


def test_a_folder_of_something_else_is_left_alone(videos: Path, tmp_path: Path) -> None:
    """Another data set, or anything: nothing in it is touched."""
    (tmp_path / "SHARD_0000").mkdir()
    with pytest.raises(NotExtracted, match="holds something else"):
        extracted(videos, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["SHARD_0000"]
    (tmp_path / "file").touch()
    with pytest.raises(NotExtracted, match="holds something else"):
        extracted(videos, tmp_path / "file")


def test_two_processes_do_not_write_one_set(videos: Path, tmp_path: Path) -> None:
    """Each would take the other's half-written folders away."""
    with (
        SetFolder(tmp_path).opened(Options()),
        pytest.raises(NotExtracted, match="is being written by another process"),
    ):
        extracted(videos, tmp_path)


def test_a_video_that_cannot_be_read_further_is_used_as_far(videos: Path, tmp_path: Path) -> None:
    """A download that was cut off: what can be decoded is used, and it is marked."""
    source = tmp_path / "in" / "one.mp4"
    damaged(videos / "one.mp4", source)
    (result,) = extracted(source.parent, tmp_path / "out")
    assert result.damage.startswith("it cannot be decoded further")
    assert 0 < result.hours_out < result.hours_in
    assert result.hours_out * 3600 + result.dropped["damaged"] == pytest.approx(3.0, abs=0.05)
    (name,) = find_takes([tmp_path / "out"])
    assert 0 < open_take(name).rows.num_rows < FRAMES


def damaged(video: Path, to: Path) -> None:
    """A copy whose second half is zeroes: the index in front of it still counts all frames."""
    import av

    to.parent.mkdir(parents=True)
    with av.open(str(video)) as container:
        places = sorted(packet.pos for packet in container.demux(video=0) if packet.pos)
    data = bytearray(video.read_bytes())
    middle, end = places[len(places) // 2], places[-1]
    data[middle:end] = bytes(end - middle)
    to.write_bytes(data)


def test_a_shard_holds_so_many(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of a million is slow to look into, and an archive of one is never packed."""
    monkeypatch.setattr(folder_module, "PER_SHARD", 2)
    extracted(videos, tmp_path)
    found = {path.name: sorted(each.name for each in path.iterdir())
             for path in tmp_path.glob("SHARD_*")}  # fmt: skip
    assert found == {"SHARD_0000": ["one", "three"], "SHARD_0001": ["two"]}


def test_one_video_needs_no_set(videos: Path, tmp_path: Path) -> None:
    """The function that another process, or another machine, is asked: plain values in and out."""
    job = Job(str(videos / "two.mp4"), "two")
    found = extract_one(job, Options(hz=60), tmp_path / "two", WAYS)
    assert found.result.hz == 60
    assert found.result.chunks == (1, 1)
    assert (tmp_path / "two" / "two_chunk_0000" / "actions_processed.parquet").is_file()
    assert 1 <= len(found.samples) <= 6
    assert type(found.result).of(found.result.plain()) == found.result


def test_a_bad_video_in_the_middle_of_reading(videos: Path, tmp_path: Path) -> None:
    """What the reader says of a video is why it is set aside; it is not tried again."""
    how, asked = refusing("one", BadVideo("it shows nothing", "give another"))
    (result,) = extracted(videos / "one.mp4", tmp_path, how)
    assert result.set_aside == "it shows nothing; give another"
    assert asked["one"] == 1
    assert result.dropped == {"set_aside": 3.0}


def test_two_overlays_one_after_the_other(videos: Path, tmp_path: Path) -> None:
    """A controller that moves is another box, and its rows go into other chunks."""
    from nitropilot.dataset.pose import Pose

    places = [Seen(10, 40), Seen(50, 90, pose=Pose(0.5, 40, 0), score=0.8)]
    (result,) = extracted(videos / "one.mp4", tmp_path, ways(states, lambda _: places))
    assert result.chunks == (2, 2)
    assert result.dropped == {"no_overlay": pytest.approx(20 / 30, abs=1e-3)}
    (name,) = find_takes([tmp_path])
    take = open_take(name)
    assert take.rows.num_rows == FRAMES
    assert np.flatnonzero(~take.taught).tolist() == [*range(10), *range(40, 50)]
    assert len(take.view.masks) == 2


def test_what_is_known_of_a_video_and_is_damaged_is_read_again(
    videos: Path, tmp_path: Path, whole: dict[str, bytes]
) -> None:
    extracted(videos, tmp_path)
    (tmp_path / ".nitropilot" / "videos" / "one.json").write_text("{", "utf-8")

    extracted(videos, tmp_path)

    assert content(tmp_path) == whole
