"""Compares the papers in a release folder with each other and with the model. Knows no signature.

A signature proves who vouches for the papers; this shows that they do not contradict each other.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path

from kifabrik.core import digests
from kifabrik.core.errors import KifabrikError
from kifabrik.core.findings import Finding, Severity
from kifabrik.passport import gate, release_folder
from kifabrik.passport.papers import ReleasePapers, require_agreement
from kifabrik.passport.signing import PUBLIC_KEY_NAME
from kifabrik.records import DatasetCard, EvaluationReport, Passport, Recipe, RunManifest, Verdict


def check(folder: Path, listing: Mapping[str, str]) -> tuple[Passport | None, tuple[Finding, ...]]:
    """Read the passport and compare everything it says with the papers and the signed list of files."""
    try:
        passport = Passport.read(folder / release_folder.PASSPORT)
        day_of(passport)
    except (KifabrikError, ValueError, OSError) as error:
        return None, (_contradict(release_folder.PASSPORT, f"cannot be read: {error}"),)
    return passport, (
        *_check_files(passport, listing),
        *_check_papers(folder, passport),
        *_check_agreement(passport),
        *_check_model(passport, listing),
        *_check_gate(passport),
    )


def day_of(passport: Passport) -> date:
    """Give the day on which a passport was made."""
    return datetime.fromisoformat(passport.made_at).date()


def _check_files(passport: Passport, listing: Mapping[str, str]) -> Iterator[Finding]:
    """The passport's own list must name every signed file but itself and the key, with the same digest."""
    signed = {
        name: digest for name, digest in listing.items() if name not in (release_folder.PASSPORT, PUBLIC_KEY_NAME)
    }
    for name in sorted({*signed, *passport.files}):
        if signed.get(name) != passport.files.get(name):
            yield _contradict(release_folder.PASSPORT, f"names another content for {name} than the signature does.")


def _check_papers(folder: Path, passport: Passport) -> Iterator[Finding]:
    """Each paper beside the passport must be the one inside it."""
    pairs = (
        (release_folder.EVALUATION, EvaluationReport, passport.evaluation),
        (release_folder.MANIFEST, RunManifest, passport.run),
        (release_folder.DATASET_CARD, DatasetCard, passport.dataset),
        (release_folder.RECIPE, Recipe, passport.run.recipe),
    )
    for name, kind, inside in pairs:
        try:
            beside = kind.read(folder / name)
        except (KifabrikError, OSError) as error:
            yield _contradict(name, f"cannot be read: {error}")
            continue
        if beside.digest() != inside.digest():
            yield _contradict(name, "is not the paper that the passport holds.")


def _check_agreement(passport: Passport) -> Iterator[Finding]:
    papers = ReleasePapers(
        model_name=passport.model_name,
        release_version=passport.release_version,
        organisation=passport.organisation,
        dataset=passport.dataset,
        run=passport.run,
        evaluation=passport.evaluation,
    )
    try:
        require_agreement(papers)
    except KifabrikError as error:
        yield _contradict(release_folder.PASSPORT, error.message)
    if digests.digest_listing({each.path: each.digest for each in passport.dataset.shards}) != (
        passport.dataset.dataset_digest
    ):
        yield _contradict(release_folder.DATASET_CARD, "its digest does not fit its own list of files.")


def _check_model(passport: Passport, listing: Mapping[str, str]) -> Iterator[Finding]:
    prefix = f"{release_folder.MODEL_FOLDER}/"
    files = {name.removeprefix(prefix): digest for name, digest in listing.items() if name.startswith(prefix)}
    model = passport.run.model
    if model is None or files != model.files or digests.digest_listing(files) != model.model_digest:
        yield _contradict(release_folder.MODEL_FOLDER, "is not the model that the run recorded and the tests judged.")


def _check_gate(passport: Passport) -> Iterator[Finding]:
    """Judge the gate again from the evaluation and the waivers, on the day of the passport."""
    again = gate.judge(passport.evaluation, waivers=passport.gate.waivers, today=day_of(passport))
    if again.verdict is not passport.gate.verdict:
        yield _contradict(
            release_folder.PASSPORT, f"says the gate is {passport.gate.verdict}; its own tests make it {again.verdict}."
        )
    elif again.verdict is not Verdict.GREEN:
        yield Finding(
            "gate.red",
            Severity.SERIOUS,
            f"the gate is red: {', '.join(gate.red_tests(passport.evaluation))}.",
            where=release_folder.PASSPORT,
            remedy="Do not rely on the model before you have read why.",
        )
    for waiver in passport.gate.waivers:
        yield Finding(
            f"gate.{waiver.test}.waived",
            Severity.WARNING,
            f"{waiver.by} answers for the test “{waiver.test}” until {waiver.expires_on}: {waiver.reason}",
            where=release_folder.PASSPORT,
        )


def _contradict(where: str, message: str) -> Finding:
    remedy = "Do not use it; ask the factory that signed it."
    return Finding("content.contradiction", Severity.BLOCKING, message, where=where, remedy=remedy)
