"""Work lists out of sidecars: what is known, in which order, and the file that it goes into."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nitropilot.dataset.errors import BadPlan
from nitropilot.dataset.output.facts import Facts, read_table
from nitropilot.dataset.planning.costs import Cost, on_paper
from nitropilot.dataset.planning.plan import Order, Planned, counted, known_videos, plan_of
from nitropilot.dataset.planning.planfile import check_name, read_plan, write_plan

HOUR = 3600.0


def sidecar(place: Path, **said: Any) -> None:
    """As yt-dlp writes it; the video itself is nowhere."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(said))


def names(videos: list[Planned]) -> list[str]:
    return [each.path.stem for each in videos]


def test_sidecars_say_all_and_no_video_is_opened(tmp_path: Path) -> None:
    """How long, whose, and where the video is, or will be; a damaged sidecar says nothing."""
    sidecar(tmp_path / "x" / "1.info.json", duration=7200, channel="one", ext="webm", license="CC")
    sidecar(tmp_path / "x" / "2.info.json", duration="90.5", game="Doom", ext="exe")
    (tmp_path / "x" / "2.MKV").write_bytes(b"never opened")
    (tmp_path / "3.info.json").write_text("{")
    (tmp_path / "bare.mp4").write_bytes(b"")
    sidecar(tmp_path / ".hidden" / "4.info.json", duration=1)
    first, second, third, bare = (
        found[name] for found in [{each.path.stem: each for each in known_videos([tmp_path])}]
        for name in ("1", "2", "3", "bare")
    )  # fmt: skip
    assert first == Planned(tmp_path / "x" / "1.webm", 7200.0, Facts(creator="one", licence="CC"))
    assert second == Planned(tmp_path / "x" / "2.MKV", 90.5, Facts(game="Doom"))
    assert third == Planned(tmp_path / "3.mp4")
    assert bare == Planned(tmp_path / "bare.mp4")
    assert known_videos([tmp_path / "x" / "1.info.json"]) == [first]


def test_a_table_counts_more_than_a_sidecar(tmp_path: Path) -> None:
    """And may speak of videos that have none."""
    sidecar(tmp_path / "1.info.json", duration=60, channel="one", game="Doom")
    table = tmp_path / "facts.csv"
    table.write_text("video,game,duration\n1.mp4,Quake,\n/far/2.mkv,,120\n3.mp4,,long\n")
    found = known_videos([table, tmp_path])
    assert found == [
        Planned(Path("/far/2.mkv"), 120.0),
        Planned(tmp_path / "1.mp4", 60.0, Facts(creator="one", game="Quake")),
        Planned(tmp_path / "3.mp4"),
    ]


@pytest.fixture
def videos() -> list[Planned]:
    """Two creators, one who is not known, and a video of unknown length."""
    one, two = Facts(creator="one", game="Doom"), Facts(creator="two")
    return [
        Planned(Path("/v/a"), 1 * HOUR, one), Planned(Path("/v/b"), 3 * HOUR, one),
        Planned(Path("/v/c"), 2 * HOUR, one), Planned(Path("/v/d"), 4 * HOUR, two),
        Planned(Path("/v/e"), 9 * HOUR), Planned(Path("/v/f"), 9 * HOUR), Planned(Path("/v/g")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("order", "first"), [("spread", "adebfcg"), ("long", "efdbcag"), ("name", "abcdefg")]
)
def test_orders(videos: list[Planned], order: str, first: str) -> None:
    """Creators in turn, the longest first, or by name; whichever way round they were found."""
    for given in (videos, videos[::-1]):
        assert "".join(names(plan_of(given, Order(order)).videos)) == first


def test_a_creator_has_so_many_hours(videos: list[Planned]) -> None:
    """The video with which they are full is in; who is not known is many."""
    made = plan_of(videos, Order.NAME, cap_hours=3.5)
    assert (names(made.videos), names(made.over)) == (list("abdefg"), ["c"])


def test_hours_are_counted_and_so_is_what_is_missing(videos: list[Planned]) -> None:
    said = counted(videos)
    assert (said["videos"], said["hours"]) == (7, 28.0)
    assert list(said["by"]["creator"].items()) == [
        ("unknown", {"videos": 3, "hours": 18.0}), ("one", {"videos": 3, "hours": 6.0}),
        ("two", {"videos": 1, "hours": 4.0}),
    ]  # fmt: skip
    assert said["unknown"] == {
        "game": 4, "creator": 3, "genre": 7, "url": 7, "licence": 7, "source": 7, "duration": 1
    }  # fmt: skip


@pytest.mark.parametrize("ending", [".json", ".csv", ".CSV"])
def test_a_plan_is_read_as_it_was_written(tmp_path: Path, ending: str) -> None:
    """In its order, without those that are not there, and with a common folder that does not
    change when they are."""
    told = Facts(game='a "game", and more', creator="один")
    paths = [tmp_path / "in" / name for name in ("b.mp4", "a.mp4", "far/c.mp4")]
    listed = [Planned(path, 1.5, told) for path in paths]
    plan = tmp_path / f"plan{ending}"
    write_plan(plan, [*listed, listed[0]], {"hours": 1.0})
    for path in paths[:2]:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    found = read_plan(plan)
    assert found == (tmp_path / "in", paths[:2], paths[2:], dict.fromkeys(map(str, paths), told))
    if ending != ".json":
        assert read_table(plan) == found.table, "it is a table of facts too"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read"), ("[]", "is no plan of format 1"),
        ('{"format": 2, "videos": []}', "is no plan of format 1"),
        ('{"format": 1, "videos": [1]}', "has no list of videos"),
        ('{"format": 1, "videos": []}', "names no video"),
        ('{"format": 1, "videos": [{"video": "gone.mp4"}]}', "none of the 1 videos of"),
    ],
    ids=["broken", "a list", "of another version", "numbers", "empty", "nothing is there"],
)  # fmt: skip
def test_what_is_no_plan_is_said(tmp_path: Path, text: str, said: str) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(text)
    with pytest.raises(BadPlan, match=said):
        read_plan(plan)


def test_what_is_no_table_is_said(tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_text("a,b\n1,2\n")
    with pytest.raises(BadPlan, match="has the columns a, b"):
        read_plan(tmp_path / "plan.csv")
    with pytest.raises(BadPlan, match="cannot be read"):
        read_plan(tmp_path / "gone.csv")


def test_places_that_say_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadPlan, match="speaks of no video"):
        known_videos([tmp_path])
    with pytest.raises(BadPlan, match="there is no"):
        known_videos([tmp_path / "gone"])


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "plan.json").touch()
    with pytest.raises(BadPlan, match="is there already"):
        check_name(tmp_path / "plan.json")
    with pytest.raises(BadPlan, match="is no name of a plan"):
        check_name(tmp_path / "plan.txt")


def test_what_it_costs() -> None:
    """A video costs its set-up, and from there on as long as it is."""
    cost = Cost(setup_s=36.0, speed=4.0)
    assert cost.core_hours(hours=40.0, videos=100) == pytest.approx(11.0)
    paper = on_paper(40.0, 100, cost, cores=2, kept_busy=0.5, core_hour=0.1)
    assert paper == pytest.approx((11.0, 22.0 / 2 / 24, 2.2))
