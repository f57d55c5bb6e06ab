"""``nitropilot recordings``."""

from __future__ import annotations

from typing import Annotated

import typer

from nitropilot.server.cli.terminal.output import JsonOption, print_json, print_note, print_table
from nitropilot.server.store.recordings import RecordingStore
from nitropilot.server.store.settings_store import SettingsStore

recordings = typer.Typer(
    help="Recordings of frames and actions; no daemon need run.", no_args_is_help=True
)


@recordings.command("list")
def list_recordings(as_json: Annotated[bool, JsonOption] = False) -> None:
    """List the recordings."""
    store = _store()
    found = store.all()
    if as_json:
        rows = [{**r.facts, "complete": r.complete, "folder": r.folder} for r in found]
        print_json({"folder": store.root, "recordings": rows})
        return
    columns = ("recording", "game", "seconds", "MiB", "")
    lines = [
        (
            recording.id,
            recording.facts.get("game", ""),
            f"{recording.facts.get('seconds') or 0:.0f}",
            f"{recording.size / 2**20:.0f}",
            "" if recording.complete else "being made, or cut off: nitropilot recordings mend",
        )
        for recording in found
    ]
    print_table(f"Recordings ({store.root})", columns, lines)


@recordings.command("mend")
def mend_recordings(as_json: Annotated[bool, JsonOption] = False) -> None:
    """Make whole what a killed program left; the daemon does so when it starts."""
    mended = _store().recover()
    if as_json:
        print_json({"mended": mended})
    else:
        print_note(f"mended {', '.join(mended) or 'nothing: no recording was cut off'}")


@recordings.command("delete")
def delete_recording(
    recording_id: Annotated[str, typer.Argument(metavar="ID", help="As in the list.")],
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Remove a recording and its files, for ever."""
    _store().delete(recording_id)
    if as_json:
        print_json({"deleted": recording_id})
    else:
        print_note(f"deleted {recording_id}")


def _store() -> RecordingStore:
    settings = SettingsStore().current
    return RecordingStore(lambda: settings)
