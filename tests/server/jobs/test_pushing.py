"""Data sets and policies on a hub that we serve: whole, resumed, and nothing that is not ours."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from nitropilot.policy.naming import SHIPPED
from nitropilot.policy.shipped.card import read_card
from nitropilot.server.cli.engine.policy_card import card_of
from nitropilot.server.errors import PushFailed
from nitropilot.server.jobs.hub import client
from nitropilot.server.jobs.pushing import check_card
from tests.server.jobs.taking_hub import TOKEN, TakingHub
from tests.server.processes import command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEAD = "---\nlicense: mit\npretty_name: Mine\n---\n"
POCKET = SHIPPED["pocket"]


@pytest.fixture
def hub() -> Iterator[TakingHub]:
    hub = TakingHub()
    yield hub
    hub.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data set with all that lies in one: its own, others' videos, and what is none of it."""
    folder = tmp_path / "set"
    for name, content in {
        "README.md": HEAD + "# Mine\n\nPlay.\n", "SHARD_0000/a/a_chunk_0000/rows.parquet": "rows",
        "SHARD_0000/a/a_chunk_0000/metadata.json": "{}", "videos/own.mp4": "pictures",
        ".nitropilot/state.json": "{}", "actions/S.tar.gz.part": "half",
    }.items():  # fmt: skip
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (tmp_path / "theirs.mp4").write_text("not ours")
    (folder / "videos/theirs.mp4").symlink_to(tmp_path / "theirs.mp4")
    (folder / "others").mkdir()
    (folder / "others/theirs.mp4").symlink_to(tmp_path / "theirs.mp4")
    return folder


def push(hub: TakingHub, home: Path, *words: str, token: str = TOKEN) -> Any:
    """A command, with its result."""
    more = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home / "hf"), "HF_TOKEN": token,
            "HF_HUB_DISABLE_XET": "1"}  # fmt: skip
    return command(*words, home=home, **more)


def test_a_data_set_is_pushed_and_pushed_again(hub: TakingHub, data: Path, tmp_path: Path) -> None:
    """Folder and card, no link, nothing hidden, nothing half written; and only what is new."""
    done = push(hub, tmp_path, "dataset", "push", str(data), "lab/set", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    repository = hub.repositories["dataset", "lab/set"]
    assert repository.private is True
    assert set(repository.files) == {
        "README.md", "SHARD_0000/a/a_chunk_0000/rows.parquet",
        "SHARD_0000/a/a_chunk_0000/metadata.json", "videos/own.mp4",
    }  # fmt: skip
    assert repository.files["videos/own.mp4"] == b"pictures"
    assert (said["files"], said["links"], said["private"]) == (4, 2, True)
    assert said["url"] == f"{hub.url}/datasets/lab/set"
    assert TOKEN not in done.stdout + done.stderr

    (data / "README.md").write_text(HEAD + "# Mine\n\nMore play.\n")
    again = push(hub, tmp_path, "dataset", "push", str(data), "lab/set")
    assert again.returncode == 0, again.stderr
    assert "2 links were left out" in again.stderr
    assert repository.files["README.md"].endswith(b"More play.\n")
    assert (repository.commits, len(hub.stored)) == (2, 2)


def test_what_was_cut_off_goes_on(hub: TakingHub, data: Path, tmp_path: Path) -> None:
    """What has arrived is not sent twice; and nothing is shown before all is there."""
    hub.full_after = 1
    done = push(hub, tmp_path, "dataset", "push", str(data), "lab/set", "--public")
    assert done.returncode == 2
    assert "the hub does not take lab/set" in done.stderr
    assert hub.repositories["dataset", "lab/set"].files == {}
    hub.full_after = None
    done = push(hub, tmp_path, "dataset", "push", str(data), "lab/set", "--public")
    assert done.returncode == 0, done.stderr
    repository = hub.repositories["dataset", "lab/set"]
    assert len(hub.stored) == len(set(hub.stored)) == 2
    assert (len(repository.files), repository.private) == (4, False)
    closed = push(hub, tmp_path, "dataset", "push", str(data), "lab/set")
    assert closed.returncode == 2
    assert "lab/set is there already, and open to all" in closed.stderr


def test_a_policy_is_pushed_with_what_it_says(hub: TakingHub, tmp_path: Path) -> None:
    """The file as it is, and a card of its facts."""
    asked = ("policies", "push", str(POCKET), "lab/policy")
    done = push(hub, tmp_path, *asked, "--licence", "mit", "--json")
    assert done.returncode == 0, done.stderr
    files = hub.repositories["model", "lab/policy"].files
    assert set(files) == {POCKET.name, "README.md"}
    assert files[POCKET.name] == POCKET.read_bytes()
    text = files["README.md"].decode()
    assert text.startswith('---\nlicense: "mit"\n')
    assert read_card(POCKET).sha256 in text


def test_a_wrong_token(hub: TakingHub, data: Path, tmp_path: Path) -> None:
    """One line that says how to get a right one."""
    done = push(hub, tmp_path, "dataset", "push", str(data), "lab/set", token="hf_wrong")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()[-1:]) == 1
    assert "the hub does not take lab/set" in done.stderr
    assert "hf auth login" in done.stderr
    assert "hf_wrong" not in done.stderr


@pytest.mark.parametrize(
    ("card", "said"),
    [
        (None, "has no card"),
        ("# Mine\n\nwords", "names no licence"),
        ("---\nlicense: unknown\n---\nwords", "names no licence"),
        ("---\nlicense: mit\n---\n\n", "has no words"),
        ("---\nlicense: [mit\n---\nwords", "is no YAML"),
        ("---\n- mit\n---\nwords", "cannot be read"),
    ],
    ids=["none", "no head", "unknown", "no words", "no YAML", "a list"],
)
def test_without_card_and_licence_nothing_is_pushed(
    card: str | None, said: str, tmp_path: Path
) -> None:
    """Who takes it has to know what it is, and what they may do with it."""
    if card is not None:
        (tmp_path / "README.md").write_text(card)
    with pytest.raises(PushFailed, match=said):
        check_card(tmp_path, client(PushFailed))


def test_cards_of_policies(tmp_path: Path) -> None:
    """One's own counts; a licence is for none beside it."""
    place = tmp_path / "mine.safetensors"
    shutil.copyfile(POCKET, place)
    with pytest.raises(PushFailed, match="has no card"):
        card_of(place, None, None)
    with pytest.raises(PushFailed, match="there is no card"):
        card_of(place, tmp_path / "none.md", None)
    own = tmp_path / "README.md"
    own.write_text(HEAD + "words")
    assert card_of(place, None, None) == own
    with pytest.raises(PushFailed, match="is for a card that is made"):
        card_of(place, None, "mit")
