"""SIFT and XFeat behind one interface."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from nitropilot.dataset.errors import BadWeights
from nitropilot.dataset.locating.features import USED, Sift, kinds
from nitropilot.dataset.locating.locate import locator
from nitropilot.dataset.locating.matching import matches
from nitropilot.dataset.pose import Pose
from nitropilot.dataset.templates.template import Template
from tests.dataset.locating.making import Shown, clip, game


def test_points_count_from_the_corner() -> None:
    """OpenCV counts from the middle of a pixel: half a pixel would be lost at every size."""
    picture = np.zeros((80, 80), np.uint8)
    picture[28:36, 40:48] = 255
    found = Sift().of(cv2.GaussianBlur(picture, (0, 0), 1.0))
    assert len(found.points) >= 4
    assert found.points.mean(axis=0) == pytest.approx((44, 32), abs=0.05)
    assert np.linalg.norm(found.descriptors, axis=1) == pytest.approx(1.0, abs=1e-4)


def test_a_flat_picture_has_none() -> None:
    """A black picture between two scenes."""
    assert Sift().of(np.zeros((64, 64), np.uint8)).descriptors.shape == (0, 128)


def test_without_xfeat_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search with half of its means that looks like a whole one."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    ways, said = kinds()
    assert [way.name for way in ways] == ["sift"]
    assert said.startswith("unavailable (")
    assert locator([]).search(clip(count=3), 2).xfeat == said


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    """Who names a file wants it used."""
    with pytest.raises(BadWeights, match=r"missing\.pt is not a file"):
        kinds(tmp_path / "missing.pt")


def test_weights_of_something_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of text that was saved as xfeat.pt, where kornia would keep it."""
    pytest.importorskip("kornia")
    import torch

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    path = Path(torch.hub.get_dir()) / "checkpoints" / "xfeat.pt"
    path.parent.mkdir(parents=True)
    path.write_text("<html>")
    with pytest.raises(BadWeights, match="is no file of weights"):
        kinds()
    torch.save({"layer": torch.zeros(3)}, path)
    with pytest.raises(BadWeights, match="holds no weights of XFeat"):
        kinds(path)


def test_xfeat_takes_part(tmp_path: Path, library: dict[str, Template]) -> None:
    """The way through it, with weights that mean nothing: SIFT's find is not spoiled by them."""
    feature = pytest.importorskip("kornia.feature")
    import torch

    torch.manual_seed(1)
    network = feature.XFeat().net
    with torch.no_grad():
        network.keypoint_head[-1].weight.mul_(50)  # so that some points stand out
    path = tmp_path / "xfeat.pt"
    torch.save(network.state_dict(), path)
    ways, said = kinds(path)
    assert said == USED
    found = ways[1].of(game(3, 0)[:90, :150, 1])
    assert len(found.points) > 20
    assert (found.points < (150, 90)).all()
    pairs = matches(ways[1], found, found)
    assert (pairs[:, 0] == pairs[:, 1]).mean() > 0.9
    shown = Shown(library["dark"], Pose(0.32, 20.3, 60.7))
    search = locator([library["dark"]], path).search(clip(shown, count=10), 5)
    assert (len(search.found), search.xfeat) == (1, USED)
