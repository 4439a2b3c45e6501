"""The factory's signing key: EC P-256 in PEM, made once, readable by its owner only. Knows no signature format."""

import hashlib
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kifabrik.core import files
from kifabrik.core.errors import InvalidInput

PRIVATE_NAME = "passport-key.pem"
PUBLIC_NAME = "passport-key.pub"
KEY_BYTES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Where the two halves of a key lie; `key_id` is the digest of the public half's PEM."""

    private_path: Path
    public_path: Path
    key_id: str

    @property
    def public_pem(self) -> bytes:
        """The public half as PEM."""
        return self.public_path.read_bytes()


def ensure_key(folder: Path) -> KeyPair:
    """Give the key of a folder, and make it on first use; two processes that race for it get the same key.

    Raises InvalidInput for a private key that others may read or that is no P-256 key.
    """
    private_path, public_path = folder / PRIVATE_NAME, folder / PUBLIC_NAME
    if not private_path.exists():
        _create(private_path)
    _require_private(private_path)
    key = _load_private(private_path)
    pem = public_bytes(key.public_key())
    if not public_path.exists() or public_path.read_bytes() != pem:
        files.write_bytes(public_path, pem)
    return KeyPair(private_path=private_path, public_path=public_path, key_id=key_id_of(pem))


def key_id_of(public_pem: bytes) -> str:
    """Name a public key: the digest of its PEM, the same value that a signature bundle carries as its hint."""
    return "sha256:" + hashlib.sha256(public_bytes(load_public(public_pem))).hexdigest()


def load_public(pem: bytes, *, where: str = "public key") -> ec.EllipticCurvePublicKey:
    """Read a P-256 public key in PEM; raises InvalidInput for anything else."""
    try:
        key = serialization.load_pem_public_key(pem[: KEY_BYTES_MAX + 1])
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput(
            "is not a public key in PEM.", where=where, remedy="Give the .pub file of the factory that signed."
        ) from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InvalidInput("is not an EC P-256 key.", where=where, remedy="Other kinds of keys are not used here.")
    return key


def public_bytes(key: ec.EllipticCurvePublicKey) -> bytes:
    """Write a public key in the one form that digests are taken of."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _create(path: Path) -> None:
    """Write a new private key under a temporary name and link it into place; whoever links first wins."""
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with files.explain_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(pem)
                stream.flush()
                os.fsync(stream.fileno())
            with suppress(FileExistsError):
                os.link(name, path)
        finally:
            Path(name).unlink()
        files.fsync_folder(path.parent)


def _require_private(path: Path) -> None:
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise InvalidInput(
            f"others may read this private key (mode {mode:04o}).",
            where=str(path),
            remedy=f"If nobody else has had it: chmod 600 {path}; else make a new key and revoke this one.",
            code="key-mode",
        )


def _load_private(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidInput("is not a private key in PEM without a password.", where=str(path)) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InvalidInput("is not an EC P-256 key.", where=str(path), remedy="Move it away; a new one is made.")
    return key
