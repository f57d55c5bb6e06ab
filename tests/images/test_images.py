"""The container images, built for real and run: ``make test-images`` (root, buildah, debootstrap).

Their base comes from the package mirror and their wheels from pip, so a build takes minutes;
``NITROPILOT_IMAGES`` names the folder that everything is kept in.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import yaml

from nitropilot import __version__
from tests.server.policy_server.processes import picture, plain_client
from tests.server.processes import PATIENCE_S, until
from tests.support import http
from tests.support.places import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

STORE = os.environ.get("NITROPILOT_IMAGES", "")
TOKEN = "a-token-of-the-image-tests"
WRITABLE = ("/config", "/data", "/cache", "/tmp", "/run", "/proc", "/sys", "/dev")
USER = 10001


def buildah(*words: str) -> str:
    """What a buildah command prints."""
    done = subprocess.run([*tool(), *words], text=True, capture_output=True, env=environment())
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def tool() -> list[str]:
    """The command, with the folders of ``docker/build-here``."""
    return ["buildah", "--root", f"{STORE}/storage", "--runroot", f"{STORE}/run"]


def environment() -> dict[str, str]:
    """Storage and isolation that need no daemon."""
    return {**os.environ, "STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}


class Container:
    """A container of an image, whose entry point runs with the arguments given.

    Args:
        image: The target's name.
        arguments: In place of the image's own.
        variables: Environment.
    """

    def __init__(self, image: str, log: Path, *arguments: str, **variables: str) -> None:
        self.name = buildah("from", f"localhost/nitropilot/{image}")
        about = json.loads(buildah("inspect", "--type", "image", f"localhost/nitropilot/{image}"))
        self.config: dict[str, Any] = about["Docker"]["config"]
        self.root = Path(buildah("mount", self.name))
        self.log = log
        self.before = self.files()
        given = [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
        self.user = ["--user", self.config["User"]]
        command = [*tool(), "run", *self.user, *given, self.name, "--"]
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [*command, *self.config["Entrypoint"], *arguments],
                env=environment(), stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            )  # fmt: skip

    def output(self) -> str:
        """All it has printed."""
        return self.log.read_text()

    def said(self, pattern: str) -> str:
        """The first group of what it has printed, once it has."""

        def found() -> str:
            assert self.process.poll() is None, self.output()
            match = re.search(pattern, self.output())
            return match[1] if match else ""

        return str(until(found, pattern))

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another command in it, as its user."""
        return subprocess.run(
            [*tool(), "run", *self.user, self.name, "--", *words], text=True,
            capture_output=True, env=environment(), timeout=PATIENCE_S,
        )  # fmt: skip

    def inside(self) -> list[psutil.Process]:
        """The processes that run in it."""
        return [p for p in psutil.Process(self.process.pid).children(recursive=True) if ours(p)]

    def files(self) -> dict[str, tuple[int, int]]:
        """Every file that is not in a writable place: size and time."""
        found = {}
        for folder, names, files in os.walk(self.root):
            inside = "/" + str(Path(folder).relative_to(self.root)).lstrip(".")
            names[:] = [n for n in names if f"{inside.rstrip('/')}/{n}" not in WRITABLE]
            for name in files:
                info = (Path(folder) / name).lstat()
                found[f"{inside}/{name}"] = (info.st_size, info.st_mtime_ns)
        return found

    def close(self) -> None:
        """Stop it as a container engine does, see that nothing runs on, and remove it."""
        inside = self.inside()
        first = [process for process in inside if process.parent() not in inside]
        for process in first:
            process.terminate()
        try:
            self.process.wait(PATIENCE_S)
            assert psutil.wait_procs(inside, PATIENCE_S)[1] == [], (
                "its program's end left others running"
            )
        finally:
            for process in inside:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            self.process.wait(PATIENCE_S)
            buildah("umount", self.name)
            buildah("rm", self.name)


def ours(process: psutil.Process) -> bool:
    """Whether it runs as the image's user."""
    try:
        return process.uids().real == USER
    except psutil.NoSuchProcess:
        return False


def well(container: Container, port: str) -> bool:
    """Whether the image's own health check is content."""
    return container.run(container.config["Healthcheck"]["Test"][1], port).returncode == 0


@pytest.fixture(scope="module")
def images() -> None:
    """Both images, built now."""
    assert STORE, "make test-images sets NITROPILOT_IMAGES, the folder to build in"
    for name in ("buildah", "debootstrap"):
        assert shutil.which(name), f"{name} is not installed"
    done = subprocess.run(
        [str(ROOT / "docker" / "build-here"), "policy-server", "game-box"],
        env={**os.environ, "STORE": STORE, "PYTHON": sys.executable},
        text=True, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture
def policy_server(images: None, tmp_path: Path) -> Iterator[Container]:
    """The policy server, on a free port."""
    variables = {"NITROPILOT_SERVER_TOKEN": TOKEN}
    options = ("--policy", "random:tiny", "--port", "0")
    container = Container("policy-server", tmp_path / "log", *options, **variables)
    yield container
    container.close()


@pytest.fixture
def game_box(images: None, tmp_path: Path) -> Iterator[Container]:
    """The daemon with a game, on a free port."""
    container = Container(
        "game-box", tmp_path / "log", "--host", "0.0.0.0", "--allow-lan", "--port", "0",
        "--policy", "random:tiny",
    )  # fmt: skip
    yield container
    container.close()


@pytest.mark.slow
def test_the_policy_server(policy_server: Container) -> None:
    """It computes for a client outside, as a user without rights, and writes where it may."""
    port = policy_server.said(r"listens on ws://0\.0\.0\.0:(\d+)")
    answer = http.get(f"http://127.0.0.1:{port}/api/version")
    assert answer.json() == {"version": __version__}
    bearer = f"Bearer {TOKEN}"
    with plain_client(f"ws://127.0.0.1:{port}", Authorization=bearer) as client:
        assert client.metadata["engine"] == "openvino"
        assert client.infer(image=picture())["actions"].shape == (16, 25)
    assert well(policy_server, port)
    assert policy_server.inside(), "nothing runs as the image's user"
    assert policy_server.files() == policy_server.before, "the root is not read-only"


@pytest.mark.slow
def test_without_a_token_it_does_not_start(images: None, tmp_path: Path) -> None:
    """A policy server that all of a network can use has to be wanted."""
    container = Container("policy-server", tmp_path / "log", "--policy", "random:tiny")
    assert container.process.wait(PATIENCE_S) == 2
    assert "NITROPILOT_SERVER_TOKEN" in container.output()
    buildah("umount", container.name)
    buildah("rm", container.name)


@pytest.mark.slow
def test_the_game_box(game_box: Container) -> None:
    """SuperTux, launched and played through the API, by a pad that needs no driver."""
    port = game_box.said(r"listens on https://127\.0\.0\.1:(\d+)")
    token = game_box.run("nitropilot", "token").stdout.strip()
    certificate = game_box.run("cat", "/config/tls-certificate.pem").stdout
    context = ssl.create_default_context(cadata=certificate)
    with http.Client(
        base_url=f"https://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"},
        verify=context, timeout=PATIENCE_S,
    ) as api:  # fmt: skip
        assert api.get("/api/version").json() == {"version": __version__}
        assert well(game_box, port)
        session = api.post("/api/v1/sessions", json={"launch": "supertux"}).json()["id"]

        def played() -> bool:
            now = api.get(f"/api/v1/sessions/{session}").json()
            assert now["state"] in ("attaching", "playing"), (now["end"], game_box.output())
            return bool(now["stats"]["actions_sent"] > 60)

        until(played, "a second of play")
        assert api.delete(f"/api/v1/sessions/{session}").status_code == 204

        def ended() -> bool:
            return bool(api.get(f"/api/v1/sessions/{session}").json()["end"])

        until(ended, "the session's end")
        assert api.get(f"/api/v1/sessions/{session}").json()["state"] == "stopped"
    assert game_box.files() == game_box.before, "the root is not read-only"


def test_the_compose_file() -> None:
    """Every service is built from the file, on loopback only, without rights."""
    compose = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
    targets = set(re.findall(r"AS (\S+)", (ROOT / "docker" / "Dockerfile").read_text()))
    assert set(compose["services"]) == {
        "policy-server", "policy-server-gpu", "game-box", "game-box-uinput",
    }  # fmt: skip
    for service in compose["services"].values():
        assert service["build"]["target"] in targets
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        for volume in service["volumes"]:
            name = volume.split(":")[0]
            assert name in compose["volumes"] or name.startswith(("$", "/run/udev")), name
