"""The report of a set: hours that add up, on a page that needs nothing else."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nitropilot.dataset.output.facts import Facts
from nitropilot.dataset.output.gate import Figures
from nitropilot.dataset.output.report import FIGURES, PAGE, write_report
from nitropilot.dataset.output.result import Overlay, VideoResult
from nitropilot.dataset.output.samples import Sample, drawn, places, sample
from nitropilot.dataset.output.tally import places as places_among
from nitropilot.dataset.output.tally import tally
from nitropilot.dataset.pad import Moment

if TYPE_CHECKING:
    from pathlib import Path

EVIL = "<script>alert(1)</script>"


def result(number: int, **more: object) -> VideoResult:
    """A video of two hours, of which one is kept."""
    figures = Figures(
        3600.0, number / 20, {"south": 10.0 + number, "east": 2.0}, {"south": 0.1, "east": 0.2},
        {"south": 1.0, "east": 0.4}, {"south": 0.1, "east": 0.01}, {"left x": 0.1}, 0.95,
    )  # fmt: skip
    values = {
        "source": f"/v/{number}.mp4", "video_id": f"v{number}",
        "overlay": Overlay(True, "pad", 0.9, [0, 0, 9, 9]), "hours_in": 2.0, "hours_out": 1.0,
        "dropped": {"idle": 3000.0, "cut": 600.0}, "hz": 30, "chunks": (3, 2), "figures": figures,
        "facts": Facts(game="Doom" if number % 2 else EVIL),
    }  # fmt: skip
    return VideoResult(**{**values, **more})  # type: ignore[arg-type]  # told by name


def results() -> list[VideoResult]:
    """Twelve that are kept, one set aside, one without a controller, one that failed."""
    nothing = {"figures": None, "chunks": (0, 0), "hours_out": 0.0, "overlay": Overlay()}
    return [
        *map(result, range(12)),
        result(12).aside("nobody plays"),
        result(13, **nothing, dropped={"no_overlay": 7200.0}),
        result(14, **nothing, dropped={}, hours_in=0.0, error="so it goes", set_aside="tried"),
    ]


def test_hours_add_up() -> None:
    """Hours in are hours out and what was dropped, whatever they are counted by."""
    said = tally(results())
    assert said["hours_in"] == 28.0
    assert said["hours_out"] == 12.0
    assert sum(said["dropped"].values()) == pytest.approx(16 * 3600)
    for its in said["by"].values():
        assert sum(one["hours_in"] for one in its.values()) == 28.0
        assert sum(one["hours_out"] for one in its.values()) == 12.0
        assert sum(one["videos"] for one in its.values()) == 15
    assert said["became"] == {"kept": 12, "set aside": 1, "no overlay": 1, "failed": 1}
    assert said["unknown"]["creator"] == 15
    assert said["unknown"]["game"] == 0


def test_what_is_set_aside_is_no_play() -> None:
    """A button that flickers in one recording would be the most pressed of the set."""
    strange = result(1, figures=Figures(3600.0, 0.0, {"guide": 900.0}, {}, {}, {"guide": 0.5}))
    said = tally([*map(result, range(2)), strange.aside("flickers")])
    assert set(said["buttons"]) == {"south", "east"}
    assert said["buttons"]["south"] == {"presses_a_minute": 10.5, "held": 0.1}


def test_a_recording_has_a_place_among_the_others() -> None:
    """The least idle of twelve, and the most."""
    found = places_among([result(number) for number in range(12)])
    assert found["v0"]["idle"] == pytest.approx(1 / 12, abs=1e-3)
    assert found["v11"]["idle"] == 1.0
    assert found["v11"]["presses a minute east"] == 1.0
    assert places_among([result(1), result(2)]) == {}


def test_the_page_stands_alone(tmp_path: Path) -> None:
    """It is opened years later, without a network; and a game's name is no markup."""
    crop = np.full((30, 50, 3), (10, 200, 90), np.uint8)
    strip = [sample(1.5, Moment(frozenset({"south"}), (0.5, -1, 0, 0), (0, 0.7)), crop)]
    assert Sample.of(json.loads(json.dumps(strip[0].plain()))) == strip[0]
    write_report(tmp_path, results(), lambda name: strip if name == "v3" else [])
    page = (tmp_path / PAGE).read_text("utf-8")
    assert EVIL not in page
    assert "&lt;script&gt;" in page
    assert re.findall(r'(?:src|href)="(?!data:)', page) == []
    assert page.count("data:image/png;base64,") == 1
    assert "12.00 hours are kept (42.9 %)" in page
    assert "nobody plays" in page
    said = json.loads((tmp_path / FIGURES).read_text("utf-8"))
    assert [one["video_id"] for one in said["each"]] == [f"v{number}" for number in range(15)]
    assert [path.name for path in tmp_path.glob("*.part")] == []


def test_an_empty_set_has_a_report(tmp_path: Path) -> None:
    """Of a folder of videos without any controller."""
    write_report(tmp_path, [], lambda name: [])
    assert "Videos: 0, with 0.0 minutes" in (tmp_path / PAGE).read_text("utf-8")


def test_a_state_is_drawn_where_it_is() -> None:
    """A drawing that is mirrored agrees with a reading that is."""
    circles = [
        tuple(map(float, found))
        for found in re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', drawn(Moment(sticks=(1, -1, 0, 0))))
    ]
    rest, dot, other_rest, other_dot = circles
    assert dot[0] > rest[0] + 20
    assert dot[1] < rest[1] - 20
    assert other_dot == pytest.approx(other_rest, abs=3)


def test_samples_are_all_over_the_video() -> None:
    """Six of them, none at the very ends, fewer where there are fewer frames."""
    assert places(100, 700) == [150, 250, 350, 450, 550, 650]
    assert places(5, 7) == [5, 6]
