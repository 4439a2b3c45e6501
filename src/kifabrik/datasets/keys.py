"""The key under which personal values get digests and pseudonyms, kept in a file of its own outside every dataset.

Whoever has the key can test whether a known value stands in a dataset: that is how an erasure request is answered, and
why the key is no part of what is handed on. Knows no text.
"""

import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from kifabrik.core.errors import InvalidInput, Refused
from kifabrik.core.files import explain_disk_errors, fsync_folder
from kifabrik.datasets.detectors.rule import Hit

if TYPE_CHECKING:
    from hashlib import _Hash

_INNER, _OUTER = (bytes(sign ^ mask for sign in range(256)) for mask in (0x36, 0x5C))  # RFC 2104
_BLOCK_BYTES = 64
_KEY_BYTES = 32
_OTHERS_MAY = 0o077


@dataclass(frozen=True, slots=True)
class Key:
    """A secret of 32 bytes; its parts for digests, pseudonyms and its public name are derived apart."""

    secret: bytes = field(repr=False)

    @classmethod
    def fresh(cls) -> "Key":
        """Draw a key that lives as long as this object: equal values can be counted, nobody can test a guess later."""
        return cls(secrets.token_bytes(_KEY_BYTES))

    @property
    def key_id(self) -> str:
        """The public name of the key; it says nothing about the key."""
        return "key-" + hmac.digest(self.secret, b"kifabrik key name", "sha256").hex()[:12]

    def digest(self, kind: str, value: str) -> str:
        """Give the keyed digest of a value in its normal form; stable for one key, kind and value."""
        begun_inside, begun_outside = _begin(self.secret)
        inside, outside = begun_inside.copy(), begun_outside.copy()
        inside.update(f"{kind}:{value}".encode())
        outside.update(inside.digest())
        return "hmac-sha256:" + outside.hexdigest()

    def pseudonym_bytes(self, kind: str, value: str, length: int) -> bytes:
        """Give bytes that depend on the value and the key alone, and share nothing with the digest."""
        blocks = (
            hmac.digest(self.secret, f"pseudonym {number}\0{kind}:{value}".encode(), "sha256")
            for number in range(-(-length // 32))
        )
        return b"".join(blocks)[:length]


@lru_cache(maxsize=8)
def _begin(secret: bytes) -> "tuple[_Hash, _Hash]":
    """Begin both hashes of HMAC; to copy them takes a third of the time to begin with the key anew."""
    block = secret.ljust(_BLOCK_BYTES, b"\0")
    return hashlib.sha256(block.translate(_INNER)), hashlib.sha256(block.translate(_OUTER))


def digest_of(hit: Hit, key: Key) -> str:
    """Give the digest under which a finding is listed and an erasure search looks for it."""
    return key.digest(hit.kind, hit.value)


def open_key(path: Path, *, outside: Iterable[Path] = ()) -> Key:
    """Read the key file, or make it once with mode 0600.

    Raises InvalidInput for a place inside one of the folders `outside` or a file that holds no key, Refused for a file
    that others may read, Unavailable for a disk that cannot be written.
    """
    for folder in outside:
        if path.resolve().is_relative_to(folder.resolve()):
            raise InvalidInput(
                f"the key would lie inside {folder} and be handed on with the data.",
                where=str(path),
                remedy="Choose a place outside of the texts and of the dataset folder.",
            )
    if not path.exists():
        _make_once(path)
    return _read(path)


def _make_once(path: Path) -> None:
    """Write a new key under a name of its own and link it into place, so that two makers end with one key."""
    with explain_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.parent / f".{path.name}.{secrets.token_hex(8)}"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w") as stream:
                stream.write(secrets.token_bytes(_KEY_BYTES).hex() + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            try:
                path.hardlink_to(draft)
            except FileExistsError:
                return  # another process was first; its key is the key
            fsync_folder(path.parent)
        finally:
            draft.unlink()


def _read(path: Path) -> Key:
    if path.stat().st_mode & _OTHERS_MAY:
        raise Refused("others may read this key.", where=str(path), remedy=f"Run: chmod 600 {path}")
    try:
        secret = binascii.unhexlify(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise _no_key(path) from error
    if len(secret) != _KEY_BYTES:
        raise _no_key(path)
    return Key(secret)


def _no_key(path: Path) -> InvalidInput:
    return InvalidInput(
        "holds no key: 64 hexadecimal digits are expected.",
        where=str(path),
        remedy="Name the right file, or remove this one and let a new key be made (old digests then mean nothing).",
    )
