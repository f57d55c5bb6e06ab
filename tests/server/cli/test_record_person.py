"""``nitropilot record`` for a person: the command as it is started, and a pad of theirs.

No kernel makes a pad here, so the command gets one where the system would give it: preloaded with
the library by which launched games see theirs, it finds an event device in ``/dev/input`` and reads
it as any other.  The game that it launches is told of another one, which is what the person plays.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from nitropilot.controller import NEUTRAL, Button, GamepadState, PadPage, launch_environment
from nitropilot.records.reader import read_recording
from tests.server.conftest import needs_preload
from tests.server.processes import PATIENCE_S, ROOT, environment, left_running, until

if TYPE_CHECKING:
    from pathlib import Path

TOUCH = GamepadState(buttons=Button.A)
PLAY = GamepadState(left=(1.0, 0.0), right_trigger=1.0, buttons=Button.B)


def rows_of(out: Path) -> int:
    """How many rows a recording has, while it is made."""
    return sum(path.read_bytes().count(b"\n") for path in out.rglob("*.jsonl"))


def test_what_a_person_presses_is_recorded(tmp_path: Path) -> None:
    """A recording of oneself that is empty, or somebody else's, is found out after the play."""
    needs_preload()
    pad, out = PadPage.create(), tmp_path / "out"
    with (tmp_path / "errors").open("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "nitropilot", "record", "--launch", "runner", "--headless",
             "--out", str(out), "--json"],
            cwd=ROOT, env=environment(tmp_path, None, **launch_environment(pad)), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
        )  # fmt: skip
        try:

            def begun() -> int:
                assert process.poll() is None, (tmp_path / "errors").read_text()
                pad.write(NEUTRAL)
                time.sleep(0.1)
                pad.write(TOUCH)
                return rows_of(out)

            until(begun, "the first row")
            before = rows_of(out)
            until(lambda: rows_of(out) > before + 5, "rows of the touch")
            pad.write(PLAY)
            before = rows_of(out)
            until(lambda: rows_of(out) > before + 30, "more rows")
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()
            process.wait()
            pad.close()
            pad.unlink()
    assert process.returncode == 0, (tmp_path / "errors").read_text()
    facts = json.loads(said)
    (folder,) = (out / "recordings").iterdir()
    rows = read_recording(folder).rows.to_pylist()
    assert (facts["recording"], facts["frames"]) == (str(folder), len(rows))
    assert {row["source"] for row in rows} == {"human"}
    assert not rows[0]["east"]
    assert any(row["south"] for row in rows)
    last = rows[-1]
    assert last["east"] and not last["south"]
    assert last["j_left"] == pytest.approx([1.0, 0.0], abs=0.01)
    assert last["trigger_right"] == 1.0
    assert left_running(tmp_path) == []
