"""Writes the README.md of a dataset for the Hugging Face Hub from its card. Types nothing by hand, knows no file."""

from collections.abc import Iterable
from typing import Any

import yaml

from kifabrik.core.findings import Finding, Severity, sort_by_weight
from kifabrik.core.quantities import format_bytes
from kifabrik.passport.dataset_gaps import (
    NOT_STATED,
    collection_period,
    describe_personal_data,
    describe_preprocessing,
    find_gaps,
    spoken_languages,
    stated,
)
from kifabrik.records import DatasetCard
from kifabrik.records.spdx import identifiers_of

FILE_NAME = "README.md"
DOMAINS_SHOWN = 25
_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
    (1_000_000_000, "100M<n<1B"),
    (10_000_000_000, "1B<n<10B"),
)


def render(card: DatasetCard, *, version: str = "", publisher: str = "") -> str:
    """Write the whole README.md: YAML metadata that the Hub reads, then plain sentences."""
    metadata = yaml.safe_dump(_metadata(card, version), sort_keys=False, allow_unicode=True, width=1000)
    sections = (
        _opening(card, version, publisher),
        _origin(card),
        _content(card),
        _persons(card),
        _rights(card),
        _limits(card),
    )
    return f"---\n{metadata}---\n\n" + "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def check(card: DatasetCard) -> tuple[Finding, ...]:
    """Name what a complete card on the Hub would say and this one does not, the heaviest first."""
    return sort_by_weight(find_gaps(card, export="huggingface"))


def _metadata(card: DatasetCard, version: str) -> dict[str, Any]:
    splits = {"train": "train", "held-out": "test"}
    files = [
        {"split": splits[split], "path": [shard.path for shard in card.shards if shard.split == split]}
        for split in dict.fromkeys(shard.split for shard in card.shards)
    ]
    return {
        "pretty_name": card.origin.title,
        **_licence(card.origin.licence),
        **({"language": list(spoken_languages(card))} if spoken_languages(card) else {}),
        "task_categories": ["text-generation"],
        "size_categories": [next((label for limit, label in _SIZES if card.documents_kept < limit), "n>10B")],
        "tags": ["kifabrik", card.origin.source_kind],
        "configs": [{"config_name": "default", "data_files": files}],
        "kifabrik": {
            "dataset_digest": card.dataset_digest,
            **({"version": version} if version else {}),
            "checked_with": card.tool,
            "personal_data_findings": sum(row.findings for row in card.personal_data),
        },
    }


def _licence(declared: str) -> dict[str, Any]:
    """Give the Hub's licence fields: its identifiers are SPDX in small letters, anything else is `other` or unknown."""
    names = [name.lower() for name in identifiers_of(declared)]
    if names:
        return {"license": names if len(names) > 1 else names[0]}
    if declared.strip().lower() in {"", "unknown"}:
        return {"license": "unknown"}
    return {"license": "other", "license_name": declared}


def _opening(card: DatasetCard, version: str, publisher: str) -> list[str]:
    by = f", brought by {_cell(publisher)}" if publisher else ""
    title = f"# {_cell(card.origin.title)}" + (f", version {version}" if version else "")
    size = (
        f"{card.documents_kept:,} texts with {format_bytes(card.text_bytes)}{by}; {card.train_documents:,} to train on "
        f"and {card.held_out_documents:,} held out ({_cell(card.split_rule)})."
    )
    made = (
        f"This card was written from the record of the check ({card.tool}, {card.made_at[:10]}). Every figure was "
        f"measured; what a person declared is marked as declared. Digest of the dataset: `{card.dataset_digest}`."
    )
    return [title, "", size, "", made]


def _origin(card: DatasetCard) -> list[str]:
    origin = card.origin
    rows = {
        "Source": stated(origin.source),
        "Kind of source": origin.source_kind if origin.source_kind != "other" else NOT_STATED,
        "Made by": stated(origin.creator),
        "Address": stated(origin.url),
        "Collected": collection_period(card),
        "Licence": origin.licence if identifiers_of(origin.licence) else stated(origin.licence),
    }
    return ["## Where it comes from (declared)", "", *(f"- {name}: {_cell(value)}" for name, value in rows.items())]


def _content(card: DatasetCard) -> list[str]:
    lines = ["## What is in it", ""]
    lines += _table("language", "texts", card.languages)
    lines += ["", *_table("format", "texts", card.formats)]
    lines += ["", "What was done to the texts:", "", *(f"- {_cell(each)}" for each in describe_preprocessing(card))]
    if card.domains:
        shown = {row.domain: row.text_bytes for row in card.domains[:DOMAINS_SHOWN]}
        more = len(card.domains) - len(shown)
        lines += ["", *_table("domain", "bytes", shown)]
        lines += ["", f"and {more} more domains on the card."] if more else []
    return lines


def _persons(card: DatasetCard) -> list[str]:
    origin = card.origin
    lines = ["## Personal data", "", _cell(describe_personal_data(card)), ""]
    declared = {
        "Role": origin.personal_data_role if origin.personal_data_role != "unknown" else NOT_STATED,
        "Legal basis": stated(origin.legal_basis),
        "Purpose": stated(origin.purpose),
        "Kept until": stated(origin.retention_until),
        "Special categories": origin.special_categories if origin.special_categories != "unknown" else NOT_STATED,
    }
    return [*lines, "Declared:", "", *(f"- {name}: {_cell(value)}" for name, value in declared.items())]


def _rights(card: DatasetCard) -> list[str]:
    lines = ["## Rights", ""]
    named = ", ".join(f"{name} ({count})" for name, count in sorted(card.licences_detected.items())) or "none"
    lines.append(f"Licences that texts name themselves: {_cell(named)}.")
    if card.rights is None:
        return [*lines, "Opt-outs of rights holders (robots.txt, TDMRep, ai.txt) were not looked at."]
    rights = card.rights
    lines.append(
        f"Opt-outs were looked at for {rights.documents_judged:,} of {rights.documents_with_address:,} texts with an "
        f"address; {rights.reserved_documents:,} kept texts are reserved, {rights.removed_documents:,} were left out."
    )
    return lines


def _limits(card: DatasetCard) -> list[str]:
    lines = ["## Limits", ""]
    serious = [row.message for row in card.findings if row.severity in {Severity.SERIOUS, Severity.BLOCKING}]
    lines += [*(f"- {_cell(text)}" for text in serious)]
    lines += [f"- Not checked: {_cell(words)}" for words in card.not_checked]
    return lines if len(lines) > 2 else [*lines, "The check names no limit."]


def _table(head: str, amount: str, counts: dict[str, int]) -> Iterable[str]:
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    return [f"| {head} | {amount} |", "|---|---|", *(f"| {_cell(name)} | {count:,} |" for name, count in rows)]


def _cell(text: str) -> str:
    """Make a text safe inside a table or a list: one line, no cell border, no markup of its own."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
