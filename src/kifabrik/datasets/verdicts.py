"""Turns the counts of a check into findings: what is serious, what stops, what nobody looked at. Knows no file."""

import re
from collections.abc import Iterator

from kifabrik.core.findings import Finding, Severity, sort_by_weight
from kifabrik.core.quantities import format_bytes, format_count
from kifabrik.datasets import kind_names, licences, rights
from kifabrik.datasets.detectors import coverage
from kifabrik.datasets.detectors.table import KINDS
from kifabrik.datasets.opt_outs import OptOuts
from kifabrik.datasets.settings import PlanRecord
from kifabrik.datasets.tally import KindTally, Tally
from kifabrik.records.dataset_card import DeclaredOrigin, SkippedFile

HELD_OUT_MIN = 20  # fewer documents give an interval too wide to say anything about a model
TEXT_BYTES_MIN = 100_000
_NAMES_SERIOUS_FROM = 10

EU_LANGUAGES = frozenset(
    {"bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "ga", "hr"}
    | {"hu", "it", "lt", "lv", "mt", "nl", "pl", "pt", "ro", "sk", "sl", "sv"}
)
_RECORD = re.compile(r":\d+\Z")  # the line or row that a reader names
_NO_LANGUAGE = frozenset({"code", "und", "zxx"})


def judge(tally: Tally, *, plan: PlanRecord, opt_outs: OptOuts) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Give all findings of a check, the heaviest first, and in words what nobody looked at."""
    unchecked = dict(_list_unchecked(tally, plan))
    found = [
        *_judge_size(tally),
        *_judge_personal_data(tally, plan),
        *_judge_licences(tally, plan.origin),
        *rights.judge(tally.rights, opt_outs, origin=plan.origin),
        *_judge_copies(tally),
        *_judge_elsewhere(tally, plan),
        *_judge_reading(tally),
        *(
            Finding(code=f"dataset.not-checked.{code}", severity=Severity.NOT_CHECKED, message=f"Not checked: {words}.")
            for code, words in unchecked.items()
        ),
        *coverage.findings(),
    ]
    gaps = (each.message.removeprefix("Not checked: ").removesuffix(".") for each in coverage.findings())
    return sort_by_weight(found), (*unchecked.values(), *gaps)


def _list_unchecked(tally: Tally, plan: PlanRecord) -> Iterator[tuple[str, str]]:
    settings = plan.settings
    if settings.names == "none":
        yield "names", "names and addresses of persons"
    foreign = sorted(tally.languages.keys() - EU_LANGUAGES - _NO_LANGUAGE)
    if foreign:
        count = sum(tally.languages[each] for each in foreign)
        named = ", ".join(foreign[:8])
        documents = format_count(count, "document of another language", "documents of other languages")
        yield "languages", f"words that announce an identifier, in {documents} ({named})"
    if tally.languages["und"]:
        documents = format_count(tally.languages["und"], "document", "documents")
        yield "undetermined", f"the language of {documents}, which could not be told"
    if tally.files_skipped:
        files = format_count(tally.files_skipped, "file or record", "files or records")
        yield "skipped", f"{files} that could not be read"
    if settings.near_duplicates.action == "off":
        yield "near-duplicates", "near-duplicates (only exact duplicates are removed)"
    if not plan.against:
        yield "elsewhere", "near-duplicates in other datasets (none was named)"
    if not settings.evaluation_sets:
        yield "contamination", "overlap with evaluation sets (none was given)"
    yield "rights", "whether the declared licence and source are true"
    yield "content", "harmful, illegal or biased content"


def _judge_size(tally: Tally) -> Iterator[Finding]:
    if not tally.splits["held-out"]:
        yield Finding(
            code="dataset.held-out.empty",
            severity=Severity.BLOCKING,
            message="No document is held out, so no model trained on this can be tested.",
            remedy="Give at least two different documents and a held-out share above 0.",
        )
    elif tally.splits["held-out"] < HELD_OUT_MIN:
        few = tally.splits["held-out"]
        said = "one document is held out; tests on it" if few == 1 else f"{few} documents are held out; tests on them"
        yield Finding(
            code="dataset.held-out.few",
            severity=Severity.WARNING,
            message=f"Only {said} will be imprecise.",
            remedy=f"Raise the held-out share, or give more documents, so that it is at least {HELD_OUT_MIN}.",
        )
    if tally.text_bytes < TEXT_BYTES_MIN:
        yield Finding(
            code="dataset.text.little",
            severity=Severity.WARNING,
            message=f"There is only {format_bytes(tally.text_bytes)} of text; a model will learn it by heart.",
            remedy="Give more text.",
        )


def _judge_personal_data(tally: Tally, plan: PlanRecord) -> Iterator[Finding]:
    origin = plan.origin
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
        if each.replaced:
            yield Finding(
                code=f"dataset.replaced.{kind}",
                severity=Severity.INFO,
                message=f"{kind_names.count(kind, each.replaced)} {'was' if each.replaced == 1 else 'were'} replaced "
                f"({plan.settings.action}).",
            )
        if each.examples:
            yield Finding(
                code=f"dataset.examples.{kind}",
                severity=Severity.INFO,
                message=f"{kind_names.count(kind, each.examples)} "
                f"{'is an example' if each.examples == 1 else 'are examples'}, not personal data: {_examples(kind)}.",
            )


def _describe_kind(kind: str, tally: KindTally) -> Finding:
    serious_from = KINDS[kind].serious_from if kind in KINDS else _NAMES_SERIOUS_FROM
    documents = format_count(tally.documents, "document", "documents")
    more = f" and {tally.documents - len(tally.places)} more" if tally.documents > len(tally.places) else ""
    return Finding(
        code=f"dataset.personal-data.{kind}",
        severity=Severity.SERIOUS if tally.findings >= serious_from else Severity.WARNING,
        message=f"{kind_names.count(kind, tally.findings)} in {documents}: {', '.join(tally.places)}{more}.",
        where="documents",
        remedy="Take them out of the texts, or let a named person accept with a reason why training on them is right.",
        reference="Regulation (EU) 2016/679, Articles 4(1) and 5(1)(c)",
    )


def _examples(kind: str) -> str:
    return KINDS[kind].examples if kind in KINDS else "names of fiction"


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
    if tally.files_skipped:
        files = format_count(tally.files_skipped, "file or record was", "files or records were")
        yield Finding(
            code="dataset.files-skipped",
            severity=Severity.WARNING,
            message=f"{files} not read{_name_first(tally.skipped[0], tally.files_skipped)}.",
            remedy="Look at the list on the card; convert what should be part of the dataset, or give large files more "
            "time with --parse-seconds.",
        )
    if tally.broken_records:
        where = next((each for each in tally.skipped if _RECORD.search(each.path)), None)
        records = format_count(tally.broken_records, "broken record was", "broken records were")
        yield Finding(
            code="dataset.records-broken",
            severity=Severity.SERIOUS,
            message=f"{records} left out{_name_first(where, tally.broken_records) if where else ''}.",
            where="documents",
            remedy="Mend the files and check them again, or let a named person accept that these records are missing.",
        )
    if tally.cut_files:
        yield Finding(
            code="dataset.files-cut",
            severity=Severity.INFO,
            message=f"{format_count(tally.cut_files, 'large text file was', 'large text files were')} cut at line ends "
            "into several documents.",
        )
    if tally.empty_documents:
        yield Finding(
            code="dataset.documents-empty",
            severity=Severity.INFO,
            message=format_count(
                tally.empty_documents,
                "document without any text was left out.",
                "documents without any text were left out.",
            ),
        )


def _name_first(file: SkippedFile, count: int) -> str:
    return f"{': ' if count == 1 else ', the first is '}{file.path}: {file.reason}"


def _judge_copies(tally: Tally) -> Iterator[Finding]:
    if tally.near_duplicates:
        yield Finding(
            code="dataset.near-duplicates.removed",
            severity=Severity.INFO,
            message=format_count(
                tally.near_duplicates,
                "near-duplicate of another document was left out.",
                "near-duplicates of other documents were left out.",
            ),
        )
    if tally.twins_kept:
        yield Finding(
            code="dataset.near-duplicates.kept",
            severity=Severity.WARNING,
            message=format_count(
                tally.twins_kept,
                "document is a near-duplicate of another and stays, on the same side as that one.",
                "documents are near-duplicates of others and stay, on the same side as these.",
            ),
            remedy="A model learns repeated text by heart; take near-duplicates out unless the repetition is wanted.",
        )
    if tally.touching_documents:
        touching = format_count(tally.touching_documents, "document shares", "documents share")
        yield Finding(
            code="dataset.contamination.removed",
            severity=Severity.INFO,
            message=f"{touching} long runs of words with evaluation texts; left out.",
        )
    if tally.dropped_documents:
        yield Finding(
            code="dataset.dropped",
            severity=Severity.INFO,
            message=format_count(
                tally.dropped_documents,
                "document with personal identifiers was left out.",
                "documents with personal identifiers were left out.",
            ),
        )


def _judge_elsewhere(tally: Tally, plan: PlanRecord) -> Iterator[Finding]:
    if tally.elsewhere_removed:
        yield Finding(
            code="dataset.elsewhere.removed",
            severity=Severity.INFO,
            message=format_count(
                tally.elsewhere_removed,
                "document was left out because another dataset holds it too.",
                "documents were left out because another dataset holds them too.",
            ),
        )
    for other in () if plan.drops_elsewhere else plan.against:
        count = tally.elsewhere[other.label]
        if count:
            twins = format_count(count, "document is a near-duplicate", "documents are near-duplicates")
            yield Finding(
                code="dataset.elsewhere.kept",
                severity=Severity.WARNING,
                message=f"{twins} of documents of the dataset {other.name}.",
                where=f"{other.name} {other.digest[:19]}",
                remedy="Leave them out if both are trained on, or if one tests a model that learnt from the other.",
            )
