"""Shards as archives: ``actions/SHARD_0000.tar.gz``, as the published set comes."""

from __future__ import annotations

import gzip
import tarfile
from typing import TYPE_CHECKING

from nitropilot.dataset.output.published import no_room
from nitropilot.records.format import PART

if TYPE_CHECKING:
    from pathlib import Path

ARCHIVES = "actions"


def pack(out: Path, shards: list[Path]) -> list[Path]:
    """Write an archive of each shard beside the folders; the same files give the same bytes.

    Args:
        out: The data set.
        shards: Its folders.

    Raises:
        NotExtracted: There is no room, or no way to write there.
    """
    made = []
    for shard in shards:
        final = out / ARCHIVES / f"{shard.name}.tar.gz"
        part = final.with_name(final.name + PART)
        try:
            final.parent.mkdir(exist_ok=True)
            with (
                part.open("wb") as file,
                gzip.GzipFile("", "wb", 6, file, 0) as packed,
                tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
            ):
                for path in sorted(path for path in shard.rglob("*") if path.is_file()):
                    name = path.relative_to(out).as_posix()
                    archive.add(path, name, filter=_nobodys)
            part.replace(final)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise no_room(final, error) from error
        made.append(final)
    return made


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without who packed it and when."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    member.mode = 0o644
    return member
