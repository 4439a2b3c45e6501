"""Content names of bytes, files and folders, always written `sha256:<64 hex digits>`. Knows no format."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from kifabrik.core import canonical

PATTERN = re.compile(r"^sha256:[0-9a-f]{64}$")


def digest_bytes(data: bytes) -> str:
    """Name bytes by their content."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """Name a file by its content, reading it in pieces."""
    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()


def digest_files(folder: Path) -> dict[str, str]:
    """Name every regular file below a folder: POSIX relative path -> digest, in sorted order."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): digest_file(path) for path in files}


def digest_listing(listing: Mapping[str, str]) -> str:
    """Name a folder by the names and digests of its files, so that order and place do not matter."""
    return canonical.digest(dict(listing))
