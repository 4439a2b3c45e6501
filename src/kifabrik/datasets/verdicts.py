"""Turns the counts of a check into findings: what is serious, what stops, what nobody looked at. Knows no file."""

from collections.abc import Iterator

from kifabrik.core.findings import Finding, Severity, sort_by_weight
from kifabrik.core.quantities import format_bytes
from kifabrik.datasets import licences
from kifabrik.datasets.detectors.table import KINDS
from kifabrik.datasets.tally import KindTally, Tally
from kifabrik.records.dataset_card import DeclaredOrigin

HELD_OUT_MIN = 20  # fewer documents give an interval too wide to say anything about a model
TEXT_BYTES_MIN = 100_000

NOT_CHECKED = {
    "names": "names and addresses of persons",
    "national-identifiers": "national identity, tax and VAT numbers, passports, driving licences",
    "national-phones": "telephone numbers in national form, without + and country code",
    "secrets": "passwords, keys and tokens",
    "near-duplicates": "near-duplicates (only exact duplicates are removed)",
    "contamination": "overlap with public evaluation sets",
    "rights": "opt-outs of rights holders, and whether the declared licence and source are true",
    "content": "harmful, illegal, biased or low-quality content",
}


def judge(tally: Tally, *, origin: DeclaredOrigin) -> tuple[Finding, ...]:
    """Give all findings of a check, the heaviest first."""
    found = [
        *_judge_size(tally),
        *_judge_personal_data(tally, origin),
        *_judge_licences(tally, origin),
        *_judge_reading(tally),
        *_name_unchecked(),
    ]
    return sort_by_weight(found)


def _judge_size(tally: Tally) -> Iterator[Finding]:
    if not tally.splits["held-out"]:
        yield Finding(
            code="dataset.held-out.empty",
            severity=Severity.BLOCKING,
            message="No document is held out, so no model trained on this can be tested.",
            remedy="Give at least two different documents and a held-out share above 0.",
        )
    elif tally.splits["held-out"] < HELD_OUT_MIN:
        yield Finding(
            code="dataset.held-out.few",
            severity=Severity.WARNING,
            message=f"Only {tally.splits['held-out']} documents are held out; tests on them will be imprecise.",
            remedy=f"Raise the held-out share, or give more documents, so that it is at least {HELD_OUT_MIN}.",
        )
    if tally.text_bytes < TEXT_BYTES_MIN:
        yield Finding(
            code="dataset.text.little",
            severity=Severity.WARNING,
            message=f"There is only {format_bytes(tally.text_bytes)} of text; a model will learn it by heart.",
            remedy="Give more text.",
        )


def _judge_personal_data(tally: Tally, origin: DeclaredOrigin) -> Iterator[Finding]:
    real = {kind: each for kind, each in sorted(tally.kinds.items()) if each.findings}
    for kind, each in real.items():
        yield _describe_kind(kind, each)
    if real and (origin.personal_data_role in {"none", "unknown"} or not origin.legal_basis.strip()):
        yield Finding(
            code="dataset.personal-data.role-undeclared",
            severity=Severity.WARNING,
            message="Personal data were found, but no role and legal basis for them are declared.",
            where="origin",
            remedy="Declare controller or processor and the legal basis, or take the personal data out.",
            reference="Regulation (EU) 2016/679, Articles 5(2) and 6",
        )
    for kind, each in sorted(tally.kinds.items()):
        if each.examples:
            yield Finding(
                code=f"dataset.examples.{kind}",
                severity=Severity.INFO,
                message=f"{each.examples} {KINDS[kind].label} are examples, not personal data: {KINDS[kind].examples}.",
            )


def _describe_kind(kind: str, tally: KindTally) -> Finding:
    rule = KINDS[kind]
    many = "document" if tally.documents == 1 else "documents"
    more = f" and {tally.documents - len(tally.places)} more" if tally.documents > len(tally.places) else ""
    return Finding(
        code=f"dataset.personal-data.{kind}",
        severity=Severity.SERIOUS if tally.findings >= rule.serious_from else Severity.WARNING,
        message=f"{tally.findings} {rule.label} in {tally.documents} {many}: {', '.join(tally.places)}{more}.",
        where="documents",
        remedy="Take them out of the texts, or let a named person accept with a reason why training on them is right.",
        reference="Regulation (EU) 2016/679, Articles 4(1) and 5(1)(c)",
    )


def _judge_licences(tally: Tally, origin: DeclaredOrigin) -> Iterator[Finding]:
    if licences.is_unknown(origin.licence):
        yield Finding(
            code="dataset.licence.unknown",
            severity=Severity.SERIOUS,
            message="The licence of the texts is not known.",
            where="origin.licence",
            remedy="Declare it as an SPDX identifier, or let a named person accept why training on them is right.",
            reference="Directive (EU) 2019/790, Articles 3 and 4",
        )
    others = sorted(tally.licences.keys() - {origin.licence})
    if others:
        names = ", ".join(f"{name} ({tally.licences[name]})" for name in others[:8])
        yield Finding(
            code="dataset.licence.differs",
            severity=Severity.WARNING,
            message=f"Documents name licences other than the declared {origin.licence}: {names}.",
            where="origin.licence",
            remedy="Check whether these documents may be used on the declared terms.",
        )


def _judge_reading(tally: Tally) -> Iterator[Finding]:
    if tally.skipped:
        first = tally.skipped[0]
        files = "file was" if len(tally.skipped) == 1 else "files were"
        yield Finding(
            code="dataset.files-skipped",
            severity=Severity.WARNING,
            message=f"{len(tally.skipped)} {files} not read, the first is {first.path}: {first.reason}.",
            remedy="Look at the list on the card, and convert what should be part of the dataset.",
        )
    if tally.cut_files:
        yield Finding(
            code="dataset.files-cut",
            severity=Severity.INFO,
            message=f"{tally.cut_files} large text files were cut at line ends into several documents.",
        )
    if tally.empty_documents:
        yield Finding(
            code="dataset.documents-empty",
            severity=Severity.INFO,
            message=f"{tally.empty_documents} documents without any text were left out.",
        )


def _name_unchecked() -> Iterator[Finding]:
    for code, words in NOT_CHECKED.items():
        yield Finding(
            code=f"dataset.not-checked.{code}", severity=Severity.NOT_CHECKED, message=f"Not checked: {words}."
        )
