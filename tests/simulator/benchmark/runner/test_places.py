"""Runs on several machines: a Ray cluster whose nodes are processes here, and one of them dies."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest

from nitropilot.children import module_command, module_environment
from nitropilot.clusters import ALONE, TRIES, USAGE, RayUnavailable, joined
from nitropilot.simulator.benchmark.policies.card import Card
from nitropilot.simulator.benchmark.policies.naming import parse_entry
from nitropilot.simulator.benchmark.policies.opening import Means
from nitropilot.simulator.benchmark.results.checking import check
from nitropilot.simulator.benchmark.results.reader import read_result
from nitropilot.simulator.benchmark.results.traces import read_trace
from nitropilot.simulator.benchmark.runner.episode import Job
from nitropilot.simulator.benchmark.runner.places import cluster as clusters
from nitropilot.simulator.benchmark.runner.places.cluster import ray_places
from nitropilot.simulator.benchmark.runner.places.seat import THREADS, Seat
from nitropilot.simulator.benchmark.runner.referee import EPISODE, Patience
from nitropilot.simulator.benchmark.runner.running import run
from tests.server.processes import PATIENCE_S, until
from tests.simulator.benchmark.runner.test_referee import entered, wait_until_gone
from tests.simulator.benchmark.runner.test_running import wish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.simulator.benchmark.runner.running import Told

pytestmark = pytest.mark.long
OTHER = "0.0.1"


@pytest.fixture
def two_nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A cluster of two machines of a core each, and a head that plays nothing."""
    for name, value in (ALONE | {"RAY_AUTH_MODE": "disabled", USAGE: "0"}).items():
        monkeypatch.setenv(name, value)
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # a socket's path must be short
    head = {"num_cpus": 0, "include_dashboard": False, "temp_dir": folder}
    found = Cluster()
    try:
        for options in (head, {"num_cpus": 1}, {"num_cpus": 1}):
            begun(found, options)
        yield found
    finally:
        found.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def begun(cluster: Any, options: dict[str, Any]) -> None:
    """Start a node, with the patience that Ray has not."""
    for left in reversed(range(TRIES)):
        try:
            cluster.add_node(**options)
            return
        except Exception:
            if not left:
                raise


def test_what_a_cluster_plays_is_what_this_machine_plays(
    two_nodes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an interruption, and with a machine that dies in mid-episode: that is written down and
    played again, and no episode is missing or another one."""
    wanted = wish(entered("slow"), task="runner-1", seeds="0-2", digest=True, video=True)
    run(wanted, tmp_path / "near")

    def stop_after_one(told: Told) -> None:
        if told.done == 1:
            raise KeyboardInterrupt

    with ray_places(two_nodes.address, wanted) as places:
        assert places.at_once == len(places.nodes) == 2
        with pytest.raises(KeyboardInterrupt):
            run(wanted, tmp_path / "far", stop_after_one, places)
        assert not episodes(two_nodes), "an interrupted run leaves no episode on any machine"
        begun = read_result(tmp_path / "far").records
        assert len(begun) == 1

        killer = threading.Thread(target=die_in_play, args=(two_nodes,), daemon=True)
        killer.start()
        run(wanted, tmp_path / "far", places=places)
        killer.join(PATIENCE_S)
        result = read_result(tmp_path / "far")
        lost = [record for record in result.records if record.void]
        assert [record.end for record in lost] == ["machine failed"]
        assert "its machine was lost" in lost[0].error
        assert result.records[:1] == begun
        assert check(tmp_path / "far").sound
        near, far = (read_result(tmp_path / name).decided() for name in ("near", "far"))
        assert near.keys() == far.keys()
        assert far[lost[0].key].attempt == 2
        for key, one in near.items():
            other = far[key]
            assert one.video is not None is not other.video
            for record in (one, other):
                assert record.trace is not None
            same = {"end", "success", "progress", "steps", "facts", "frames", "frames_digest",
                    "raw_score", "policy_digest", "machine"}  # fmt: skip
            assert one.model_dump(include=same) == other.model_dump(include=same)
            assert one.video.sha256 == other.video.sha256
            traces = [read_trace(tmp_path / name / record.trace.file)  # type: ignore[union-attr]
                      for name, record in (("near", one), ("far", other))]  # fmt: skip
            assert np.array_equal(*traces)

        monkeypatch.setattr(clusters, "__version__", OTHER)
        with pytest.raises(
            RayUnavailable, match=f"has nitropilot .*, and this machine has {OTHER}"
        ):
            clusters.Cluster(sys.modules["ray"], wanted)
    assert not episodes(two_nodes)
    monkeypatch.setattr("ray.__version__", OTHER)
    with pytest.raises(RayUnavailable, match="another Ray or Python: Version mismatch"):
        joined(two_nodes.address).__enter__()


def episodes(cluster: Any) -> list[tuple[psutil.Process, Any]]:
    """Processes of episodes on the machines of a cluster, each with its machine."""
    found = []
    for node in cluster.worker_nodes:
        with suppress(psutil.Error):
            raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
            for process in raylet.children(recursive=True):
                with suppress(psutil.Error):
                    plays = EPISODE in process.cmdline()
                    if plays and process.status() != psutil.STATUS_ZOMBIE:
                        found.append((process, node))
    return found


def die_in_play(cluster: Any) -> None:
    """Kill a machine as soon as an episode plays on it."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for episode, node in episodes(cluster):
            with suppress(psutil.Error):
                if episode.cpu_times().user > 0.5:
                    cluster.remove_node(node, allow_graceful=False)
                    return wait_until_gone(episode.pid)
        time.sleep(0.02)
    return None


def test_a_cluster_of_this_machine_alone(tmp_path: Path) -> None:
    """It listens to nobody else, has no dashboard, and Ctrl-C leaves no process and no file."""
    pytest.importorskip("ray")
    mark, temporary = tmp_path / "pids", tempfile.mkdtemp(prefix="r-", dir="/tmp")
    command = module_command(
        "nitropilot", "benchmark", "run", "--policy", entered("hangs"), "--task", "runner-1",
        "--seeds", "3", "--out", str(tmp_path / "r"), "--ray", "local",
    )  # fmt: skip
    environment = module_environment() | {
        "MARK": str(mark), "NITROPILOT_DATA": str(tmp_path), "TMPDIR": temporary
    }  # fmt: skip
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:

        def plays() -> bool:
            assert process.poll() is None, process.communicate()[1]
            return mark.exists() and len(mark.read_text().split()) == 2

        until(plays, "an episode")
        family = psutil.Process(process.pid).children(recursive=True)
        assert any("raylet" in word for each in family for word in words_of(each))
        for each in family:
            with suppress(psutil.NoSuchProcess):
                sockets = each.net_connections("inet")
                heard = {one.laddr.ip for one in sockets if one.status == psutil.CONN_LISTEN}
                assert heard <= {"127.0.0.1", "::ffff:127.0.0.1"}, each.cmdline()
                shows = any("dashboard/dashboard.py" in word for word in each.cmdline())
                assert not shows or "--disable-frontend" in each.cmdline()
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 130
        for each in family:
            wait_until_gone(each.pid)
    finally:
        process.kill()
        process.communicate()
    assert read_result(tmp_path / "r").records == ()
    Path(temporary).rmdir()  # nothing is in it


def words_of(process: psutil.Process) -> list[str]:
    """Its command, or none once it is gone."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", "'' is no address of a Ray cluster"),
        ("ray://head:10001", "is no address of a Ray cluster; write HOST:PORT"),
        ("head:70000", "is no address of a Ray cluster"),
        ("127.0.0.1:{free}", "no Ray cluster answers at 127.0.0.1:{free}: Connection refused"),
    ],
)
def test_an_address_of_nobody(address: str, said: str) -> None:
    """It is said at once, with what begins a cluster; Ray itself tries for a minute."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))  # and does not listen
        free = listener.getsockname()[1]
        with (
            pytest.raises(RayUnavailable) as error,
            joined(address.format(free=free)),
        ):
            pass
    assert said.format(free=free) in error.value.line()


def test_without_ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, with the command that brings it; nothing is left of the attempt."""
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(RayUnavailable, match="Ray is not installed") as error, joined("local"):
        pass
    assert error.value.hint == "pip install 'nitropilot[scale]'"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "said"),
    [("right", "is another policy there: its digest is"), ("nothing", "has no 'nothing'")],
)
def test_a_machine_with_another_policy(
    name: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its episodes would be somebody else's: the machine has failed, and no policy."""
    monkeypatch.setenv(THREADS, "1")
    entry = parse_entry(entered(name))
    card = Card(entry.name, "callable", digest="0" * 64)
    with closing(Seat(Means(), Patience(), "2")) as there:
        assert os.environ[THREADS] == "2", "as many threads as where the run was begun"
        found = there.play(Job("arcade", "runner-1", 0, "paused", card.plain()), entry)
    assert found.keys() == {"error"}
    assert said in found["error"]["message"]
