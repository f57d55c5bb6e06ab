"""The detector, trained from nothing on made-up videos.

    FILE          the detector, once it is done: see ``weights``
    FILE.md       its card, for people
    FILE.state    to go on with; written every minute, and when it ends or is interrupted

Batches are decided by the seed and their numbers, so a run that was told how many scenes to learn
from gives the same weights however often it was ended and gone on with, and however many processes
make its batches.  One that was told how long cannot: its rate of learning follows the clock.
"""

from __future__ import annotations

import copy
import math
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from nitropilot.dataset.detecting.network import Network
from nitropilot.dataset.detecting.objective import loss, wanted
from nitropilot.dataset.detecting.scoring import figures, threshold_of, tried
from nitropilot.dataset.detecting.states import read_state, write_state
from nitropilot.dataset.detecting.teaching import PAIRS, Blocks, HeldOut
from nitropilot.dataset.detecting.weights import save
from nitropilot.dataset.detecting.workers import made
from nitropilot.dataset.errors import NotExtracted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nitropilot.dataset.detecting.teaching import Lessons, Source

    Tell = Callable[[str, float], None]

WARM_UP = 50
"""Steps over which the rate of learning grows."""
DECAY = 0.02
CLIP = 5.0
LOWEST = 0.01
"""Of the rate of learning, at the end."""
SAVED_EVERY = 60.0
"""Seconds."""
TOLD_EVERY = 20
"""Steps."""
ENDLESS = 10**9
SAME = ("seed", "samples", "block", "batch", "rate", "widths")
"""What of a recipe must not change while it is followed."""


@dataclass(frozen=True)
class Recipe:
    """How a detector is made.

    Attributes:
        seed: Of all that is random.
        minutes: How long it is trained; None where ``samples`` says how much.
        samples: Scenes that it learns from; None where ``minutes`` says how long.
        held_out: Scenes that it is scored on afterwards.
        block: Scenes that are made together.
        batch: Views of a step.
        rate: Of learning, at most.
        workers: Processes that make scenes; 0: this one does.
        widths: Of the network; None: as ``network.WIDTHS``.
    """

    seed: int = 0
    minutes: float | None = 25.0
    samples: int | None = None
    held_out: int = 600
    block: int = 24
    batch: int = 8
    rate: float = 2e-3
    workers: int = 2
    widths: tuple[int, ...] | None = None

    def network(self) -> Network:
        """Before it has learned anything."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return Network(self.widths, self.widths[1]) if self.widths else Network()

    def same(self) -> dict[str, Any]:
        """What a run that goes on must have been told, too."""
        told = asdict(self)
        return {name: told[name] for name in SAME}


class Trained(NamedTuple):
    """What became of a run.

    Attributes:
        path: The detector's file.
        card: What is in it.
    """

    path: Path
    card: dict[str, Any]


def train(
    recipe: Recipe, source: Source, path: Path, *, resume: bool = False, tell: Tell | None = None
) -> Trained:
    """Train a detector.

    Args:
        recipe: How.
        source: Of scenes; with workers one that can be sent to another process.
        path: Of its file.
        resume: Whether to go on with what ``FILE.state`` has.
        tell: Is told what was done, and how much of all is done.

    Raises:
        NotExtracted: The file or its state is there and it is not to be gone on with, the state
            is missing or another run's, or nothing can be written there.
    """
    if path.exists():
        raise NotExtracted(f"{path} is there already", "name a file that is not")
    state = path.with_name(f"{path.name}.state")
    run = _Run(recipe, source, state, tell or (lambda _what, _done: None))
    if resume:
        run.load(read_state(state))
    elif state.exists():
        raise NotExtracted(f"{state} is there already, of a run that has not ended",
                           "go on with it with --resume, or name another file")  # fmt: skip
    run.save()
    with _one_thread():
        try:
            run.learn()
        finally:
            run.save()
        card = run.card()
    save(run.network, card["held_out"]["threshold"], card, path)
    state.unlink(missing_ok=True)
    return Trained(path, card)


@contextmanager
def _one_thread() -> Iterator[None]:
    """What several add up together has another last digit each time; others make the lessons."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Run:
    """One run, from where it is on."""

    def __init__(self, recipe: Recipe, source: Source, state: Path, tell: Tell) -> None:
        self.recipe, self.source, self.state, self.tell = recipe, source, state, tell
        self.network = recipe.network()
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), recipe.rate, weight_decay=DECAY
        )
        self.step, self.seconds, self.loss = 0, 0.0, math.nan
        self._kept = self._now()

    @property
    def scenes(self) -> int:
        """How many it has learned from."""
        return self.step * self.recipe.batch // (2 * PAIRS)

    @property
    def done(self) -> float:
        """How much of its training is over, 0 to 1."""
        recipe = self.recipe
        if recipe.samples is not None:
            return min(self.scenes / recipe.samples, 1.0)
        return min(self.seconds / (60 * (recipe.minutes or 0.0)), 1.0)

    def learn(self) -> None:
        """To the end."""
        self.network.train()
        last, saved = time.monotonic(), time.monotonic()
        for lessons in self._lessons():
            if self.done >= 1:
                break
            self._learn(lessons)
            now = time.monotonic()
            self.seconds, last = self.seconds + now - last, now
            self._kept = self._now()
            if now - saved > SAVED_EVERY:
                self.save()
                saved = now
            if self.step % TOLD_EVERY == 0:
                self.tell(f"step {self.step}, loss {self.loss:.3f}", self.done)

    def _learn(self, lessons: Lessons) -> None:
        rate = self.recipe.rate * _factor(self.step, self.done)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        off = loss(self.network(torch.from_numpy(lessons.cues)), wanted(lessons.said))
        torch.autograd.backward(off)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        self.optimiser.step()
        now = float(off.detach())
        self.loss = now if math.isnan(self.loss) else 0.95 * self.loss + 0.05 * now
        self.step += 1

    def _lessons(self) -> Iterator[Lessons]:
        """Those of each step from now on."""
        recipe, views = self.recipe, 2 * PAIRS * self.recipe.block
        steps = views // recipe.batch
        first, begun = divmod(self.step, steps)
        blocks = Blocks(self.source, recipe.seed, recipe.block)
        for block in made(blocks, range(first, ENDLESS), recipe.workers):
            for part in range(begun, steps):
                yield block.part(slice(part * recipe.batch, (part + 1) * recipe.batch))
            begun = 0

    def card(self) -> dict[str, Any]:
        """What the detector is, how it was made, and what it scores."""
        recipe = self.recipe
        self.network.eval()
        held = HeldOut(self.source, recipe.seed, recipe.block)
        self.tell("scoring on looks it never saw", 1.0)
        blocks = range(-(-recipe.held_out // recipe.block))
        scenes = chain.from_iterable(made(held, blocks, recipe.workers))
        trials = tried(self.network, islice(scenes, recipe.held_out))
        return {
            "what": "finds controllers of any look that are drawn over a game's video",
            "learned_from": "made-up controllers over made-up games (nitropilot.dataset.styles)",
            "weights": sum(each.numel() for each in self.network.parameters()),
            "recipe": asdict(recipe) | {"workers": None},
            "steps": self.step,
            "scenes": self.scenes,
            "minutes": round(self.seconds / 60, 1),
            "loss": round(self.loss, 4) if self.step else None,
            "held_out": figures(trials, threshold_of(trials)),
        }

    def save(self) -> None:
        """Write down what a later run needs to go on: where this one was after its last step."""
        write_state(self.state, {"same": self.recipe.same(), **self._kept})

    def _now(self) -> dict[str, Any]:
        """All that changes with a step; a copy, since what ends a run may come in mid-step."""
        state = {
            "network": self.network.state_dict(), "optimiser": self.optimiser.state_dict(),
            "step": self.step, "seconds": self.seconds, "loss": self.loss,
        }  # fmt: skip
        return copy.deepcopy(state)

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what ``save`` wrote.

        Raises:
            NotExtracted: It is of a run that was told something else.
        """
        same = self.recipe.same()
        other = [name for name, told in state["same"].items() if same.get(name) != told]
        if other:
            was = ", ".join(f"{name} {state['same'][name]}" for name in other)
            raise NotExtracted(f"{self.state} is of a run with {was}",
                               "tell this one the same, or name another file")  # fmt: skip
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.seconds, self.loss = state["step"], state["seconds"], state["loss"]
        self._kept = self._now()


def _factor(step: int, done: float) -> float:
    """Of the highest rate of learning: up over some steps, then down along a cosine."""
    down = LOWEST + (1 - LOWEST) * (1 + math.cos(math.pi * done)) / 2
    return down * min((step + 1) / WARM_UP, 1.0)
