"""``nitropilot train`` and ``finetune``: files and options, Ctrl-C, and what they refuse."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from nitropilot.errors import NitroPilotError
from nitropilot.policy import load_policy
from nitropilot.server.cli.main import app
from nitropilot.training.trainer.config import SECTIONS, TrainConfig, read_config
from nitropilot.training.trainer.logs import read_log
from tests.training.making import material_in

if TYPE_CHECKING:
    from pathlib import Path

SMALL = ("--steps", "3", "--batch-size", "2", "--log-every", "1")


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings and a policy."""
    return material_in(tmp_path_factory.mktemp("material"), 30)


def run(*words: str) -> None:
    """``nitropilot WORDS`` in this process."""
    app([*words], standalone_mode=False)


def chosen(material: Path) -> tuple[str, ...]:
    """The data and the policy to start from."""
    return "--data", str(material / "data"), "--policy", str(material / "small.safetensors")


def test_finetune_makes_a_policy(
    material: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A program reads what came out; the file is a policy, and the decoded frames are gone."""
    out = tmp_path / "mine.safetensors"
    run("finetune", *chosen(material), *SMALL, "--freeze", "vision", "--out", str(out), "--json")
    found = json.loads(capsys.readouterr().out)
    assert found.keys() == {
        "policy", "run", "adapters", "ended", "steps", "seconds", "loss", "held_out", "best_step",
        "play", "samples", "skipped",
    }  # fmt: skip
    assert found["adapters"] is None
    assert (found["policy"], found["ended"], found["steps"]) == (str(out), "done", 3)
    assert found["held_out"].keys() == {"loss", "f1", "r2", "samples"}
    assert found["samples"]["learned"] > found["samples"]["held_out"] > 0
    began, now = load_policy(material / "small.safetensors"), load_policy(out)
    seen = "vision_encoder.embeddings.patch_embedding.weight"
    assert now.state_dict()[seen].equal(began.state_dict()[seen])
    assert not now.state_dict()["model.proj_out_2.weight"].equal(
        began.state_dict()["model.proj_out_2.weight"]
    )
    assert not (tmp_path / "mine.run" / "frames").exists()
    page = (tmp_path / "mine.run" / "report.html").read_text()
    assert "It is done." in page
    assert "data:image/png;base64," in page


def test_minutes_end_a_run(
    material: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By itself, with its learning rate at the end of its fall; where its adapters are is said."""
    out = tmp_path / "mine.safetensors"
    words = ("--minutes", "0.005", "--batch-size", "2", "--log-every", "1", "--held-out", "0")
    run("finetune", *chosen(material), *words, "--lora", "2", "--out", str(out), "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["ended"] == "done"
    assert found["adapters"] == str(tmp_path / "mine.run" / "adapters.safetensors")
    assert found["seconds"] >= 0.3
    rates = [float(row["learning_rate"]) for row in read_log(tmp_path / "mine.run")]
    assert len(rates) == found["steps"]


def test_the_command_line_wins_over_the_file(material: Path, tmp_path: Path) -> None:
    """The file holds what stays, the command line what is tried."""
    file = tmp_path / "train.toml"
    file.write_text(
        f'[data]\ndata = ["{(material / "data").as_posix()}"]\nheld_out = 0.0\n'
        f'[run]\npolicy = "{(material / "small.safetensors").as_posix()}"\n'
        "steps = 9\nbatch_size = 3\nlog_every = 1\n[optimiser]\nlearning_rate = 1e-3\n"
    )
    run("train", "--config", str(file), "--steps", "2", "--out", str(tmp_path / "out"))
    told = json.loads((tmp_path / "out" / "run.json").read_text())["config"]
    assert (told["run"]["steps"], told["run"]["batch_size"]) == (2, 3)
    assert told["optimiser"]["learning_rate"] == 1e-3
    assert TrainConfig.model_validate(told, strict=False).data.held_out == 0.0
    assert len(read_log(tmp_path / "out")) == 2


def test_ctrl_c_writes_a_checkpoint(
    material: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An evening that is cut short is not lost, and nothing is half a step."""
    out = tmp_path / "out"
    words = ("train", *chosen(material), "--batch-size", "2", "--log-every", "1",
             "--held-out", "0", "--out", str(out))  # fmt: skip
    done = threading.Event()

    def interrupt() -> None:
        while not done.is_set():
            if len(read_log(out)) >= 2:
                os.kill(os.getpid(), signal.SIGINT)
                return
            time.sleep(0.02)

    watcher = threading.Thread(target=interrupt)
    before = signal.getsignal(signal.SIGINT)
    watcher.start()
    try:
        run(*words, "--steps", "1000000", "--json")
    finally:
        done.set()
        watcher.join()
    assert signal.getsignal(signal.SIGINT) is before
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found["ended"] == "interrupted"
    assert "It was interrupted" in (out / "report.html").read_text()
    assert f"interrupted after step {found['steps']}: the same command goes on" in said.err
    run(*words, "--steps", str(found["steps"] + 1), "--json")
    assert json.loads(capsys.readouterr().out)["steps"] == found["steps"] + 1
    assert [int(row["step"]) for row in read_log(out)] == [*range(1, found["steps"] + 2)]


BAD: dict[str, tuple[tuple[str, ...], str]] = {
    "no length": (("--batch-size", "2"), "nothing says how long to train"),
    "no data": (("--steps", "3"), "no data is named"),
    "no TOML": (("--config", "BROKEN"), "is no TOML"),
    "no file": (("--config", "gone.toml"), "cannot read"),
    "section": (("--config", "SECTION"), "there is no section 'optimizer'"),
    "bare": (("--config", "BARE"), "steps' is no section|no section 'steps'"),
    "field": (("--config", "FIELD"), "run.stepz"),
    "type": (("--config", "TYPE"), "run.steps.*integer"),
}
FILES = {
    "BROKEN": "[run\n",
    "SECTION": "[optimizer]\nlearning_rate = 1\n",
    "BARE": "steps = 3\n",
    "FIELD": "[run]\nstepz = 3\n",
    "TYPE": '[run]\nsteps = "many"\n',
}


@pytest.mark.parametrize("case", BAD)
def test_what_train_refuses(material: Path, tmp_path: Path, case: str) -> None:
    """Each way of getting it wrong has one line, and leaves no checkpoint."""
    words, line = BAD[case]
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    placed = [
        str(tmp_path / word) if word in FILES or word == "gone.toml" else word for word in words
    ]
    with pytest.raises(NitroPilotError, match=line) as caught:
        run(
            "train",
            "--policy",
            str(material / "small.safetensors"),
            *placed,
            "--out",
            str(tmp_path / "out"),
        )
    assert "\n" not in caught.value.line()
    assert not (tmp_path / "out" / "state.pt").exists()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--policy", "random:tiny", "--out", "a.safetensors"), "there is nothing to tune"),
        (("--policy", "P", "--out", "a.pt"), "would hold safetensors data"),
        (("--policy", "P"), "no place is named to write to"),
    ],
    ids=["random", "suffix", "no place"],
)
def test_what_finetune_refuses(material: Path, words: tuple[str, ...], line: str) -> None:
    """Before hours are spent on what cannot be written."""
    with pytest.raises(NitroPilotError, match=line):
        run("finetune", "--data", str(material / "data"), "--steps", "1", *words)


def test_every_field_is_one_option() -> None:
    """Sections share the command line: a name that is in two of them could not be given."""
    names: Counter[Any] = Counter(
        name for section in SECTIONS.values() for name in section.model_fields
    )
    assert max(names.values()) == 1
    config = read_config(None, {"steps": 1, "beta2": 0.9}, {"beta2": 0.5, "warm_up": 7})
    assert (config.optimiser.beta2, config.optimiser.warm_up) == (0.9, 7)
