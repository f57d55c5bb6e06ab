"""``POST /predict``: a picture in, a chunk out, and everything that is no picture."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image

from nitropilot.engines import ENGINES
from nitropilot.policy import open_policy
from nitropilot.policy.observation import observe
from nitropilot.server.api.picture import MAX_PIXELS, decode_picture
from tests.server.processes import POLICY, Daemon

if TYPE_CHECKING:
    import httpx

PREDICT = "/api/v1/predict"
BUTTONS = {
    "BACK", "DPAD_DOWN", "DPAD_LEFT", "DPAD_RIGHT", "DPAD_UP", "EAST", "GUIDE", "LEFT_SHOULDER",
    "LEFT_THUMB", "LEFT_TRIGGER", "NORTH", "RIGHT_BOTTOM", "RIGHT_LEFT", "RIGHT_RIGHT",
    "RIGHT_SHOULDER", "RIGHT_THUMB", "RIGHT_TRIGGER", "RIGHT_UP", "SOUTH", "START", "WEST",
}  # fmt: skip


def picture(kind: str = "PNG", mode: str = "RGB", size: tuple[int, int] = (160, 90)) -> bytes:
    """A picture file with coloured stripes."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    pixels = np.stack([x % 256, (y * 2) % 256, (x + y) % 256], axis=2).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, kind)
    return file.getvalue()


def png_of(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG whose header promises this size, whatever its data holds."""

    def chunk(name: bytes, body: bytes) -> bytes:
        end = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + end

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(data)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def predict(daemon: Daemon, body: bytes, **query: Any) -> httpx.Response:
    """The daemon's answer to a picture."""
    return daemon.client.post(PREDICT, content=body, params=query)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_picture_gives_a_chunk(daemon: Daemon, kind: str) -> None:
    """The answer must say what decided, hold T x 25 finite numbers, and decode all of them."""
    answer = predict(daemon, picture(kind), seed=1)
    assert answer.status_code == 200, answer.text
    chunk = answer.json()
    assert chunk["policy"]["random"] is True
    assert chunk["engine"]["name"] in ENGINES
    actions = np.array(chunk["actions"])
    assert actions.shape == (chunk["policy"]["horizon"], 25) == (16, 25)
    assert np.isfinite(actions).all()
    assert len(chunk["decoded"]) == 16
    for step in chunk["decoded"]:
        assert set(step["buttons"]) <= BUTTONS
        assert all(-1 <= value <= 1 for value in (*step["j_left"], *step["j_right"]))
    assert set(chunk["seconds"]) >= {"vision", "sampler"}


def test_predict_is_the_library_for_the_same_seed(daemon: Daemon) -> None:
    """A wrong resize, channel order or noise shows as other actions than the library's."""
    body = picture()
    policy = open_policy(POLICY)
    noise = np.random.default_rng(5).standard_normal((16, 25), dtype=np.float32)
    pixels = np.asarray(Image.open(io.BytesIO(body)).convert("RGB"))

    def sampled(pixels: np.ndarray) -> np.ndarray:
        images = torch.from_numpy(observe(pixels, policy.image_size))[None]
        return policy.sample(images, torch.from_numpy(noise)[None])[0].numpy()

    expected = sampled(pixels)
    answered = np.array(predict(daemon, body, seed=5).json()["actions"])
    error = np.linalg.norm(answered - expected) / np.linalg.norm(expected)
    assert error < 5e-3, "what bfloat16 costs a policy this small is 1e-3"
    for other in (pixels[..., ::-1], pixels[::-1], pixels[:, ::-1]):
        wrong = sampled(np.ascontiguousarray(other)) - expected
        assert np.linalg.norm(wrong) / np.linalg.norm(expected) > 2 * error


def test_the_seed_decides(daemon: Daemon) -> None:
    """The same seed must repeat a chunk, another one or none must not."""
    first, again, other, none, none_again = (
        predict(daemon, picture(), **query).json()["actions"]
        for query in ({"seed": 7}, {"seed": 7}, {"seed": 8}, {}, {})
    )
    assert first == again
    assert first != other
    assert none != none_again


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "I;16"])
def test_any_png_mode_is_taken(daemon: Daemon, mode: str) -> None:
    """Screenshots come with palettes and with transparency."""
    pixels = Image.new(mode if mode != "I;16" else "I;16", (40, 30))
    file = io.BytesIO()
    pixels.save(file, "PNG")
    assert predict(daemon, file.getvalue(), seed=1).status_code == 200


def bad_pictures() -> dict[str, bytes]:
    """Bodies that are no acceptable picture, by name."""
    return {
        "empty": b"",
        "text": b"hello",
        "json": b'{"image": 1}',
        "gif": picture("GIF"),
        "bmp": picture("BMP"),
        "tiff": picture("TIFF"),
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
        "half a PNG": picture()[:-200],
        "half a JPEG": picture("JPEG", size=(640, 480))[:-2000],
        "PNG header": picture()[:8],
        "JPEG header": picture("JPEG")[:4],
        "wrong checksum": picture().replace(b"IHDR\x00", b"IHDR\x01", 1),
        "bomb of 2^31": png_of(2**31 - 1, 2**31 - 1),
        "bomb of 12000": png_of(12000, 12000, bytes(12000 * 3 + 1)),
        "bomb of 10000": png_of(10000, 10000),
        "one row too many": png_of(7680, 4321),
        "no width": png_of(0, 100),
        "no pixels": png_of(100, 100),
    }


@pytest.mark.parametrize("name", list(bad_pictures()))
def test_what_is_no_picture_is_refused(daemon: Daemon, name: str) -> None:
    """Damaged and hostile files end in one line, not in a traceback or a full memory."""
    answer = predict(daemon, bad_pictures()[name])
    assert answer.status_code == 422, answer.text
    error = answer.json()["error"]
    assert error["code"] == "image_invalid"
    assert "\n" not in error["message"]
    assert "Traceback" not in daemon.output()


def test_the_largest_picture_is_decoded() -> None:
    """The limit must let an 8K screenshot through."""
    width, height = 7680, 4320
    assert width * height == MAX_PIXELS
    rows = (b"\x00" + bytes(width * 3)) * height
    assert decode_picture(png_of(width, height, rows)).shape == (height, width, 3)


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"cfg_scale": 2}, "game"), ({"game": "Celeste"}, "Celeste"),
        ({"cfg_scale": -1}, "cfg_scale"), ({"cfg_scale": 21}, "cfg_scale"),
        ({"cfg_scale": "nan"}, "cfg_scale"), ({"cfg_scale": "inf"}, "cfg_scale"),
        ({"seed": -1}, "seed"), ({"seed": 2**63}, "seed"), ({"seed": "x"}, "seed"),
        ({"policy": ""}, "policy"), ({"policy": "/nowhere/at/all.pt"}, "/nowhere/at/all.pt"),
        ({"policy": "random:huge"}, "huge"),
    ],
)  # fmt: skip
def test_bad_queries_name_what_is_wrong(daemon: Daemon, query: dict[str, Any], word: str) -> None:
    """Guidance without games, unknown policies and numbers out of range are the client's."""
    answer = predict(daemon, picture(), **query)
    assert answer.status_code == 422, answer.text
    assert word in answer.json()["error"]["message"]


def test_another_policy_can_be_named(daemon: Daemon, tmp_path: Path) -> None:
    """A file that is no checkpoint is refused by name; a real one answers."""
    wrong = tmp_path / "notes.pt"
    wrong.write_bytes(b"not a checkpoint")
    answer = predict(daemon, picture(), policy=str(wrong))
    assert answer.status_code == 422
    assert "notes.pt" in answer.json()["error"]["message"]
    other = predict(daemon, picture(), policy="random:tiny:3", seed=1)
    assert other.json()["policy"]["name"] == "random:tiny (seed 3)"
    assert other.json()["actions"] != predict(daemon, picture(), seed=1).json()["actions"]


def test_where_no_policy_is_named_pocket_decides(tmp_path: Path) -> None:
    """A daemon started bare plays with what comes along, and says with what."""
    daemon = Daemon(tmp_path, None, warm_start=True)
    try:
        answer = predict(daemon, picture())
        assert answer.status_code == 200, answer.text
        assert answer.json()["policy"]["name"] == "pocket"
        assert daemon.client.get("/api/v1/status").json()["policy"] == "pocket"
        named = predict(daemon, picture(), policy=POLICY)
        assert named.json()["policy"]["name"] == "random:tiny (seed 0)"
        listed = daemon.client.get("/api/v1/policies").json()
        first = listed["policies"][0]
        assert (listed["default"], first["name"], first["place"]) == ("pocket", "pocket", "shipped")
        assert first["loaded"]
        assert daemon.client.get("/api/v1/windows").status_code == 503
    finally:
        daemon.client.close()
        daemon.kill()


def test_raw_pixels_are_the_picture(daemon: Daemon) -> None:
    """A program that has the pixels need not make a file of them; the actions are the same."""
    file = picture()
    pixels = np.asarray(Image.open(io.BytesIO(file)))
    height, width = pixels.shape[:2]
    answer = daemon.client.post(
        PREDICT, content=pixels.tobytes(), params={"seed": 1, "width": width, "height": height},
        headers={"Content-Type": "application/octet-stream"},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    assert answer.json()["actions"] == predict(daemon, file, seed=1).json()["actions"]
