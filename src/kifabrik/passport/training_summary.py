"""Fills the sections of the EU public summary of training content that come from data, each figure from a card.

What no card says is written as "not stated" and told by a finding; nothing here claims that a duty is met. Knows the
template of 24 July 2025 as reference data (`reference/training_summary.yaml`), no file.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from kifabrik.core.findings import Finding, Severity, sort_by_weight
from kifabrik.core.quantities import format_bytes
from kifabrik.passport.completeness import size_band
from kifabrik.passport.dataset_gaps import (
    NOT_STATED,
    collection_period,
    describe_personal_data,
    describe_preprocessing,
    spoken_languages,
    stated,
)
from kifabrik.passport.reference import law
from kifabrik.passport.summary_domains import domain_rows
from kifabrik.passport.summary_template import SummaryTemplate, summary_template
from kifabrik.records import DatasetCard

FILE_NAME = "public-training-summary.md"
NOT_USED = "no; no dataset of this kind was used"
_BYTES_PER_TOKEN = 4  # a rough mean of byte-level tokenizers on European text; only for an estimate that says so


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryMatter:
    """What a summary is written from; the data are known, of provider and model only what somebody states."""

    cards: Sequence[DatasetCard]
    provider: str = ""
    model: str = ""
    is_sme: bool | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One question of a section and what can be said; `gap` names the finding where nothing can be said."""

    asks: str
    says: str
    gap: str = ""
    remedy: str = ""

    @property
    def line(self) -> str:
        """Write the answer as an item of a list."""
        return f"- {self.asks}: {_cell(self.says)}"


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the template with its answers, and tables that stand below them."""

    number: str
    title: str
    answers: tuple[Answer, ...]
    tables: tuple[tuple[str, ...], ...] = ()


def summarise(matter: SummaryMatter) -> tuple[Section, ...]:
    """Fill every section of the template, in its order."""
    if not matter.cards:
        raise ValueError("a summary is written from at least one card")
    return tuple(_FILL[row.number](matter, row.number, row.title) for row in summary_template().sections)


def check(matter: SummaryMatter) -> tuple[Finding, ...]:
    """Name every gap of the summary, the heaviest first, each with what to do."""
    template = summary_template()
    reference = f"{template.article} ({template.template}; checked {template.checked_on}, grade {template.grade})"
    found = [
        Finding(
            code=f"summary.{answer.gap}",
            severity=Severity.WARNING,
            message=f"Section {section.number} ({section.title}): not stated: {answer.asks}.",
            where=f"section {section.number}",
            remedy=answer.remedy,
            reference=reference,
        )
        for section in summarise(matter)
        for answer in section.answers
        if answer.gap
    ]
    return sort_by_weight(found)


def render(matter: SummaryMatter) -> str:
    """Write the summary as Markdown: the template's numbers, the answers, and which of them are missing."""
    template = summary_template()
    after = (
        f"After: {template.template} ({template.article}). Written from the dataset cards named in section 2; a draft "
        f"for the provider to complete. Template as known on {template.checked_on}, grade {template.grade}: "
        f"{template.source}."
    )
    lines = ["# Public summary of training content", "", after, "", _describe_size_of_provider(matter, template)]
    chapter = ""
    for section in summarise(matter):
        if section.number[0] != chapter:
            chapter = section.number[0]
            lines += ["", f"## {chapter}. {_CHAPTERS[chapter]}"]
        lines += ["", f"### {section.number} {section.title}", ""]
        lines += [answer.line for answer in section.answers]
        for table in section.tables:
            lines += ["", *table]
    gaps = check(matter)
    lines += ["", f"## Not stated ({len(gaps)})", ""]
    lines += [f"- {_cell(row.message)} {_cell(row.remedy)}".rstrip() for row in gaps] or ["- nothing"]
    return "\n".join(lines) + "\n"


_CHAPTERS = {"1": "General information", "2": "List of data sources", "3": "Data processing aspects"}


def _describe_size_of_provider(matter: SummaryMatter, template: SummaryTemplate) -> str:
    rule = (
        f"A small or medium-sized enterprise lists {template.domain_percent_sme.value} % of the crawled domain names, "
        f"or {template.domains_sme_max.value:,} if that is fewer; others list {template.domain_percent.value} %."
    )
    said = {True: "It was applied.", False: "It does not apply.", None: "Whether the provider is one is not stated."}
    return f"Note for SMEs: {rule} {said[matter.is_sme]}"


def _provider(matter: SummaryMatter, number: str, title: str) -> Section:
    return Section(
        number,
        title,
        (
            _declared("name and contact of the provider", matter.provider, "1-1.provider", "Name it with --provider."),
            _declared(
                "authorised representative in the Union", "", "1-1.representative", "Add it, or write “not applicable”."
            ),
        ),
    )


def _model(matter: SummaryMatter, number: str, title: str) -> Section:
    return Section(
        number,
        title,
        (
            _declared("versioned names of the models", matter.model, "1-2.model", "Name it with --model."),
            _declared("models it was made from", "", "1-2.dependencies", "The passport of a release names them."),
            _declared("date of placing on the Union market", "", "1-2.date", "Add the day of the release."),
        ),
    )


def _modalities(matter: SummaryMatter, number: str, title: str) -> Section:
    size = sum(card.text_bytes for card in matter.cards)
    formats = sorted({name for card in matter.cards for name in card.formats})
    latest = max((card.origin.collected_to for card in matter.cards), default="")
    languages = list(dict.fromkeys(code for card in matter.cards for code in spoken_languages(card)))
    return Section(
        number,
        title,
        (
            Answer("modalities", "text"),
            _describe_size(size),
            Answer("types of content", "texts from files of the kinds " + ", ".join(formats)),
            _declared("latest date of collection", latest, "1-3.latest", "Declare it with --collected-to."),
            Answer("languages, the largest first", ", ".join(languages) or NOT_STATED),
            Answer("other characteristics", f"{sum(card.documents_kept for card in matter.cards):,} documents"),
        ),
    )


def _describe_size(size_bytes: int) -> Answer:
    """Name the size band; a token holds at least one byte, so few bytes give a certain band, many an estimate."""
    words = f"{format_bytes(size_bytes)} of text"
    bands = law().size_bands
    if bands[0].tokens_below is not None and size_bytes < bands[0].tokens_below:
        return Answer("size", f"{bands[0].label} ({words}; a token holds at least one byte)")
    band = size_band(size_bytes // _BYTES_PER_TOKEN, reference=law())
    return Answer("size", f"{band} (estimated from {words} with {_BYTES_PER_TOKEN} bytes a token)")


def _source(kind: str) -> Callable[[SummaryMatter, str, str], Section]:
    """Make the filler of a section that lists the datasets of one kind of source."""

    def fill(matter: SummaryMatter, number: str, title: str) -> Section:
        cards = [card for card in matter.cards if card.origin.source_kind == kind]
        if not cards:
            return Section(number, title, (Answer("used", NOT_USED),))
        answers = [Answer("used", "yes"), Answer("modalities", "text")]
        whole = sum(card.text_bytes for card in matter.cards)
        for card in cards:
            answers += _describe_dataset(card, number, whole)
        return Section(number, title, tuple(answers))

    return fill


def _describe_dataset(card: DatasetCard, number: str, whole_bytes: int) -> Iterator[Answer]:
    share = 100 * card.text_bytes / max(1, whole_bytes)
    limit = summary_template().large_dataset_percent.value
    large = "large" if share > limit else f"not above {limit} % of the text"
    yield Answer("dataset", f"{card.origin.title} ({card.dataset_digest}), {share:.0f} % of the text, {large}")
    code = f"{number.replace('.', '-')}"
    yield _declared("link", card.origin.url, f"{code}.link", "Declare it with --url.")
    period = collection_period(card)
    yield Answer(
        "collection period",
        period,
        gap=f"{code}.period" if NOT_STATED in period else "",
        remedy="Declare it with --collected-from and --collected-to.",
    )
    yield Answer("description", card.origin.source)
    if card.licences_declared:
        named = ", ".join(f"{name} ({count:,})" for name, count in sorted(card.licences_declared.items()))
        yield Answer("licences that columns name, with documents", named)
    licence = "" if card.origin.licence.strip().lower() == "unknown" else card.origin.licence
    yield _declared("licence", licence, f"{code}.licence", "Declare it with --licence.")


def _crawled(matter: SummaryMatter, number: str, title: str) -> Section:
    base = _source("crawled")(matter, number, title)
    cards = [card for card in matter.cards if card.origin.source_kind == "crawled"]
    if not cards:
        return base
    rows, complete = domain_rows(cards, is_sme=matter.is_sme)
    crawler = (
        _declared("names of the crawlers", "", "2-3.crawlers", "Add the names under which pages were fetched."),
        _declared("purposes of the crawlers", "", "2-3.purposes", "Add what they were used for."),
        _declared(
            "behaviour of the crawlers", "", "2-3.behaviour", "Add how captchas, paywalls and robots.txt were met."
        ),
        Answer(
            "most relevant domain names",
            f"{len(rows)} are listed below, the largest by content first" if rows else NOT_STATED,
            gap="" if rows and complete else "2-3.domains",
            remedy="Keep the address of each page in a column 'url' and check the dataset again."
            if not rows
            else "The card names the thousand largest domains only; list the others from your crawler's records.",
        ),
    )
    table = ("| domain | bytes |", "|---|---|", *(f"| {_cell(name)} | {size:,} |" for name, size in rows))
    return Section(number, title, (*base.answers, *crawler), (table,) if rows else ())


def _user(matter: SummaryMatter, number: str, title: str) -> Section:
    base = _source("user")(matter, number, title)
    if base.answers[0].says == NOT_USED:
        return base
    which = _declared(
        "from interactions with the provider's models, or from its other services",
        "",
        "2-4.services",
        "Add which services the data come from.",
    )
    return Section(number, title, (*base.answers, which))


def _synthetic(matter: SummaryMatter, number: str, title: str) -> Section:
    base = _source("synthetic")(matter, number, title)
    if base.answers[0].says == NOT_USED:
        return base
    which = _declared(
        "models that made the data", "", "2-5.models", "Add the names of the models that wrote the texts."
    )
    return Section(number, title, (*base.answers, which))


def _other(matter: SummaryMatter, number: str, title: str) -> Section:
    """Own texts and what nobody gave a kind; the latter is a gap, because it may belong into another section."""
    cards = [card for card in matter.cards if card.origin.source_kind in {"own", "other"}]
    if not cards:
        return Section(number, title, (Answer("used", NOT_USED),))
    whole = sum(card.text_bytes for card in matter.cards)
    answers = [Answer("used", "yes"), Answer("modalities", "text")]
    for card in cards:
        answers += _describe_dataset(card, number, whole)
        kind = "texts of the provider" if card.origin.source_kind == "own" else ""
        answers.append(
            _declared(
                "kind of source", kind, "2-6.kind", "Declare it with --source-kind, so that its section is right."
            )
        )
    return Section(number, title, tuple(answers))


def _reservations(matter: SummaryMatter, number: str, title: str) -> Section:
    judged = [card.rights for card in matter.cards if card.rights is not None]
    if judged:
        looked = sum(row.documents_judged for row in judged)
        removed, kept = sum(row.removed_documents for row in judged), sum(row.reserved_documents for row in judged)
        says = (
            f"files of opt-outs (robots.txt, TDMRep, ai.txt) were compared with {looked:,} documents; "
            f"{removed:,} reserved ones were left out, {kept:,} were kept"
        )
        measures = Answer("measures against mining reserved content", says)
    else:
        remedy = "Give the files with --opt-outs and check the dataset again."
        measures = _declared("measures against mining reserved content", "", "3-1.measures", remedy)
    return Section(
        number,
        title,
        (
            _declared("signatory of the Code of Practice", "", "3-1.code", "Add yes or no."),
            measures,
            Answer(
                "evidence",
                f"{sum(len(card.opt_outs) for card in matter.cards):,} files with day and digest on the card",
            ),
        ),
    )


def _illegal(_matter: SummaryMatter, number: str, title: str) -> Section:
    remedy = "State what was done; the check does not look for illegal content."
    return Section(number, title, (_declared("measures against illegal content", "", "3-2.measures", remedy),))


def _more(matter: SummaryMatter, number: str, title: str) -> Section:
    answers = []
    for card in matter.cards:
        answers += [Answer("personal data", describe_personal_data(card))]
        answers += [Answer("preparation", line) for line in describe_preprocessing(card)]
        answers += [Answer("not checked", words) for words in card.not_checked]
        answers += [Answer("purpose of processing personal data", stated(card.origin.purpose))]
    return Section(number, title, tuple(answers))


def _declared(asks: str, says: str, gap: str, remedy: str) -> Answer:
    """Write what somebody declared, or that nobody did."""
    if says.strip():
        return Answer(asks, says)
    return Answer(asks, NOT_STATED, gap=gap, remedy=remedy)


def _cell(text: str) -> str:
    """Make a text safe inside a list or a table: one line, no cell border, no markup of its own."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


_FILL: dict[str, Callable[[SummaryMatter, str, str], Section]] = {
    "1.1": _provider,
    "1.2": _model,
    "1.3": _modalities,
    "2.1": _source("public"),
    "2.2.1": _source("licensed"),
    "2.2.2": lambda _matter, number, title: Section(number, title, (Answer("used", NOT_USED),)),
    "2.3": _crawled,
    "2.4": _user,
    "2.5": _synthetic,
    "2.6": _other,
    "3.1": _reservations,
    "3.2": _illegal,
    "3.3": _more,
}
