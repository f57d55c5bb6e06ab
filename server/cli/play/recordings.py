"""``nitropilot recordings``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from nitropilot.agent.record.mend import is_written
from nitropilot.places import spelled
from nitropilot.server.cli.terminal.output import (
    EXIT_FAILED,
    JsonOption,
    print_error,
    print_json,
    print_note,
    print_table,
)
from nitropilot.server.store.recordings import Recording, RecordingStore
from nitropilot.server.store.settings_store import SettingsStore

recordings = typer.Typer(
    help="Recordings of frames and actions; no daemon need run.", no_args_is_help=True
)


Folder = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the recordings: what was recorded with --out DIR lies in DIR/recordings"
    ),
]


@recordings.command("list")
def list_recordings(folder: Folder = None, as_json: Annotated[bool, JsonOption] = False) -> None:
    """List the recordings."""
    store = _store(folder)
    found = store.all()
    if as_json:
        rows = [
            {"id": r.id, **r.facts, "complete": r.complete, "folder": r.folder, "damage": r.damage}
            for r in found
        ]
        print_json({"folder": store.root, "recordings": rows})
        return
    columns = ("recording", "game", "seconds", "MiB", "")
    lines = [
        (
            recording.id,
            recording.facts.get("game", ""),
            _seconds(recording.facts),
            f"{recording.size / 2**20:.0f}",
            recording.damage or _state(recording),
        )
        for recording in found
    ]
    print_table(f"Recordings ({store.root})", columns, lines)


@recordings.command("mend")
def mend_recordings(folder: Folder = None, as_json: Annotated[bool, JsonOption] = False) -> None:
    """Make whole what a killed program left; the daemon does so when it starts."""
    failed: list[str] = []
    mended = _store(folder).recover(failed.append)
    if as_json:
        print_json({"mended": mended, "failed": failed})
    elif mended or not failed:
        print_note(f"mended {', '.join(mended) or 'nothing: no recording was cut off'}")
    for why in failed:
        print_error(why)
    if failed:
        raise typer.Exit(EXIT_FAILED)


@recordings.command("delete")
def delete_recording(
    recording_id: Annotated[str, typer.Argument(metavar="ID", help="As in the list.")],
    folder: Folder = None,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Remove a recording and its files, for ever."""
    _store(folder).delete(recording_id)
    if as_json:
        print_json({"deleted": recording_id})
    else:
        print_note(f"deleted {recording_id}")


def _store(folder: Path | None) -> RecordingStore:
    settings = SettingsStore().current
    if folder is not None:
        named = settings.recording.model_copy(update={"folder": str(spelled(folder))})
        settings = settings.model_copy(update={"recording": named})
    return RecordingStore(lambda: settings)


def _seconds(facts: dict[str, Any]) -> str:
    took = facts.get("seconds") or 0
    return f"{took:.0f}" if isinstance(took, int | float) else "?"


def _state(recording: Recording) -> str:
    if recording.complete:
        return ""
    return "being made" if is_written(recording.folder) else "cut off: nitropilot recordings mend"
