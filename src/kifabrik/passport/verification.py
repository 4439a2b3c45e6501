"""Checks a release folder offline: signature, every file, every name, every format, and what the papers say.

The order is from the outside in, and each stage is entered only if the one before found nothing: names, signature,
bytes, formats, content. So nothing is parsed that is not what was signed. Knows no portal and no network.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from kifabrik.core import digests, model_files
from kifabrik.core.errors import InvalidInput, NotFound
from kifabrik.core.findings import Finding, Severity, has_blocking
from kifabrik.passport import bundle, content, keys, release_folder
from kifabrik.passport.signing import PUBLIC_KEY_NAME, SIGNATURE_NAME

PAPERS = frozenset(
    {
        release_folder.README,
        release_folder.EVALUATION,
        release_folder.MANIFEST,
        release_folder.DATASET_CARD,
        release_folder.RECIPE,
        release_folder.MLBOM,
        release_folder.PASSPORT,
        PUBLIC_KEY_NAME,
    }
)
FINDINGS_MAX = 50
PUBLIC_KEY_BYTES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key that the verifier knows, whose it is, and from when until when it may sign (days, inclusive)."""

    pem: bytes
    owner: str = ""
    valid_from: date | None = None
    valid_until: date | None = None
    revoked_on: date | None = None

    @property
    def key_id(self) -> str:
        """The digest that names the key."""
        return keys.key_id_of(self.pem)


@dataclass(frozen=True, slots=True)
class VerificationReport:
    """What a verification found; genuine only if nothing blocks."""

    folder: str
    findings: tuple[Finding, ...]
    key_id: str = ""
    model_name: str = ""
    release_version: str = ""
    organisation: str = ""
    files: int = 0

    @property
    def is_genuine(self) -> bool:
        """Say whether the folder is what was signed, with a key that was not refused."""
        return not has_blocking(self.findings)

    @property
    def first_fault(self) -> Finding | None:
        """The first thing that makes the release not genuine."""
        return next((each for each in self.findings if each.severity is Severity.BLOCKING), None)


def verify(folder: Path, *, trusted_keys: Sequence[TrustedKey] = ()) -> VerificationReport:
    """Verify a release folder; raises NotFound if there is none, and puts everything else into the report.

    Without trusted keys the key that lies in the folder is used; then the report says that it proves no origin.
    """
    if not folder.is_dir():
        raise NotFound("there is no such folder.", where=str(folder), remedy="Give the folder of a release.")
    found, faults = _walk(folder)
    if faults:
        return VerificationReport(folder=str(folder), findings=faults, files=len(found))
    try:
        signature, key_findings = _check_signature(folder, found, trusted_keys)
        listing = bundle.read_listing(signature, where=SIGNATURE_NAME, signature_name=SIGNATURE_NAME)
    except InvalidInput as error:
        fault = Finding(error.code, Severity.BLOCKING, error.message, error.where, error.remedy)
        return VerificationReport(folder=str(folder), findings=(fault,), files=len(found))
    findings = [*key_findings, *_compare(folder, found, listing)]
    if not has_blocking(findings):
        findings += _check_formats(folder, listing)
    if has_blocking(findings):
        return VerificationReport(str(folder), tuple(findings), signature.key_id, files=len(found))
    return _read_content(folder, listing, signature.key_id, trusted_keys, findings)


def _read_content(
    folder: Path,
    listing: Mapping[str, str],
    key_id: str,
    trusted_keys: Sequence[TrustedKey],
    findings: Sequence[Finding],
) -> VerificationReport:
    """Read the papers of a folder whose bytes are as signed, and compare them with each other."""
    passport, faults = content.check(folder, listing)
    all_findings = [*findings, *faults]
    if passport is None:
        return VerificationReport(str(folder), tuple(all_findings), key_id, files=len(listing) + 1)
    signed_on = content.day_of(passport)
    all_findings += [
        finding for key in trusted_keys if key.key_id == key_id for finding in _check_validity(key, signed_on)
    ]
    return VerificationReport(
        folder=str(folder),
        findings=tuple(all_findings),
        key_id=key_id,
        model_name=passport.model_name,
        release_version=passport.release_version,
        organisation=passport.organisation,
        files=len(listing) + 1,
    )


def _walk(folder: Path) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """List every file by its name in the folder; links, special files and unsafe names are faults."""
    names, faults = [], []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        fault = bundle.name_fault(name)
        if fault:
            faults.append(_block("file.name", ascii(name), f"the name {fault}."))
        elif path.is_symlink() or not (path.is_file() or path.is_dir()):
            faults.append(_block("file.link", name, "is a link or a special file; a release holds plain files only."))
        elif path.is_file():
            names.append(name)
        elif not any(path.iterdir()):
            faults.append(_block("file.unlisted", f"{name}/", "is an empty folder that nobody signed."))
    return tuple(names), tuple(faults[:FINDINGS_MAX])


def _check_signature(
    folder: Path, found: Sequence[str], trusted_keys: Sequence[TrustedKey]
) -> tuple[bundle.Bundle, tuple[Finding, ...]]:
    """Check the signature over the list of files; raises InvalidInput that names what is wrong."""
    for name in (SIGNATURE_NAME, PUBLIC_KEY_NAME):
        if name not in found:
            raise InvalidInput(
                "is missing, so nothing can be verified.",
                where=name,
                remedy="Get the release again from its source.",
                code="signature-missing",
            )
    beside = _read_public_key(folder / PUBLIC_KEY_NAME)
    signature = bundle.parse(_read_start(folder / SIGNATURE_NAME, bundle.BUNDLE_BYTES_MAX + 1), where=SIGNATURE_NAME)
    signed_by_beside = signature.is_signed_by(keys.load_public(beside, where=PUBLIC_KEY_NAME))
    if not signed_by_beside or keys.key_id_of(beside) != signature.key_id:
        # The key beside is wrong if the signature names another one; else the signature itself was changed.
        where = (
            PUBLIC_KEY_NAME if not signed_by_beside and keys.key_id_of(beside) != signature.key_id else SIGNATURE_NAME
        )
        raise InvalidInput(
            "was changed: signature and key do not belong together.",
            where=where,
            remedy="Get the release again from its source.",
            code="signature-wrong",
        )
    return signature, _check_key(signature.key_id, trusted_keys)


def _read_public_key(path: Path) -> bytes:
    """Read the key beside the signature in the one form that it may have, so that no byte of it is free."""
    pem = _read_start(path, PUBLIC_KEY_BYTES_MAX)
    if keys.public_bytes(keys.load_public(pem, where=path.name)) != pem:
        raise InvalidInput("was changed: it is not in the form it was written.", where=path.name, code="key-form")
    return pem


def _read_start(path: Path, size_bytes: int) -> bytes:
    with path.open("rb") as stream:
        return stream.read(size_bytes)


def _check_key(key_id: str, trusted_keys: Sequence[TrustedKey]) -> tuple[Finding, ...]:
    if not trusted_keys:
        message = f"signed with key {key_id}, which nobody vouched for: the files are unchanged since they were signed."
        remedy = "Compare the key with the one that the factory publishes, and give it with --key."
        return (Finding("key.unknown", Severity.WARNING, message, where=PUBLIC_KEY_NAME, remedy=remedy),)
    if key_id not in {key.key_id for key in trusted_keys}:
        message = f"signed with key {key_id}, which is not a key that is trusted here."
        return (_block("key.wrong", SIGNATURE_NAME, message),)
    return ()


def _check_validity(key: TrustedKey, signed_on: date) -> tuple[Finding, ...]:
    """Say whether a known key was valid on the day that the passport gives."""
    findings = []
    if key.revoked_on is not None:
        message = f"the key {key.key_id} was revoked on {key.revoked_on}."
        findings.append(_block("key.revoked", PUBLIC_KEY_NAME, message))
    early = key.valid_from is not None and signed_on < key.valid_from
    late = key.valid_until is not None and signed_on > key.valid_until
    if early or late:
        message = f"the passport is of {signed_on}; the key was valid from {key.valid_from} until {key.valid_until}."
        findings.append(_block("key.expired", PUBLIC_KEY_NAME, message))
    return tuple(findings)


def _compare(folder: Path, found: Sequence[str], listing: Mapping[str, str]) -> list[Finding]:
    """Compare every file with the signed list, in the order of names: changed, missing, unlisted."""
    findings: list[Finding] = []
    for name in sorted({*found, *listing} - {SIGNATURE_NAME}):
        if name not in listing:
            findings.append(_block("file.unlisted", name, "is not in the signed list of files."))
        elif name not in found:
            findings.append(_block("file.missing", name, "is in the signed list, but not in the folder."))
        elif digests.digest_file(folder / name) != listing[name]:
            findings.append(_block("file.changed", name, "was changed after the release was signed."))
        if len(findings) >= FINDINGS_MAX:
            break
    return findings


def _check_formats(folder: Path, listing: Mapping[str, str]) -> list[Finding]:
    """Refuse what a release may not hold even if it was signed: code, pickle, hostile headers, foreign files."""
    findings: list[Finding] = []
    prefix = f"{release_folder.MODEL_FOLDER}/"
    for name in sorted(listing):
        if name.startswith(prefix):
            findings += model_files.check_file(folder / name, name=name)
        elif name not in PAPERS:
            findings.append(_block("file.foreign", name, "is signed, but a release may not hold it."))
    findings += [
        _block("file.missing", name, "is a paper that every release holds.") for name in sorted(PAPERS - {*listing})
    ]
    return findings


def _block(code: str, where: str, message: str) -> Finding:
    remedy = "Do not use it; get the release again from its source."
    return Finding(code=code, severity=Severity.BLOCKING, message=message, where=where, remedy=remedy)
