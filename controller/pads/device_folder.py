"""``DeviceFolder``: what a launched game finds at ``/dev/input``, beside its page.

A real folder, so that listing it and waiting for changes in it (inotify) need nothing of us.
Its one file stands for the device: the preloaded library answers when it is opened.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from nitropilot.controller.errors import PadUnavailable
from nitropilot.controller.ledger.heal import FOLDER_SUFFIX

if TYPE_CHECKING:
    from pathlib import Path

DEVICE = "event0"


class DeviceFolder:
    """The folder of one page.

    Args:
        page: The page's path.
    """

    def __init__(self, page: Path) -> None:
        self.path = page.with_name(page.name + FOLDER_SUFFIX)
        self._device = self.path / DEVICE

    def create(self) -> None:
        """Make it, with the device in it, for this user only.

        Raises:
            PadUnavailable: It cannot be made.
        """
        try:
            self.path.mkdir(mode=0o700)
        except OSError as error:
            raise PadUnavailable(
                f"cannot make {self.path}: {error.strerror}", f"make room in {self.path.parent}"
            ) from error
        try:
            self.add_device()
        except PadUnavailable:
            self.remove()
            raise

    def add_device(self) -> None:
        """Have the device appear; games that watch the folder are told twice, as by udev.

        Raises:
            PadUnavailable: Its file cannot be made.
        """
        try:
            self._device.touch(mode=0o600)
            self._device.chmod(0o660)
        except OSError as error:
            raise PadUnavailable(
                f"cannot make {self._device}: {error.strerror}",
                "launch the game again with NitroPilot",
            ) from error

    def remove_device(self) -> None:
        """Have the device disappear.  Safe to call twice."""
        with suppress(OSError):
            self._device.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove all of it.  Safe to call twice."""
        shutil.rmtree(self.path, ignore_errors=True)
