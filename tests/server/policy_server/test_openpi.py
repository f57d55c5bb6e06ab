"""The real ``openpi-client`` from its registry, unchanged, as a client of the policy server.

It needs NumPy 1, so ``scripts/install`` puts it into an environment of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nitropilot.engines import load_engine
from nitropilot.policy.observation import observe
from tests.server.policy_server.processes import policy_server
from tests.server.processes import PATIENCE_S

FOLDER = Path(sys.prefix) / "openpi"
PYTHON = FOLDER / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
CHILD = Path(__file__).with_name("openpi_child.py")
TOKEN = "an-api-key-of-these-tests"

TOO_NEW = sys.version_info >= (3, 13) and not PYTHON.exists()

pytestmark = [
    pytest.mark.skipif(
        TOO_NEW, reason="openpi-client needs NumPy 1, which this Python is too new for"
    ),
    pytest.mark.skipif(
        not PYTHON.exists(), reason="scripts/install made no environment for openpi-client here"
    ),
]


def openpi(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the client in its own environment."""
    return subprocess.run(
        [str(PYTHON), "-W", "ignore", str(CHILD), *arguments], text=True, capture_output=True,
        timeout=PATIENCE_S,
    )  # fmt: skip


def test_openpis_client_plays(tmp_path: Path) -> None:
    """Metadata, inference, an error and the chunk broker: all as with a server of openpi's."""
    variables = {"NITROPILOT_SERVER_TOKEN": TOKEN}
    with policy_server(tmp_path, **variables) as server:
        done = openpi(server.address, TOKEN)
        assert done.returncode == 0, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
    assert report["numpy"].startswith("1.")
    assert report["metadata"]["server"] == "nitropilot"
    assert report["kinds"] == {
        "actions": ["float32", [16, 25]], "j_left": ["float32", [16, 2]],
        "j_right": ["float32", [16, 2]], "buttons": ["bool", [16, 21]],
    }  # fmt: skip
    assert report["again"], "the same seed gave other actions"
    assert report["played"], "the broker played other actions than the chunk's"
    assert report["infer_ms"] > 0
    body = json.loads(report["refused"].partition("\n")[2])
    assert body["error"]["code"] == "invalid_request"
    assert "observation/state" in body["error"]["message"]
    engine = load_engine("random:tiny", engine="torch", device="cpu")
    noise = engine.draw_noise(np.random.default_rng(5))
    pixels = np.array(report["picture"], np.uint8)
    here = engine.infer(observe(pixels, engine.spec.image_size), noise)
    np.testing.assert_allclose(np.array(report["actions"]), here.actions, atol=1e-6)
    engine.close()


def test_openpis_client_without_the_key(tmp_path: Path) -> None:
    """It ends with the status, not with a hang."""
    with policy_server(tmp_path, NITROPILOT_SERVER_TOKEN=TOKEN) as server:
        for arguments in ((server.address,), (server.address, "wrong")):
            done = openpi(*arguments)
            assert done.returncode != 0
            assert "401" in done.stderr
