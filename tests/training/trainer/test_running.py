"""A run: gone on with it is the same run, and what it leaves can be played."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from nitropilot.engines import load_engine
from nitropilot.policy import load_policy
from nitropilot.policy.config import parse_config
from nitropilot.training.errors import BadSettings, LossNotFinite, NoMemory, NotWritten, OtherRun
from nitropilot.training.objective import total
from nitropilot.training.objective.flow import flow_loss
from nitropilot.training.optimise.ema import MovingAverage
from nitropilot.training.trainer.config import TrainConfig
from nitropilot.training.trainer.files import BEST, LOG, NEWEST, STATE, load_state
from nitropilot.training.trainer.logs import read_log
from nitropilot.training.trainer.outcome import Verdict
from nitropilot.training.trainer.running import train
from nitropilot.training.trainer.same import bound, require_same
from nitropilot.training.trainer.start import exported_config
from tests.training.making import HZ, recording, small_policy, told

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nitropilot.policy.network.policy import Policy
    from nitropilot.training.trainer.outcome import Outcome
    from nitropilot.training.trainer.scoring import Scores

CURVE = ("step", "epoch", "loss", "learning_rate", "gradient_norm", "held_out_loss", "held_out_f1")
WHOLE: dict[str, Any] = {
    "held_out": 0.2, "validate_every": 3, "save_every": 4, "keep_every": 2, "colour": 0.2,
}  # fmt: skip


def after(steps: int) -> Callable[[], bool]:
    """Asks a run to end after so many steps."""
    asked = iter([False] * steps)
    return lambda: next(asked, True)


def curve(folder: Path) -> list[tuple[str, ...]]:
    """What a log says of learning, to the last digit."""
    return [tuple(row[name] for name in CURVE) for row in read_log(folder)]


@pytest.fixture(scope="module")
def whole(material: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """A run of six steps that nothing interrupts."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("run")
    return folder, train(told(material, **WHOLE), folder)


@pytest.mark.parametrize("steps", [1, 4, 5])
def test_a_run_that_is_gone_on_with_is_the_same(
    whole: tuple[Path, Outcome], material: Path, tmp_path: Path, steps: int
) -> None:
    """Bitwise: the curve, the weights, their average and the optimiser."""
    config = told(material, **WHOLE)
    first = train(config, tmp_path, stopping=after(steps))
    assert (first.ended, first.step) == ("interrupted", steps)
    second = train(config, tmp_path)
    assert (second.ended, second.step) == ("done", 6)
    assert curve(tmp_path) == curve(whole[0])
    assert len(curve(tmp_path)) == 6
    one, other = load_state(tmp_path), load_state(whole[0])
    assert one is not None
    assert other is not None
    for part in ("weights", "average"):
        for name, value in other["stepper"][part].items():
            assert torch.equal(one["stepper"][part][name], value), name
    moments = other["stepper"]["optimiser"]["state"]
    assert all(
        torch.equal(one["stepper"]["optimiser"]["state"][number][name], value)
        for number, its in moments.items()
        for name, value in its.items()
    )
    assert second.scores == whole[1].scores


def test_what_a_run_leaves(whole: tuple[Path, Outcome]) -> None:
    """The newest, the best, every so manieth, a log, and nothing half written."""
    folder, outcome = whole
    names = {path.name for path in folder.iterdir()}
    kept = {f"step_{step:08d}.safetensors" for step in (2, 4, 6)}
    assert names == {STATE, NEWEST, BEST, LOG, "run.json", "frames"} | kept
    assert outcome.best_step in (3, 6)
    assert outcome.samples == (52, 14)
    with (folder / LOG).open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    assert [bool(row["held_out_loss"]) for row in rows] == [False, False, True] * 2
    assert all(0 < float(row["mfu"]) < 1 for row in rows)
    assert all(float(row["samples_per_s"]) > 0 <= float(row["data_share"]) <= 1 for row in rows)


def test_what_plays_is_the_average(whole: tuple[Path, Outcome]) -> None:
    """The raw weights serve to go on with, and nothing else: every file has the averaged ones."""
    folder, _ = whole
    state = load_state(folder)
    assert state is not None
    for file in (NEWEST, "step_00000006.safetensors"):
        played = load_policy(folder / file).state_dict()
        for name, average in state["stepper"]["average"].items():
            assert torch.equal(played[name], average)
        raw = state["stepper"]["weights"]
        assert not all(torch.equal(played[name], raw[name]) for name in raw)


@pytest.mark.parametrize("name", ["torch", "openvino"])
def test_every_engine_plays_it(whole: tuple[Path, Outcome], name: str) -> None:
    """What is trained and cannot be played is worth nothing; TensorRT has the same graph."""
    path = whole[0] / NEWEST
    policy = load_policy(path)
    assert not policy.is_random
    assert policy.config.nitropilot.action_hz == HZ
    assert policy.raw_config["model_cfg"]["noise_s"] == 0.999
    rng = np.random.default_rng(0)
    images = rng.random((1, 3, 32, 32), np.float32)
    engine = load_engine(str(path), engine=name, device="cpu", precision="float32")
    try:
        assert (engine.spec.action_hz, engine.spec.horizon) == (HZ, 4)
        noise = engine.draw_noise(rng)
        found = engine.infer(images, noise).actions
    finally:
        engine.close()
    wanted = policy.sample(torch.from_numpy(images)[None], torch.from_numpy(noise)[None])
    assert np.abs(found - wanted[0].numpy()).max() < 1e-4


def test_another_run_is_not_gone_on_with(
    whole: tuple[Path, Outcome], material: Path, tmp_path: Path
) -> None:
    """Half of one run and half of another are none; longer ones are."""
    config = told(material, seed=5)
    train(config, tmp_path, stopping=after(1))
    with pytest.raises(OtherRun, match=r"run.seed was 5 and is 6"):
        train(told(material, seed=6), tmp_path)
    with pytest.raises(OtherRun, match=r"data.corrections was 1.0 and is 2.0"):
        train(told(material, seed=5, corrections=2.0), tmp_path)
    for number in (0, 1, 2):
        recording(tmp_path / "more", number, 40)
    with pytest.raises(OtherRun, match="had other data"):
        train(told(material, seed=5, data=[str(tmp_path / "more")]), tmp_path)
    (tmp_path / STATE).write_bytes(b"PK")
    with pytest.raises(OtherRun, match="cannot be gone on with"):
        train(config, tmp_path)


def test_a_run_of_an_older_version_is_gone_on_with(tmp_path: Path) -> None:
    """It was not told of fields that are new, and did what their defaults say."""
    now = bound(TrainConfig())
    old = {name: dict(section) for name, section in now.items()}
    del old["data"]["corrections"], old["data"]["before_takeover"]
    require_same(old, now, tmp_path)
    with pytest.raises(OtherRun, match=r"data.corrections was 1.0 and is 3.0"):
        require_same(old, {**now, "data": {**now["data"], "corrections": 3.0}}, tmp_path)


def test_a_loss_that_is_no_number_stops(
    material: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training on with NaN ruins every weight; the checkpoint before stays, and is named."""
    real = flow_loss
    calls = 0

    def poisoned(policy: Any, batch: Any, drawn: Any) -> torch.Tensor:
        nonlocal calls
        calls += len(batch) > 1
        loss = real(policy, batch, drawn)
        bad = calls == 4 and (len(batch) > 1 or batch.samples[0] == chosen[-1])
        if calls == 4 and len(batch) > 1:
            chosen.append(batch.samples[2])
        return loss * float("nan") if bad else loss

    chosen: list[int] = []
    monkeypatch.setattr(total, "flow_loss", poisoned)
    with pytest.raises(LossNotFinite) as caught:
        train(told(material, save_every=2), tmp_path)
    assert "the loss is nan in step 4: frame " in str(caught.value)
    assert str(tmp_path / STATE) in caught.value.hint
    assert "holds step 2, the last good one" in caught.value.hint
    monkeypatch.setattr(total, "flow_loss", real)
    assert train(told(material, save_every=2), tmp_path).step == 6


def test_a_batch_that_does_not_fit_says_which_does(
    material: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The allocator is the one thing that a test cannot fill: it refuses more than 3 samples."""
    real = flow_loss

    def small_memory(policy: Any, batch: Any, drawn: Any) -> torch.Tensor:
        if len(batch) > 3:
            raise torch.OutOfMemoryError("tried to allocate too much")
        return real(policy, batch, drawn)

    monkeypatch.setattr(total, "flow_loss", small_memory)
    with pytest.raises(NoMemory, match="a batch of 12 does not fit into memory, one of 3 does"):
        train(told(material, batch_size=12), tmp_path)


def test_who_trains_alone_has_lost_nobody(
    material: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A card whose driver ends what takes long says almost what a lost process says."""

    def ended(*_: object) -> torch.Tensor:
        raise RuntimeError("CUDA error: the launch timed out and was terminated")

    monkeypatch.setattr(total, "flow_loss", ended)
    with pytest.raises(RuntimeError, match="CUDA error: the launch timed out"):
        train(told(material), tmp_path)


def test_a_full_disk_keeps_what_was_written(
    material: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state that is there is whole, and the run goes on from it once there is room."""
    train(told(material, save_every=2), tmp_path, stopping=after(2))
    before = (tmp_path / STATE).read_bytes()

    def full(*_args: object, **_more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(NotWritten, match=r"cannot write .*state\.pt: No space left on device"):
        train(told(material, save_every=2), tmp_path)
    assert (tmp_path / STATE).read_bytes() == before
    assert not list(tmp_path.glob("*.part"))
    monkeypatch.undo()
    assert train(told(material, save_every=2), tmp_path).step == 6


def test_fresh_weights_take_the_timeline_and_the_games(material: Path, tmp_path: Path) -> None:
    """From random weights a run chooses shift, horizon and games; the file says them."""
    config = told(
        material, policy="random:tiny", steps=1, batch_size=2, horizon=6, action_shift=2, games=True
    )
    assert train(config, tmp_path).step == 1
    policy = load_policy(tmp_path / NEWEST)
    assert policy.horizon == 6
    assert policy.config.modality_cfg.action_shift == 2
    assert dict(policy.games) == {"none": 0, "squares": 1}
    assert not policy.is_random


def test_what_a_base_was_made_for_stays(whole: tuple[Path, Outcome], material: Path) -> None:
    """A policy that is trained further plays as its base, and has learned one more game."""
    assert load_policy(whole[0] / NEWEST).config.nitropilot.games == ("squares",)
    base = load_policy(small_policy(material / "base.safetensors"))
    noise = (1.5, 1.0, 0.999)
    base.is_random = False
    assert "games" not in exported_config(base, HZ, noise, ["squares"])["nitropilot"]
    named = load_policy(small_policy(material / "named.safetensors", games=("pong",)))
    named.is_random = False
    assert exported_config(named, HZ, noise, ["squares"])["nitropilot"]["games"] == [
        "pong", "squares",
    ]  # fmt: skip
    own = {"action_hz": 60.0, "actions": 2, "steps": 3, "games": ["runner", "squares"]}
    base.raw_config["nitropilot"] = own
    base.config = parse_config(base.raw_config)
    found = exported_config(base, HZ, noise, ["maze", "squares"])["nitropilot"]
    assert found == own | {"action_hz": HZ, "games": ["runner", "squares", "maze"]}
    assert base.raw_config["nitropilot"] == own


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"policy": ""}, "no policy is named"),
        ({"horizon": 9}, "has a horizon of 4, and 9 is asked for"),
        ({"action_shift": 3}, "has a shift of 1, and 3 is asked for"),
        ({"games": True}, "cannot be given rows for games"),
        ({"policy": "random:tiny", "horizon": 900}, "cannot be made so"),
        ({"device": "abacus"}, "cannot train on 'abacus'"),
        ({"freeze": ["visoin"]}, "'visoin' is no part"),
    ],
    ids=["no policy", "horizon", "shift", "games", "long", "device", "part"],
)
def test_what_does_not_go_together(
    material: Path, tmp_path: Path, more: dict[str, Any], line: str
) -> None:
    """Each has its line before anything is decoded."""
    with pytest.raises(BadSettings, match=line):
        train(told(material, **more), tmp_path)
    assert not (tmp_path / STATE).exists()


def test_the_rate_of_the_policy_is_kept(material: Path, tmp_path: Path) -> None:
    """A policy that was trained at 20 actions a second is not tuned with 40."""
    train(told(material, steps=1), tmp_path / "first")
    other = recording(tmp_path / "fast", 4, 30, hz=2 * HZ)
    more = {"policy": str(tmp_path / "first" / NEWEST), "data": [str(other)]}
    with pytest.raises(Exception, match="has 40 rows a second, and the policy acts 20 times"):
        train(told(material, **more), tmp_path / "second")


def test_context_frames_and_games_are_trained(material: Path, tmp_path: Path) -> None:
    """A policy of two frames and a game token: its missing frames are left out as in play."""
    path = small_policy(
        tmp_path / "two.safetensors", games=("squares", "other"), frame_per_sample=2
    )
    outcome = train(told(material, policy=str(path), held_out=0.3), tmp_path / "out")
    assert outcome.step == 6
    assert outcome.scores is not None
    before, now = load_policy(path), load_policy(tmp_path / "out" / NEWEST)
    assert dict(now.games) == dict(before.games)
    moved = (now.game_embedding.weight - before.game_embedding.weight).abs().sum(1)
    assert moved[1] > 0
    assert moved[2] == 0


def test_average_warms_up_in_a_short_run(whole: tuple[Path, Outcome], material: Path) -> None:
    """With a decay of .9999 from the start six steps would leave the weights where they began."""
    begun = load_policy(material / "small.safetensors")
    played = load_policy(whole[0] / NEWEST)
    state = load_state(whole[0])
    assert state is not None
    name = "action_decoder.layer2.W"
    raw = state["stepper"]["weights"][name]
    way = (raw - begun.state_dict()[name]).norm()
    assert (played.state_dict()[name] - begun.state_dict()[name]).norm() > 0.3 * way
    assert MovingAverage(begun, 0.9999).decay_now() == 0.1


def test_the_judge_chooses_the_best(material: Path, tmp_path: Path) -> None:
    """Whatever the loss says: the file is that step's, and the log has what the judge saw."""
    goods = iter([0.1, 0.4, 0.3])

    def judge(policy: Policy, scores: Scores) -> Verdict:
        good = next(goods)
        return Verdict(good, {"play_success": good, "play_progress": 1.0}, f"won {good}")

    lines: list[str] = []
    config = told(material, held_out=0.2, validate_every=1, keep_every=2, steps=3, play=["runner"])
    outcome = train(config, tmp_path, lambda one: lines.append(one.text), judge=judge)
    assert outcome.best_step == 2
    best, second = (load_policy(tmp_path / name) for name in (BEST, "step_00000002.safetensors"))
    other = load_policy(tmp_path / NEWEST).state_dict()
    assert all(
        torch.equal(value, best.state_dict()[name]) for name, value in second.state_dict().items()
    )
    assert any(not torch.equal(value, other[name]) for name, value in best.state_dict().items())
    assert [row["play_success"] for row in read_log(tmp_path)] == ["0.1", "0.4", "0.3"]
    assert outcome.facts()["play"] == {"play_success": 0.3, "play_progress": 1.0}
    assert "won 0.4" in lines[-2]


def test_play_needs_somebody_who_plays(material: Path, tmp_path: Path) -> None:
    """The lowest loss in its place would be a choice that nobody made."""
    with pytest.raises(BadSettings, match="no judge plays"):
        train(told(material, play=["runner"]), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_other_options_are_refused_before_anything_is_decoded(
    whole: tuple[Path, Outcome], material: Path, tmp_path: Path
) -> None:
    """Of hours of play that takes a while, and the answer is in a small file."""
    said: list[str] = []
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / STATE).write_bytes((whole[0] / STATE).read_bytes())
    with pytest.raises(OtherRun, match=r"run.seed was 0 and is 7"):
        train(told(material, **WHOLE, seed=7), folder, lambda one: said.append(one.text))
    assert said == []
    assert [path.name for path in folder.iterdir()] == [STATE]
