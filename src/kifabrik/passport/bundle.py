"""Reads the signature bundle beside a release: DSSE envelope, in-toto statement, list of files. Knows no library.

Written against the formats and not with the library that signs, so that two programs agree on every signature, and
because the verifier must refuse names that would leave the folder. Every byte of the bundle is fixed by its canonical
form, so that no change to it goes unseen.
"""

import base64
import binascii
import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from kifabrik.core import canonical
from kifabrik.core.errors import InvalidInput

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"
BUNDLE_BYTES_MAX = 16 * 1024 * 1024
FILES_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Bundle:
    """A signature as it was read: what was signed, the signature, and which key it says made it."""

    payload: bytes
    signature: bytes
    key_id: str

    def is_signed_by(self, key: ec.EllipticCurvePublicKey) -> bool:
        """Say whether the signature over the payload was made with the private half of this key."""
        try:
            key.verify(self.signature, _pre_authentication_encoding(self.payload), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True


def parse(data: bytes, *, where: str) -> Bundle:
    """Read a bundle; raises InvalidInput if it is not exactly of the form that `signing` writes."""
    if len(data) > BUNDLE_BYTES_MAX:
        raise _refuse(where, "it is larger than 16 MiB")
    try:
        document = json.loads(data)
        if canonical.encode(document) != data:
            raise _refuse(where, "it is not in its canonical form")
    except (ValueError, RecursionError) as error:
        raise _refuse(where, "it is not JSON") from error
    try:
        envelope = document["dsseEnvelope"]
        (signed,) = envelope["signatures"]
        hint = document["verificationMaterial"]["publicKey"]["hint"]
        bundle = Bundle(_decode(envelope["payload"]), _decode(signed["sig"]), f"sha256:{hint}")
        if document != _expected_document(envelope["payload"], signed["sig"], hint):
            raise _refuse(where, "it holds other fields than it may")
    except (KeyError, TypeError, ValueError, IndexError, binascii.Error) as error:
        raise _refuse(where, "it lacks a part of a signature bundle") from error
    return bundle


def read_listing(bundle: Bundle, *, where: str, signature_name: str) -> Mapping[str, str]:
    """Read the signed list, path -> digest; raises InvalidInput for unsafe, repeated or inconsistent names."""
    try:
        statement = json.loads(bundle.payload)
        resources, serialization = statement["predicate"]["resources"], statement["predicate"]["serialization"]
        (subject,) = statement["subject"]
        kinds = (statement["_type"], statement["predicateType"], serialization["method"], serialization["hash_type"])
        ignored = set(serialization.get("ignore_paths", ()))
        rows = [(row["name"], row["algorithm"], bytes.fromhex(row["digest"])) for row in resources]
        root = subject["digest"]["sha256"]
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise _refuse(where, "its statement lacks a part") from error
    if kinds != (STATEMENT_TYPE, PREDICATE_TYPE, "files", "sha256") or serialization["allow_symlinks"] is not False:
        raise _refuse(where, "its statement is of another kind")
    if not ignored <= {signature_name}:
        raise _refuse(where, "it leaves files out of the signature")
    if len(rows) > FILES_MAX or any(algorithm != "sha256" or len(digest) != 32 for _, algorithm, digest in rows):
        raise _refuse(where, "its list of files is not of the expected form")
    if hashlib.sha256(b"".join(digest for *_, digest in rows)).hexdigest() != root:
        raise _refuse(where, "its list of files does not fit its own digest")
    require_safe_names([name for name, *_ in rows], where=where)
    return {name: f"sha256:{digest.hex()}" for name, _, digest in rows}


def require_safe_names(names: Sequence[Any], *, where: str) -> None:
    """Raise InvalidInput for a name that could leave the folder or stand for another file."""
    seen: set[str] = set()
    for name in names:
        fault = name_fault(name)
        if fault:
            raise _refuse(where, f"the name {str(name)[:120]!r} {fault}")
        if name in seen:
            raise _refuse(where, f"the name {name[:120]!r} stands there twice")
        seen.add(name)


def name_fault(name: Any) -> str:
    """Say what is wrong with the path of a file in a release; nothing for a safe one."""
    if not isinstance(name, str) or not name or len(name.encode(errors="surrogatepass")) > 1024:
        return "is not a usable name"
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs") for character in name) or "\\" in name:
        return "holds control characters or backslashes"
    if unicodedata.normalize("NFC", name) != name:
        return "is not in Unicode form NFC"
    if name.startswith("/") or any(part in ("", ".", "..") for part in name.split("/")):
        return "does not stay inside the folder"
    return ""


def _decode(text: str) -> bytes:
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:  # spare bits of the last character could be changed unseen
        raise ValueError("not canonical base64")
    return data


def _pre_authentication_encoding(payload: bytes) -> bytes:
    """Give the bytes that DSSE signs (secure-systems-lab/dsse v1.0.0, protocol.md)."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def _expected_document(payload: str, signature: str, hint: str) -> dict[str, Any]:
    return {
        "dsseEnvelope": {
            "payload": payload,
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": "", "sig": signature}],
        },
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {"publicKey": {"hint": hint}, "tlogEntries": []},
    }


def _refuse(where: str, what: str) -> InvalidInput:
    return InvalidInput(
        f"is not a signature that can be trusted: {what}.",
        where=where,
        remedy="Get the release again from its source.",
        code="signature-form",
    )
