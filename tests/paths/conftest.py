"""Disks that are full or read-only, made of memory; what only root can make is loudly left out elsewhere."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


def mount(folder: Path, *options: str) -> bool:
    """Mount memory as a disk, if this process may."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
    return os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB."""
    folder = tmp_path / "disk"
    if not mount(folder, "size=256k"):
        pytest.skip(
            "NOT TRIED: a full disk. Only root can mount a small one; the limit on file sizes is tried instead."
        )
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def frozen_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder that nobody can write to, root included."""
    folder = tmp_path / "disk"
    if mount(folder, "ro"):
        yield folder
        subprocess.run(["umount", str(folder)], check=True)
    elif os.geteuid() == 0:
        pytest.skip("NOT TRIED: a read-only disk. This machine lets root mount none, and root may write everywhere.")
    else:
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)
