"""``nitropilot dataset train-parser``: a network that reads controllers of unknown skins."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nitropilot.places import spelled
from nitropilot.server.cli.terminal.output import (
    EXIT_INTERRUPTED,
    JsonOption,
    print_json,
    print_note,
)
from nitropilot.server.cli.terminal.progress import progress_bar
from nitropilot.server.host.signals import ending_signals

if TYPE_CHECKING:
    from collections.abc import Iterator


def train_parser(
    out: Annotated[Path, typer.Option(metavar="FILE", help="The parser; its card goes beside it.")],
    preset: Annotated[
        str, typer.Option(help="small: 90 minutes of two cores; segformer: for a GPU; tiny: a try.")
    ] = "small",
    minutes: Annotated[
        float | None, typer.Option(help="How long; else as the preset says.")
    ] = None,
    samples: Annotated[
        int | None, typer.Option(help="From so many made-up samples, instead of --minutes.")
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            help="Weights to begin with: a parser; for segformer a folder, a file or a hub id."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of all that is random.")] = 0,
    reference: Annotated[
        bool, typer.Option(help="Look at the median over the video beside each pair of frames.")
    ] = True,
    dense: Annotated[
        bool, typer.Option(help="Also teach where each element is, and whether it is lit there.")
    ] = True,
    trainers: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="Processes that train, a thread each; else one a core."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=0, max=64, help="Processes a trainer that make samples; else on CPUs 0."),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto.")] = "auto",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run of this file that was ended.")
    ] = False,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Train a parser of controllers that no template knows, on made-up ones.

    Ctrl-C writes what there is, and the same command with --resume goes on.  With --samples a seed
    gives the same weights each time.  At the end it reads the skins that come along.
    """
    from nitropilot.dataset.styles.stream import samples as stream
    from nitropilot.dataset.teaching.card import describe
    from nitropilot.dataset.teaching.presets import recipe_of
    from nitropilot.dataset.teaching.training import train

    recipe = recipe_of(preset, minutes, samples, seed=seed, reference=reference,
                       **({} if dense else {"dense": 0.0}))  # fmt: skip
    on, cores = device_of(device), os.cpu_count() or 1
    many = trainers or (1 if on == "cuda" else min(cores, 4))
    making = workers if workers is not None else (min(cores - 1, 16) if on == "cuda" else 0)
    path = spelled(out)
    with _stopping() as stop, progress_bar(reports=True) as tell:
        trained = train(
            recipe, stream, path, init=init, resume=resume, trainers=many, workers=making,
            device=on, tell=tell, stop=stop,
        )  # fmt: skip
        if not trained.ended:
            print_note(f"stopped: {path} is the best so far; --resume goes on")
            raise typer.Exit(EXIT_INTERRUPTED)
        card = describe(path, tell=lambda skin: tell(f"reading {skin}", 1.0))
    if as_json:
        print_json({"file": str(path), "card": card})
        return
    print_note(f"{path}: {card['samples']:,} made-up samples learned from")
    for name, found in _scores(card):
        print_note(f"{name}: F1 {found['f1']:.3f}, R2 {found['r2']:.3f}, accuracy "
                   f"{found['accuracy']:.4f} (always off {found['always_off']:.4f})")  # fmt: skip


def device_of(name: str) -> str:
    """``cpu`` or ``cuda``.

    Raises:
        ParserSettings: It is neither, or is not there.
    """
    import torch

    from nitropilot.dataset.errors import ParserSettings

    there = torch.cuda.is_available()
    if name == "auto":
        return "cuda" if there else "cpu"
    if name not in ("cpu", "cuda") or (name == "cuda" and not there):
        raise ParserSettings(f"cannot train on {name!r}", "use cpu, cuda or auto")
    return name


def _scores(card: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    both = (("made-up looks", card["held_out"]), ("skins", card["skins"]))
    return [(f"{what}, {kind}", found) for what, kinds in both for kind, found in kinds.items()
            if kind not in ("each", "all")]  # fmt: skip


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; the second one ends at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def asked(_number: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {each: signal.signal(each, asked) for each in ending_signals()}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
