"""Videos on a Ray cluster whose machines are processes here; processes of it are killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nitropilot.clusters import ALONE, USAGE, RayUnavailable, joined
from nitropilot.clusters import TRIES as STARTS
from nitropilot.dataset.extracting import cluster as cluster_module
from nitropilot.dataset.extracting.cluster import RayWorkers
from nitropilot.dataset.extracting.folder import SetFolder
from nitropilot.dataset.extracting.one import Ways
from nitropilot.dataset.extracting.options import Options
from nitropilot.dataset.extracting.run import TRIES, Run
from nitropilot.dataset.extracting.sources import find_videos
from nitropilot.dataset.extracting.workers import Here, Workers
from nitropilot.server.cli.main import app
from tests.dataset.making import noise, played, ways, write_video
from tests.server.processes import until
from tests.support.places import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.dataset.output.result import VideoResult

pytestmark = pytest.mark.long
NAMES = ("a", "b", "c", "hangs", "kills", "kills_once", "x", "y")
DRIVER = "from tests.dataset.extracting.test_cluster import drive; import sys; drive(*sys.argv[1:])"


@pytest.fixture(scope="module")
def two_machines() -> Iterator[Any]:
    """A cluster of two machines of a core each, and a head that reads nothing."""
    pytest.importorskip("ray")
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # a socket's path must be short
    head = {"num_cpus": 0, "include_dashboard": False, "temp_dir": folder}
    with pytest.MonkeyPatch.context() as patch:
        paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        settings = {**ALONE, "RAY_AUTH_MODE": "disabled", USAGE: "0", "PYTHONPATH": paths}
        for name, value in settings.items():
            patch.setenv(name, value)
        from ray.cluster_utils import Cluster

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
    for left in reversed(range(STARTS)):
        try:
            cluster.add_node(**options)
            return
        except Exception:
            if not left:
                raise


def reading(marks: Path) -> Ways:
    """Ways that write down what they read, and do as a video's name says."""
    usual = ways(lambda video: played(len(video.times), sum(video.path.stem.encode())))

    def read(video: Any, found: Any) -> Any:
        name = video.path.stem
        with (marks / "read").open("a", encoding="ascii") as file:
            file.write(f"{name}\n")
        tries = times(marks)[name]
        if name == "hangs" and not (marks / "go").exists():
            signal.pause()
        if name == "kills" or (name == "kills_once" and tries == 1):
            os.kill(os.getpid(), signal.SIGKILL)
        return usual.read(video, found)

    return Ways(usual.locate, read)


def times(marks: Path) -> Counter[str]:
    """How often each video was read."""
    path = marks / "read"
    return Counter(path.read_text("ascii").split()) if path.exists() else Counter()


def extracted(videos: Path, out: Path, workers: Any) -> list[VideoResult]:
    """What the command does, with workers of this folder."""
    options = Options()
    root, found = find_videos([videos], out)
    with SetFolder(out).opened(options) as folder:
        who: Workers = workers(folder, options)
        return Run(folder, options, who).over(found, root, {}, lambda _: None)


def drive(address: str, videos: str, out: str, marks: str) -> None:
    """A driver of its own, which is killed."""
    with joined(address) as ray:
        how = reading(Path(marks))
        extracted(Path(videos), Path(out), lambda f, o: RayWorkers(ray, f, o, ways=how))


def content(out: Path) -> dict[str, bytes]:
    """All that a reader sees of a set, and what it says of each video."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for pattern in ("SHARD_*/**/*", ".nitropilot/videos/*", ".nitropilot/samples/*")
        for path in out.glob(pattern)
        if path.is_file() and path.stem != "kills"
    }


def test_a_cluster_makes_the_set_that_one_process_makes(
    two_machines: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Although its driver is killed, and so is the process of a video, once and for ever."""
    videos, out, marks = (tmp_path / name for name in ("in", "out", "marks"))
    marks.mkdir()
    for name in NAMES:
        write_video(videos / f"{name}.mp4", noise(40, sum(name.encode())))
    (videos / "z.mp4").write_text("no video")

    words = [two_machines.address, str(videos), str(out), str(marks)]
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, *words], cwd=ROOT)
    try:
        # One video hangs until the driver is gone; those behind it are read meanwhile, and wait.
        until(lambda: (out / ".nitropilot" / "waiting" / "y.json").exists(), "the last video")
        assert {*times(marks)} == {*NAMES}
    finally:
        driver.kill()
        driver.wait()
    (marks / "go").touch()
    before = times(marks)
    assert (before["kills"], before["kills_once"]) == (TRIES, 2)

    with joined(two_machines.address) as ray:
        results = extracted(videos, out, lambda f, o: RayWorkers(ray, f, o, ways=reading(marks)))
        assert times(marks) - before == {"hangs": 1}, "nothing is read twice"
        aside = {one.video_id: one.set_aside for one in results if one.set_aside}
        assert aside["kills"] == f"the process ended {TRIES} times while it was handled"
        assert "cannot be read" in aside["z"]
        assert aside.keys() == {"kills", "z"}
        left = [name for name in ("waiting", "tries", "ready")
                if any((out / ".nitropilot" / name).iterdir())]  # fmt: skip
        assert left == []

        (videos / "kills.mp4").unlink()
        extracted(videos, tmp_path / "alone", lambda _, o: Here(o, reading(marks)))
        assert content(out) == content(tmp_path / "alone")

        monkeypatch.setattr(cluster_module, "__version__", "0.0.1")
        with pytest.raises(RayUnavailable, match=r"and this machine has 0\.0\.1"):
            extracted(videos, tmp_path / "other", lambda f, o: RayWorkers(ray, f, o))
    monkeypatch.undo()

    # The command, with the templates that there are; no controller is looked for in no video.
    words = ["dataset", "extract", str(videos / "z.mp4"), "--out", str(tmp_path / "cli")]
    words += ["--ray", two_machines.address, "--jobs", "1", "--json"]
    assert not app(words, standalone_mode=False)
    (said,) = json.loads(capsys.readouterr().out)
    assert "cannot be read" in said["set_aside"]
