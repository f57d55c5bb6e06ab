"""What a machine of a cluster answers; without a cluster."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nitropilot.dataset.extracting import cluster
from nitropilot.dataset.extracting.folder import SetFolder
from nitropilot.dataset.extracting.known import digest_of, stamp
from nitropilot.dataset.extracting.options import Job, Options
from nitropilot.dataset.extracting.there import Asked, handle
from nitropilot.dataset.output import published
from nitropilot.dataset.output.facts import Facts
from nitropilot.dataset.templates.library import VARIABLE
from tests.dataset.making import noise, played, ways, write_video

WAYS = ways(lambda video: played(len(video.times)))


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """A video, as another machine is asked for it."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "templates"))
    video = write_video(tmp_path / "a.mp4", noise(40))
    options = Options()
    with SetFolder(tmp_path / "out").opened(options) as folder:
        mark = folder.marked("0123")
        place = str(folder.ready("a~1"))
    job = Job(str(video), "a", Facts(game="Doom"))
    return Asked(job, options, place, mark, stamp(video), digest_of(options))


def test_it_answers_in_plain_values(asked: Asked) -> None:
    """Both ways: what is asked is what arrives, and what comes back is the result and a strip."""
    assert Asked.of(asked.plain()) == asked
    found = handle(asked, WAYS)
    assert found.keys() == {"result", "samples"}
    assert (found["result"]["overlay"]["skin"], found["result"]["facts"]["game"]) == ("box", "Doom")
    assert (Path(asked.place) / "a_chunk_0000" / "actions_raw.parquet").is_file()


def test_a_machine_that_is_not_as_this_one_is_said(asked: Asked, tmp_path: Path) -> None:
    """Another folder of that name, no video, or other templates would make another set."""
    wrong = {
        "does not see": replace(asked, mark=(asked.mark[0], "4567")),
        f"does not see {asked.job.source}": replace(asked, stamp=[asked.stamp[0] + 1]),
        "has other templates": replace(asked, own="0" * 64),
    }
    for said, one in wrong.items():
        found = handle(one, WAYS)
        assert found.keys() == {"wrong"}
        assert said in found["wrong"]["message"]
    assert not Path(asked.place).exists()


def test_templates_and_weights_are_told_apart_by_what_is_in_them(
    asked: Asked, tmp_path: Path
) -> None:
    own = tmp_path / "templates" / "mine" / "preset.json"
    own.parent.mkdir(parents=True)
    own.write_text("{}")
    changed = digest_of(asked.options)
    weights = tmp_path / "weights.pt"
    weights.write_bytes(b"1")
    first = digest_of(replace(asked.options, xfeat=str(weights)))
    weights.write_bytes(b"2")
    second = digest_of(replace(asked.options, xfeat=str(weights)))
    assert len({asked.own, changed, first, second}) == 4


def test_a_full_disk_there_ends_the_run_and_not_the_video(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, value: dict[str, object]) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(published, "write_json", full)
    found = handle(asked, WAYS)
    assert found.keys() == {"full"}
    assert "No space left on device" in found["full"]["message"]


def test_what_fails_there_is_a_try(asked: Asked) -> None:
    def fails(*_: Any) -> Any:
        raise ZeroDivisionError("so it goes")

    assert handle(asked, WAYS._replace(read=fails)) == {"error": "ZeroDivisionError: so it goes"}


@pytest.mark.parametrize(
    ("machines", "share"),
    [
        ([(4, 0)], 0.0),
        ([(4, 1)], 0.25),
        ([(3, 1), (8, 0)], 0.3333),
        ([(2, 4)], 1.0),
        ([(16, 2), (16, 4)], 0.125),
    ],
    ids=["none", "one", "some have one", "more than cores", "the least"],
)
def test_tasks_share_graphics_cards(machines: list[tuple[int, int]], share: float) -> None:
    """So that as many fit as the machines with cards have cores."""
    nodes = [
        {"Alive": True, "Resources": {"CPU": cores, **({"GPU": cards} if cards else {})}}
        for cores, cards in machines
    ]
    assert cluster._card_share(nodes) == share
