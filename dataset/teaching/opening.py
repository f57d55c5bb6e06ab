"""``Job``: what a run is told; and how it begins, or is gone on with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from nitropilot.dataset.errors import BadWeights, NotExtracted
from nitropilot.dataset.parsing.files import load_parser, load_state, save_state
from nitropilot.dataset.parsing.network import fresh
from nitropilot.dataset.parsing.segformer import SegformerEncoder
from nitropilot.dataset.teaching.learner import Learner

if TYPE_CHECKING:
    from nitropilot.dataset.parsing.network import Parser
    from nitropilot.dataset.teaching.batches import Stream
    from nitropilot.dataset.teaching.presets import Recipe

RANDOM = "random weights"
"""What is said of a network that began with none."""


@dataclass(frozen=True)
class Job:
    """What all trainers of a run are told.

    Attributes:
        recipe: How.
        stream: Of samples.
        path: The parser's file.
        workers: Processes a trainer that make samples.
        device: Name of where it is computed.
    """

    recipe: Recipe
    stream: Stream
    path: Path
    workers: int
    device: str

    @property
    def state(self) -> Path:
        """The file to go on with."""
        return self.path.with_name(f"{self.path.name}.state")


def opened(job: Job, init: str | None, resume: bool, trainers: int) -> None:
    """See that a run can begin, and write down where it does.

    Args:
        job: What it is told.
        init: As in ``training.train``.
        resume: The same.
        trainers: The same.

    Raises:
        NotExtracted: It cannot be written, something is there already, or what is to be gone on
            with is not, or is another run.
        ParserSettings: It cannot be trained so.
        BadWeights: ``init`` cannot be begun with.
    """
    path, state = job.path, job.state
    if resume:
        if not state.is_file():
            raise NotExtracted(f"there is no run to go on with: {state} is not there",
                               "leave out --resume, or name that run's file")  # fmt: skip
        had = load_state(state)["recipe"]
        wanted = told(job, trainers)
        other = [name for name, value in wanted.items() if had.get(name) != value]
        if other:
            raise NotExtracted(
                f"the run in {state} has {other[0]} {had.get(other[0])!r}, "
                f"and {wanted[other[0]]!r} is asked for",
                "give the options that it had, or name another file",
            )
        return
    for taken in (path, state):
        if taken.exists():
            raise NotExtracted(f"{taken} is there already",
                               "give --resume to go on with it, or name another file")  # fmt: skip
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotExtracted(f"cannot make {path.parent}: {error.strerror}",
                           "name another file") from error  # fmt: skip
    parser = fresh(job.recipe.shape, job.recipe.seed)
    began = _begun_from(parser, init) if init else RANDOM
    learner = Learner(job.recipe, parser, torch.device("cpu"))
    save_state(state, {
        "recipe": told(job, trainers), "began": began, "step": 0, "seconds": 0.0, "best": None,
        "tried": 0, "done": False, "learner": learner.state(),
    })  # fmt: skip


def told(job: Job, trainers: int) -> dict[str, Any]:
    """What a run is told, for a file."""
    return {**job.recipe.plain(), "trainers": trainers, "workers": job.workers}


def _begun_from(parser: Parser, init: str) -> str:
    """Take weights to begin with; says which."""
    if isinstance(parser.encoder, SegformerEncoder):
        return parser.encoder.begin_from(init)
    loaded = load_parser(Path(init)).parser
    if loaded.shape != parser.shape:
        raise BadWeights(f"{init} has a network of {loaded.shape}, and the preset one of "
                         f"{parser.shape}", "name the preset that it was trained with")  # fmt: skip
    parser.load_state_dict(loaded.state_dict())
    return f"all weights are from {init}"
