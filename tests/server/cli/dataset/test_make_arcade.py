"""``nitropilot dataset make arcade``: play, pictures, labels in both layouts, and a card."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from typer.testing import CliRunner

from nitropilot.controller.state import Button, GamepadState
from nitropilot.errors import NitroPilotError
from nitropilot.server.cli.dataset.arcade import facts_of, moment_of
from nitropilot.server.cli.dataset.group import dataset
from nitropilot.server.errors import PushFailed
from nitropilot.server.jobs.hub import client
from nitropilot.server.jobs.pushing import check_card
from nitropilot.training.formats.finding import find_takes, open_take
from nitropilot.training.formats.video import decoded

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

SMALL = ("--hours", "0.0005", "--games", "arena-1", "--size", "128", "--hz", "30", "--skins",
         "panel-dark,xbox-dark", "--noise", "1", "--json")  # fmt: skip


def made(out: Path, *more: str) -> Result:
    return CliRunner().invoke(dataset, ["make", "arcade", "--out", str(out), *SMALL, *more])


@pytest.fixture(scope="module")
def arcade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("arcade")
    done = made(out)
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["videos"], said["games"], said["format"]) == (1, {"arena-1": 1}, "both")
    assert said["hours"] > 0.0005
    assert said["foreign"] > 0
    return out


def test_both_layouts_have_the_same_play(arcade: Path) -> None:
    """Same actions after the same pictures, and who has the pad now and then is not taught."""
    (one,), (other,) = find_takes([arcade / "nitrogen"]), find_takes([arcade / "lerobot"])
    first, second = open_take(one), open_take(other)
    assert first.game == second.game == "arena"
    assert first.hz == second.hz == 30
    assert first.rows.num_rows == second.rows.num_rows
    assert 0 < (~first.taught).sum() < first.rows.num_rows / 2
    assert second.taught.tolist()[1:] == first.taught.tolist()[1:]
    for name in ("right_trigger", "j_left", "j_right"):
        np.testing.assert_allclose(
            np.array(second.rows[name].to_pylist()[1:], float),
            np.array(first.rows[name].to_pylist()[1:], float), atol=1e-6,
        )  # fmt: skip
    assert any(first.column("right_trigger"))
    (picture,) = decoded(first.video, np.array([20]))
    (hidden,) = decoded(second.video, np.array([20]))
    assert picture.shape == (128, 128, 3)
    rows, columns = first.view.masks[0].pixels(128, 128)
    assert hidden[rows, columns].max() < 60 < picture[rows, columns].max()


def test_the_card_is_what_the_hub_takes(arcade: Path) -> None:
    """Its head is YAML with a licence; each layout has one of its own."""
    hub = client(PushFailed)
    for place in (arcade, arcade / "nitrogen", arcade / "lerobot"):
        check_card(place, hub)
        head = hub.repocard.metadata_load(place / "README.md")
        assert head["license"] == "mit"
        for each in head["configs"]:
            assert list(place.glob(each["data_files"])), each
    assert {"nitrogen", "lerobot"} == {
        each["config_name"] for each in hub.repocard.metadata_load(arcade / "README.md")["configs"]
    }
    text = (arcade / "README.md").read_text()
    assert "--seed 0 --format both --hz 30" in text
    (sidecar,) = (arcade / "nitrogen" / "videos").glob("*.info.json")
    said = json.loads(sidecar.read_text())
    assert (said["game"], said["creator"], said["license"]) == ("arena", "NitroPilot", "mit")


def test_it_is_gone_on_with_or_refused(arcade: Path) -> None:
    """What is there is not made again; another seed is another set."""
    kept = arcade / "lerobot" / "meta" / "info.json"
    before = kept.stat().st_mtime_ns
    assert made(arcade).exit_code == 0
    assert kept.stat().st_mtime_ns == before
    refused = made(arcade, "--seed", "1").exception
    assert isinstance(refused, NitroPilotError)
    assert "seed 0 and not 1" in str(refused)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--hours", "0"), "--hours is 0"),
        (("--hours", "nan"), "--hours is nan"),
        (("--games", "tetris"), "no script plays 'tetris'"),
        (("--skins", "none"), "there is no template 'none'"),
        (("--hz", "50"), "--hz is 50"),
        (("--licence", " "), "--licence is empty"),
    ],
)
def test_mistakes(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    """One line each, and nothing is made."""
    done = made(tmp_path / "out", *words)
    assert said in str(done.exception)
    assert isinstance(done.exception, NitroPilotError)
    assert not (tmp_path / "out").exists()


def test_up_is_negative() -> None:
    """The pad's own y grows upward, the published one downward."""
    pressed = GamepadState((0.5, 1.0), (0.0, -0.25), 0.0, 0.75, Button.A | Button.DPAD_LEFT)
    moment = moment_of(pressed)
    assert moment.sticks == (0.5, -1.0, 0.0, 0.25)
    assert moment.triggers == (0.0, 0.75)
    assert moment.buttons == {"south", "dpad_left"}
    assert facts_of("road-2", "mit").game == "road"
