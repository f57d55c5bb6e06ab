"""The choice of the kernel that the machine boots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.uinput_vm.machine import Missing, newest_kernel

if TYPE_CHECKING:
    from pathlib import Path


def install(root: Path, version: str, modules: str | None) -> None:
    (root / f"vmlinuz-{version}").touch()
    if modules is not None:
        folder = root / "modules" / version
        folder.mkdir(parents=True)
        (folder / "modules.dep").write_text(modules)


def test_newest_kernel_with_uinput(tmp_path: Path) -> None:
    """6.9 sorts above 6.10 as text, and a kernel without its modules boots to nothing."""
    install(tmp_path, "6.9.0-1-amd64", "kernel/drivers/input/misc/uinput.ko:")
    install(tmp_path, "6.10.0-1-amd64", "kernel/drivers/input/misc/uinput.ko.zst:")
    install(tmp_path, "6.11.0-1-cloud", "kernel/fs/9p/9p.ko:")
    install(tmp_path, "6.12.0-1-amd64", None)
    assert newest_kernel(tmp_path, tmp_path / "modules").name == "vmlinuz-6.10.0-1-amd64"


def test_no_kernel_is_named(tmp_path: Path) -> None:
    """A skip that does not say which kernels were refused cannot be fixed."""
    install(tmp_path, "6.12.0-1-amd64", None)
    with pytest.raises(Missing, match=r"vmlinuz-6\.12\.0-1-amd64"):
        newest_kernel(tmp_path, tmp_path / "modules")
