"""Says for each thing that an article asks for whether the records hold evidence. Never says that a duty is met.

What is asked, by whom, and which field speaks to it is reference data (`reference/articles.yaml`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kifabrik.core.findings import Finding, Severity
from kifabrik.passport.papers import ReleasePapers
from kifabrik.passport.reference import Item, Law

NO_VALUE: tuple[Any, ...] = (None, "", "unknown", (), [], {})


def check(papers: ReleasePapers, *, reference: Law, now: datetime) -> tuple[Finding, ...]:
    """Find evidence and gaps: one finding per item of the reference data, then compute, energy and decision."""
    document = _as_document(papers, now)
    return (
        *(_check_item(item, document) for item in reference.items),
        *_check_compute(papers, reference),
        *_check_energy(papers),
        *_check_award(papers),
    )


def size_band(tokens: int, *, reference: Law) -> str:
    """Name the size band of the public training summary that a number of training tokens falls into."""
    for band in reference.size_bands:
        if band.tokens_below is None or tokens < band.tokens_below:
            return band.label
    raise ValueError("the last size band of the reference data must be open")


def _as_document(papers: ReleasePapers, now: datetime) -> Mapping[str, Any]:
    return {
        "model_name": papers.model_name,
        "release_version": papers.release_version,
        "made_at": now.isoformat(),
        "organisation": papers.organisation,
        "dataset": papers.dataset.model_dump(mode="json"),
        "run": papers.run.model_dump(mode="json"),
    }


def _check_item(item: Item, document: Mapping[str, Any]) -> Finding:
    reference = f"{item.article} ({item.source.title}; checked {item.source.checked_on}, grade {item.source.grade})"
    code = f"evidence.{item.id}"
    excused = any(_look_up(path, document) == value for path, value in item.unless.items())
    if excused:
        message = f"{item.article}: not applicable as declared ({item.asks})."
        return Finding(code, Severity.INFO, message, where=", ".join(item.unless), reference=reference)
    if not item.fields:
        message = f"{item.article}: no evidence; no record speaks to it ({item.asks})."
        return Finding(code, Severity.NOT_CHECKED, message, remedy=item.instead, reference=reference)
    missing = [path for path in item.fields if _look_up(path, document) in NO_VALUE]
    if missing:
        message = f"{item.article}: evidence is incomplete ({item.asks}); empty: {', '.join(missing)}."
        remedy = "Fill these in before the next run; they are not typed into a passport afterwards."
        return Finding(code, Severity.WARNING, message, ", ".join(missing), remedy, reference)
    message = f"Evidence for {item.article}: {item.asks}. {item.note}".strip()
    return Finding(code, Severity.INFO, message, where=", ".join(item.fields), reference=reference)


def _look_up(path: str, document: Mapping[str, Any]) -> Any:
    value: Any = document
    for step in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value


def _check_compute(papers: ReleasePapers, reference: Law) -> tuple[Finding, ...]:
    """Compare the training compute with each threshold, and say where the one-third rule would stand."""
    if papers.run.compute is None:
        message = "The run recorded no training compute, so no threshold could be compared."
        return (Finding("compute.not-recorded", Severity.NOT_CHECKED, message, where="run.compute"),)
    flop = papers.run.compute.flop
    findings = []
    for row in reference.thresholds:
        above = flop > row.flop
        relation = "is above" if above else "is not above"
        message = f"Training compute of {flop:.2e} FLOP {relation} {row.flop:.0e} FLOP, which {row.means}."
        severity = Severity.SERIOUS if above else Severity.INFO
        remedy = "Have the duties that follow assessed before the release." if above else ""
        source = f"{row.article} (checked {row.source.checked_on}, grade {row.grade})"
        findings.append(Finding(f"compute.{row.id}", severity, message, "run.compute.flop", remedy, source))
    share = reference.modification
    message = (
        "The model was trained from random weights, so no other provider's model was changed. For whoever changes this "
        f"one: {share.numerator}/{share.denominator} of its compute is "
        f"{flop * share.numerator / share.denominator:.2e} FLOP; {share.means}."
    )
    source = f"{share.article} (checked {share.source.checked_on}, grade {share.grade})"
    findings.append(Finding("compute.modification", Severity.INFO, message, "run.compute.flop", "", source))
    return tuple(findings)


def _check_energy(papers: ReleasePapers) -> tuple[Finding, ...]:
    energy = papers.run.energy
    if energy is None or energy.method_class == "measured":
        return ()
    message = f"The energy of {energy.watt_hours:.3g} Wh is {energy.method_class}, not measured: {energy.method}."
    return (Finding("energy.quality", Severity.WARNING, message, where="run.energy"),)


def _check_award(papers: ReleasePapers) -> tuple[Finding, ...]:
    if papers.award is not None:
        return ()
    message = "The run was made without a portal: no award, allocation or ledger entry stands behind it."
    return (Finding("award.none", Severity.WARNING, message, where="award"),)
