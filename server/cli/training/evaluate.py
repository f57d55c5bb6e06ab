"""``nitropilot evaluate``: policies side by side, on held-out recordings and in play."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Annotated

import typer

from nitropilot.places import spelled
from nitropilot.server.cli.terminal.output import JsonOption, console, print_json, print_table
from nitropilot.server.cli.terminal.progress import progress_bar
from nitropilot.server.store.paths import data_folder, new_session_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from nitropilot.training.evaluation.offline import Held
    from nitropilot.training.evaluation.policies import Entry
    from nitropilot.training.reports.comparison import Evaluated

JSON, MARKDOWN, HTML = "evaluation.json", "evaluation.md", "evaluation.html"


def evaluate(
    policy: Annotated[
        list[str],
        typer.Argument(help="Checkpoints, folders of runs, pocket or random:tiny."),
    ],
    data: Annotated[
        list[str] | None, typer.Option(help="Folders: a recording, or what holds some; repeatable.")
    ] = None,
    held_out: Annotated[
        float,
        typer.Option(
            min=0.001, max=1, help="Share that is asked about, as train holds it out; 1 is all."
        ),
    ] = 0.1,
    samples: Annotated[int, typer.Option(min=1, help="Most samples, spread evenly.")] = 256,
    noises: Annotated[
        int, typer.Option(min=1, max=1000, help="Chunks of a sample, for calibration.")
    ] = 8,
    stride: Annotated[int, typer.Option(min=1, help="Every how manieth frame is a sample.")] = 1,
    hz: Annotated[
        float | None,
        typer.Option(min=0.001, max=1000, help="Rows a second to resample recordings to."),
    ] = None,
    online: Annotated[
        list[str] | None,
        typer.Option(help="Play this game of the arcade, or one of its tasks; repeatable."),
    ] = None,
    suite: Annotated[str | None, typer.Option(help="Play a whole suite: arcade.")] = None,
    levels: Annotated[int, typer.Option(min=1, max=10_000, help="Levels of each task.")] = 20,
    actions_per_chunk: Annotated[
        int | None,
        typer.Option(min=1, help="Actions played of a chunk; default: as the policy says, or all."),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, max=65536, help="Samples at a time.")] = 32,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto.")] = "auto",
    out: Annotated[str | None, typer.Option(help="Folder of the report.")] = None,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Compare policies: what they learned of held-out recordings, and how they play.

    Offline scores do not rank policies; with --online the report has both side by side.
    """  # fmt: skip
    from nitropilot.server.cli.training.trials import chosen_tasks, play_trials, require_playable
    from nitropilot.training.evaluation.offline import open_held_out
    from nitropilot.training.evaluation.policies import open_entries
    from nitropilot.training.reports.comparison import comparison
    from nitropilot.training.trainer.config import DataConfig
    from nitropilot.training.trainer.files import make_folder, written
    from nitropilot.training.trainer.start import device_of

    tasks = chosen_tasks(online or [], suite)
    entries = open_entries(policy)
    if tasks:
        require_playable(entries)
    where = device_of(device)
    config = DataConfig(data=tuple(data or ()), stride=stride, hz=hz)
    folder = new_session_folder(data_folder() / "evaluations") if out is None else spelled(out)
    make_folder(folder)
    frames = Path(mkdtemp(prefix="frames-", dir=folder))
    try:
        with progress_bar() as bar:
            held = open_held_out(
                entries, config, held_out, samples, frames,
                lambda done, of: bar(f"decoding: {done} of {of} recordings", 0.0),
            )  # fmt: skip
            found = _offline(entries, held, (noises, batch_size, where), bar)
            if tasks:
                found = [
                    play_trials(each, entry, tasks, levels, actions_per_chunk, bar)
                    for each, entry in zip(found, entries, strict=True)
                ]
    except BaseException:
        shutil.rmtree(frames, ignore_errors=True)
        if out is None:
            with suppress(OSError):  # what was refused leaves no folder
                folder.rmdir()
        raise
    shutil.rmtree(frames, ignore_errors=True)
    page = comparison(found, notes := _notes(entries, held, held_out, levels if tasks else 0))
    facts = {
        "notes": notes,
        "policies": [each.facts() for each in found],
        "report": str(folder / HTML),
    }
    for name, text in (
        (JSON, json.dumps(facts, indent=1) + "\n"), (MARKDOWN, page.markdown()), (HTML, page.html())
    ):  # fmt: skip
        with written(folder / name) as part:
            part.write_text(text, encoding="utf-8")
    if as_json:
        print_json(facts)
    else:
        _print(found, folder)


def _offline(
    entries: list[Entry],
    held: Held,
    how: tuple[int, int, torch.device],
    bar: Callable[[str, float], None],
) -> list[Evaluated]:
    """Ask every policy, one loaded at a time; then measure all on the same buttons."""
    from nitropilot.policy.actions import TOKENS
    from nitropilot.training.evaluation.measures import measure, used_buttons
    from nitropilot.training.evaluation.offline import ask
    from nitropilot.training.reports.comparison import Evaluated

    noises, batch_size, device = how
    answers, prints = [], []
    for number, entry in enumerate(entries):
        bar(f"asking {entry.name}", number / len(entries))
        loaded = entry.load(device)
        prints.append(loaded.fingerprint)
        answers.append(
            ask(loaded, held.datasets[number], held.samples[number], (held.prefix, held.longest),
                noises, batch_size, device)
        )  # fmt: skip
    used = set().union(*map(used_buttons, answers))
    buttons = [name for name in TOKENS if name in used]
    return [
        Evaluated(entry.name, entry.place, digest, entry.shape.horizon, measure(its, buttons))
        for entry, digest, its in zip(entries, prints, answers, strict=True)
    ]


def _notes(entries: list[Entry], held: Held, share: float, levels: int) -> list[str]:
    what = "all of" if share == 1 else f"the {share:.0%} that `train` would hold out of"
    notes = [
        f"Asked about {len(held.samples[0])} samples of {len(held.recordings)} recordings "
        f"({what} the data), with the same noise and times for every policy."
    ]
    if held.prefix != held.longest:
        told = ", ".join(f"{each.name} {each.shape.horizon}" for each in entries)
        notes.append(
            f"The policies have different horizons ({told} actions): compared are the first "
            f"{held.prefix} actions of each chunk, which all of them have."
        )
    if len({each.shape.config.tokenizer_cfg.old_layout for each in entries}) > 1:
        notes.append("The policies store their channels in different orders; all were read as "
                     "buttons and sticks.")  # fmt: skip
    if held.skipped:
        notes.append(
            "Left out: " + "; ".join(f"{name}: {why}" for name, why in held.skipped.items())
        )
    if levels:
        notes.append(f"Played in process, paused: levels 0 to {levels - 1} of each task, the same "
                     "for every policy and those of `nitropilot benchmark run`.")  # fmt: skip
    return notes


def _print(found: list[Evaluated], folder: Path) -> None:
    from nitropilot.page import number
    from nitropilot.training.reports.comparison import NO_RANKING, agreement

    rows = []
    for each in found:
        trial = each.all_levels
        won = "not played" if trial is None else f"{trial.won} of {trial.levels}"
        sure = "-" if trial is None else f"{trial.success[1]:.2f} to {trial.success[2]:.2f}"
        rows.append((
            each.name, number(each.scores.loss, 4), number(each.scores.f1),
            number(each.scores.mean_r2), number(each.scores.calibration_error), won, sure,
            number(None if trial is None else trial.progress[0]),
        ))  # fmt: skip
    print_table(
        "Offline and in play",
        ("policy", "loss", "F1", "stick R2", "calibration error", "won", "95 %", "progress"), rows,
    )  # fmt: skip
    screen = console()
    screen.print(NO_RANKING, markup=False)
    screen.print(agreement(found), markup=False)
    screen.print(f"the report: {folder / HTML}", markup=False)
