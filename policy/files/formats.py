"""Read the two checkpoint formats without trusting the file.

    NitroGen ``.pt``     the zip of ``torch.save``: {"model": tensors, "ckpt_config": dict}
    ``.safetensors``     tensors, with ``ckpt_config`` as JSON in the metadata or, in a
                         folder, as ``config.json`` beside ``model.safetensors``

The format is told by the first bytes, and a name that says otherwise is an error.
Nothing is unpickled beyond plain tensors and containers (see ``pickled``), and sizes
that a file claims are checked against its real size before they are believed.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from nitropilot.policy.errors import CheckpointError, quoted
from nitropilot.policy.files.adapters import FORMAT, FORMAT_KEY, adapted, find_adapters
from nitropilot.policy.files.pickled import foreign_name, plain
from nitropilot.policy.files.stored import CONFIG_KEY, DAMAGED, CheckpointFile, checked
from nitropilot.policy.naming import SHIPPED, parse_adapted
from nitropilot.policy.shipped.card import require_described
from nitropilot.texts import meant, text_path

MAX_PICKLE = 4 * 2**20
MAX_HEADER = 64 * 2**20
DOS_FOLDER = 0x10
PT_SUFFIXES = (".pt", ".pth")
SAFE = "only plain tensors and settings are accepted; nothing in the file was run"
RANDOM_KEY = "random_weights"
WEIGHTS_NAME, CONFIG_NAME = "model.safetensors", "config.json"


def read_checkpoint(path: Path | str) -> CheckpointFile:
    """Read a checkpoint file or folder; or, as text, what ``policy.naming`` says it names.

    Raises:
        CheckpointError: It is missing, damaged, mislabelled, no checkpoint, or not its card's; or
            it is named with adapters that do not fit it.
    """
    if isinstance(path, str) and (pair := parse_adapted(path)):
        return adapted(read_checkpoint(pair[0]), meant(pair[1]))
    try:
        file = find_checkpoint(path)
        if file in SHIPPED.values():
            require_described(file)
        if _sniff(file) == "pt":
            return _read_pt(file)
        return _read_safetensors(file)
    except OSError as error:
        raise CheckpointError(
            f"cannot read {quoted(str(path))}: {error.strerror or error}", "check the path"
        ) from error


def find_checkpoint(path: Path | str) -> Path:
    """The file that a path means, or as text a name; nothing of it is read.

    Of a policy with adapters it is the base's, where the adapters are there too.

    Raises:
        CheckpointError: There is none.
    """
    if isinstance(path, str) and (pair := parse_adapted(path)):
        find_adapters(meant(pair[1]))
        return find_checkpoint(pair[0])
    if isinstance(path, str) and path in SHIPPED:
        return SHIPPED[path]
    path = meant(path)
    if path.is_dir():
        weights = path / WEIGHTS_NAME
        if not weights.is_file():
            raise CheckpointError(f"the folder {path} holds no {WEIGHTS_NAME}", "name the file")
        return weights
    if not path.is_file():
        raise CheckpointError(f"there is no file {path}", "check the path")
    return path


def _sniff(path: Path) -> str:
    """The file's format by its first bytes.

    Raises:
        CheckpointError: It is something else, or its name claims the other format.
    """
    with path.open("rb") as file:
        head = file.read(64)
    kind = _kind(head, path.stat().st_size)
    if kind not in ("pt", "safetensors"):
        raise CheckpointError(
            f"{path} is {kind}, not a checkpoint", "use the .pt or .safetensors file itself"
        )
    suffix = path.suffix.lower()
    named = "pt" if suffix in PT_SUFFIXES else suffix.removeprefix(".")
    if named in ("pt", "safetensors") and named != kind:
        raise CheckpointError(
            f"{path} is named {path.suffix} but holds {kind} data", f"rename it to .{kind}"
        )
    return kind


def _kind(head: bytes, size: int) -> str:
    if not head:
        return "an empty file"
    if head.startswith(b"PK\x03\x04"):
        return "pt"
    if head.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer (the real file was not fetched)"
    if head.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page"
    header = int.from_bytes(head[:8], "little")
    if head[8:9] == b"{" and header <= MAX_HEADER:  # before pickles: its length may begin with 80
        return "safetensors" if header + 8 <= size else "a truncated safetensors file"
    if head[:1] == b"\x80":
        return "a bare pickle (old torch.save or worse), which could run code"
    return f"unknown data (it starts with {head[:8]!r})"


def _read_pt(path: Path) -> CheckpointFile:
    import torch

    _check_zip(path)
    try:
        with text_path(path) as name:
            loaded = torch.load(name, map_location="cpu", weights_only=True, mmap=True)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - a hostile file can make it raise anything
        raise CheckpointError(f"{path} cannot be loaded safely: {_reason(error)}", SAFE) from None
    if not isinstance(loaded, dict) or not {"model", CONFIG_KEY} <= loaded.keys():
        found = list(loaded) if isinstance(loaded, dict) else type(loaded).__name__
        raise CheckpointError(
            f"{path} holds {quoted(found)} instead of 'model' and '{CONFIG_KEY}'",
            "this is not a NitroGen checkpoint",
        )
    model = loaded["model"]
    if not isinstance(model, dict) or not all(isinstance(v, torch.Tensor) for v in model.values()):
        raise CheckpointError(f"{path}: 'model' is not a dict of tensors", DAMAGED)
    tensors = {str(key): tensor for key, tensor in model.items()}
    try:
        config = plain(loaded[CONFIG_KEY])
    except ValueError as error:
        raise CheckpointError(f"{path}: {CONFIG_KEY} is not plain data: {error}", DAMAGED) from None
    return checked(CheckpointFile(path, "pt", config, tensors))


def _reason(error: Exception) -> str:
    """Why torch refused, without its advice to unpickle the file in full."""
    text, kind = " ".join(str(error).split()), type(error).__name__
    return kind if not text or "weights_only" in text else f"{kind}: {quoted(text)}"


def _check_zip(path: Path) -> None:
    """Refuse zips that are damaged, compressed (bombs) or claim more than they hold."""
    size = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                raise CheckpointError(f"{path} has compressed parts", "torch.save makes none")
            # A part marked as a folder: torch's reader would hand out memory it never filled.
            if any(e.external_attr & DOS_FOLDER or e.orig_filename.endswith("/") for e in entries):
                raise CheckpointError(f"{path} has folders as parts", "torch.save makes none")
            if sum(entry.file_size for entry in entries) > size:
                raise CheckpointError(f"{path} claims more data than its {size} bytes", DAMAGED)
            broken = archive.testzip()
            if broken is None:
                _check_pickle(path, archive)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise CheckpointError(
            f"{path} is damaged or cut off: {quoted(str(error))}", DAMAGED
        ) from None
    if broken is not None:
        raise CheckpointError(f"{path} is damaged: {quoted(broken)} fails its checksum", DAMAGED)


def _check_pickle(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse zips whose one pickle is not a small one of plain tensors."""
    pickles = [e for e in archive.infolist() if e.orig_filename.lower().endswith(".pkl")]
    if len(pickles) != 1:  # TorchScript has two, and torch ignores the case of names
        raise CheckpointError(
            f"{path} is a zip with {len(pickles)} pickles, torch.save makes one",
            "use the checkpoint itself",
        )
    if pickles[0].file_size > MAX_PICKLE:
        raise CheckpointError(
            f"{path} describes its tensors in {pickles[0].file_size} bytes",
            f"at most {MAX_PICKLE} are accepted",
        )
    if name := foreign_name(archive.read(pickles[0])):
        raise CheckpointError(
            f"{path} cannot be loaded safely: it asks for {quoted(name)}, "
            "which is not part of a tensor",
            SAFE,
        )


def _read_safetensors(path: Path) -> CheckpointFile:
    from safetensors import SafetensorError, safe_open

    try:
        with text_path(path) as name, safe_open(name, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError) as error:
        raise CheckpointError(
            f"{path} is damaged or cut off: {quoted(str(error))}", DAMAGED
        ) from None
    if metadata.get(FORMAT_KEY) == FORMAT:
        raise CheckpointError(f"{path} holds adapters, and no policy", f"name BASE+{path}")
    config, beside = _json_config(path, metadata), CONFIG_KEY not in metadata
    untrained = metadata.get(RANDOM_KEY) == "true"
    return checked(CheckpointFile(path, "safetensors", config, tensors, beside, untrained))


def _json_config(path: Path, metadata: dict[str, str]) -> Any:
    beside = path.with_name(CONFIG_NAME)
    where = f"the metadata of {path}"
    text = metadata.get(CONFIG_KEY)
    if text is None:
        where = str(beside)
        if not beside.is_file():
            raise CheckpointError(
                f"{path} has no {CONFIG_KEY} in its metadata, and {beside} is missing",
                f"put the {CONFIG_NAME} beside it",
            )
        if beside.stat().st_size > MAX_PICKLE:
            raise CheckpointError(f"{beside} is too large", f"at most {MAX_PICKLE} bytes")
        text = beside.read_text(encoding="utf-8", errors="replace")
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{where} is not JSON: {error}", DAMAGED) from None
    return config.get(CONFIG_KEY, config) if isinstance(config, dict) else config
