"""``estimate``: how long an improvement will take here, measured before it begins.

What is timed is what will be done: steps of this very policy at this batch, frames of these
recordings, decisions and ticks of the game that it is compared in.  Where a step is too slow to be
timed at its whole batch, smaller ones are, and the line through the last two is followed.
"""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import psutil
import torch

from nitropilot.policy import load_policy
from nitropilot.policy.files.summary import describe
from nitropilot.policy.observation import shrink
from nitropilot.server.errors import ImproveRefused
from nitropilot.server.improving.comparing import SUITE, player_of
from nitropilot.simulator.benchmark.policies.player import Look
from nitropilot.simulator.benchmark.runner.stage import REST, Stage
from nitropilot.simulator.benchmark.runner.suites import task_named
from nitropilot.simulator.environments.task_env import HZ
from nitropilot.training.batch import Batch
from nitropilot.training.trainer.start import device_of
from nitropilot.training.trainer.stepping import Stepper

if TYPE_CHECKING:
    from nitropilot.policy.network.policy import Policy
    from nitropilot.server.improving.gathering import Gathered
    from nitropilot.server.improving.wish import ImproveWish
    from nitropilot.simulator.benchmark.policies.player import Player
    from nitropilot.simulator.benchmark.runner.suites import SuiteTask
    from nitropilot.training.trainer.config import TrainConfig

LEAST_STEPS = 100
"""Fewer teach nothing: the learning rate rises for 20 of them and falls for 40 in a hundred."""
SLOW_S = 5.0
"""A step that takes longer is not measured at a larger batch."""
COPIES = 5
"""Of every weight: itself, its gradient, two moments, and the average that plays."""
FRAMES, TICKS, DECISIONS = 60, 60, 2
"""That are timed."""
GIB = 2**30


@dataclass(frozen=True)
class Estimate:
    """How long it will take.

    Attributes:
        policy: To start from.
        parameters: Of it.
        batch_size: Samples a step.
        measured_at: Samples of the largest step that was timed.
        step_seconds: Of a step of the whole batch.
        steps: About so many will be done.
        decoding_s: To decode the recordings' frames.
        training_s: To train.
        comparing_s: At most, to compare; None where nothing can be measured.
    """

    policy: str
    parameters: int
    batch_size: int
    measured_at: int
    step_seconds: float
    steps: int
    decoding_s: float
    training_s: float
    comparing_s: float | None

    @property
    def others_s(self) -> float:
        """All but the training."""
        return self.decoding_s + (self.comparing_s or 0.0)

    @property
    def total_s(self) -> float:
        """All of it, at most."""
        return self.training_s + self.others_s

    def facts(self) -> dict[str, object]:
        """The same as JSON has it."""
        return {**asdict(self), "total_s": self.total_s, "text": self.text}

    @property
    def text(self) -> str:
        """One line for people."""
        compared = (
            "nothing to compare it in"
            if self.comparing_s is None
            else f"at most {_minutes(self.comparing_s)} to compare"
        )
        return (
            f"about {_minutes(self.total_s)} here: {_minutes(self.decoding_s)} to decode, "
            f"{_minutes(self.training_s)} to train (a step of {self.batch_size} samples takes "
            f"{self.step_seconds:.2g} s, so some {self.steps} steps), {compared}"
        )


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{math.ceil(seconds)} s"


def estimate(wish: ImproveWish, gathered: Gathered, tasks: list[str]) -> Estimate:
    """Measure how long it will take.

    Args:
        wish: What is to be done.
        gathered: The recordings.
        tasks: In which old and new are compared.

    Raises:
        ImproveRefused: It cannot be done here; the message says what can.
        PolicyError: The policy cannot be loaded.
        BadSettings: A value cannot be followed.
    """
    parameters = describe(wish.policy, digest=False).parameters
    device = device_of("auto")
    _require_memory(wish.policy, parameters, device)
    config = wish.config()
    policy = load_policy(wish.policy)
    decoding = _decoding(gathered, policy.image_size)
    comparing = _comparing(wish, tasks) if tasks else None
    limit = 60 * wish.limit_minutes
    measured_at, step = _step_seconds(policy, config, device, limit / LEAST_STEPS)
    steps = wish.steps or int(60 * wish.minutes / step)
    found = Estimate(
        wish.policy, parameters, wish.batch_size, measured_at, step, steps, decoding,
        step * steps if wish.steps else 60 * wish.minutes, comparing,
    )  # fmt: skip
    require_possible(found, wish)
    return found


def require_possible(found: Estimate, wish: ImproveWish) -> None:
    """See that it can be done in its time.

    Raises:
        ImproveRefused: It cannot; the message says what can.
    """
    limit = 60 * wish.limit_minutes
    needed = LEAST_STEPS * found.step_seconds
    room = limit - found.others_s
    if wish.steps is None and found.steps < LEAST_STEPS:
        raise ImproveRefused(
            f"a step of {found.policy} ({found.parameters / 1e6:.3g} million parameters) takes "
            f"{found.step_seconds:.2g} s here: {wish.minutes:g} minutes are {found.steps} steps, "
            f"and fewer than {LEAST_STEPS} teach nothing",
            f"give --minutes {math.ceil(needed / 60)}" if needed <= room else _smaller(found, room),
        )
    if found.total_s > limit:
        most = math.floor(room / 60)
        raise ImproveRefused(
            f"it would take {_minutes(found.total_s)}, of which {_minutes(found.others_s)} are "
            f"not training, and --limit is {wish.limit_minutes:g} minutes",
            f"give --minutes {most}, fewer --levels, or a higher --limit"
            if most >= 1 and needed <= room
            else f"{_smaller(found, room)}, fewer --levels, or a higher --limit",
        )


def _smaller(found: Estimate, room: float) -> str:
    """Which policy could be trained in so many seconds: a step's work grows with its weights."""
    fits = found.parameters * max(room, 0.0) / (LEAST_STEPS * found.step_seconds)
    return (
        f"take a policy of at most {fits / 1e6:.2g} million parameters, or improve this one on a "
        "machine with a graphics card"
    )


def _require_memory(policy: str, parameters: int, device: torch.device) -> None:
    needed = 4 * COPIES * parameters
    free = (
        torch.cuda.mem_get_info(device)[0]
        if device.type == "cuda"
        else psutil.virtual_memory().available
    )
    if needed > free:
        fits = free / (4 * COPIES) / 1e6
        raise ImproveRefused(
            f"to train {policy} ({parameters / 1e6:.3g} million parameters) takes "
            f"{needed / GIB:.1f} GiB of memory, and {free / GIB:.1f} are free",
            f"take a policy of at most {fits:.2g} million parameters, or another machine",
        )


def _step_seconds(
    policy: Policy, config: TrainConfig, device: torch.device, most: float
) -> tuple[int, float]:
    """The largest batch that was timed, and how long a step of the whole one takes.

    Args:
        policy: Its weights are changed.
        config: The run's.
        device: Where it computes.
        most: Seconds of a step beyond which nothing larger is tried.
    """
    stepper = Stepper(policy.to(device), config, device)
    whole = _batch(policy, config.run.batch_size)
    sizes = [*itertools.takewhile(lambda n: n < len(whole), (2**n for n in range(16))), len(whole)]
    timed: list[tuple[int, float]] = []
    for size in sizes:
        batch = whole.first(size)
        seconds = _timed(stepper, batch)
        if seconds < SLOW_S:  # the first one of a size also makes room for it
            seconds = min(seconds, _timed(stepper, batch))
        timed.append((size, seconds))
        if size < len(whole) and seconds > min(SLOW_S, most):
            break
    return timed[-1][0], _followed(timed, len(whole))


def _followed(timed: list[tuple[int, float]], size: int) -> float:
    """Seconds of a step of ``size`` samples, on the line through the last two that were timed."""
    last, seconds = timed[-1]
    if last == size or len(timed) == 1:
        return seconds * size / last
    before, earlier = timed[-2]
    slope = max((seconds - earlier) / (last - before), 0.0)
    return seconds + slope * (size - last)


def _timed(stepper: Stepper, batch: Batch) -> float:
    start = time.perf_counter()
    stepper.step(0, 0.0, batch)
    if stepper.device.type == "cuda":
        torch.cuda.synchronize(stepper.device)
    return time.perf_counter() - start


def _batch(policy: Policy, size: int) -> Batch:
    """Samples of the policy's shapes; what they show does not change how long a step takes."""
    side = policy.image_size
    return Batch(
        torch.zeros(size, policy.frames, 3, side, side, dtype=torch.uint8),
        torch.zeros(size, policy.horizon, policy.action_dim),
        torch.ones(size, policy.horizon, policy.action_dim),
        None,
        torch.zeros(size, dtype=torch.long) if policy.sizes.game_rows else None,
        tuple(range(size)),
    )


def _decoding(gathered: Gathered, size: int) -> float:
    """Seconds to decode all frames, from those at the beginning of the longest video."""
    import av

    longest = max(gathered.recordings, key=lambda each: each.frames)
    start, done = time.perf_counter(), 0
    try:
        with av.open(str(longest.folder / "video.mp4")) as container:
            for frame in itertools.islice(container.decode(video=0), FRAMES):
                shrink(frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False), size)
                done += 1
    except av.FFmpegError:  # training leaves it out, and says so
        return 0.0
    each = (time.perf_counter() - start) / max(done, 1)
    return each * sum(recording.frames for recording in gathered.recordings)


def _comparing(wish: ImproveWish, tasks: list[str]) -> float:
    """Seconds to play all levels with both, if each of them lasted to its limit."""
    player, chunk = player_of(wish.policy)
    try:
        known = [task_named(SUITE, name) for name in tasks]
        decision, tick = _pace(player, known[0])
    finally:
        player.close()
    ticks = sum(task.seconds for task in known) * HZ * wish.levels * 2
    return ticks * (tick + decision / chunk)


def _pace(player: Player, task: SuiteTask) -> tuple[float, float]:
    """Seconds of a decision, and of a tick of the game."""
    env = task.open("paused")
    try:
        stage = Stage(env, 0, {"seed": 0, "goal": task.goal, "game": task.game, "task": task.task,
                               "suite": task.suite, "track": "paused"})  # fmt: skip
        start = time.perf_counter()
        for _ in range(TICKS):
            if stage.over:
                break
            stage.step(REST)
        tick = (time.perf_counter() - start) / max(stage.steps, 1)
        player.begin(stage.info)
        times = []
        for number in range(DECISIONS):
            start = time.perf_counter()
            player.decide(Look(stage.picture, stage.info, number))
            times.append(time.perf_counter() - start)
        return min(times), tick
    finally:
        env.close()
