"""Writes a dataset card as Croissant metadata (MLCommons, version 1.0) with its fields for responsible AI.

Every value comes from the card; what the card does not say is left out and told by `check`. Knows no file.
"""

from typing import Any

from kifabrik.core.findings import Finding, sort_by_weight
from kifabrik.passport.dataset_gaps import (
    describe_personal_data,
    describe_preprocessing,
    find_gaps,
    spoken_languages,
)
from kifabrik.records import DatasetCard
from kifabrik.records.spdx import identifiers_of

FILE_NAME = "croissant.json"
CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
_COLUMNS = {
    "id": "digest of the text",
    "source": "file and record that the text came from",
    "text": "the text",
    "format": "suffix of the file it came from",
}
_COLLECTION_TYPES = {
    "public": "Secondary data analysis",
    "licensed": "Secondary data analysis",
    "crawled": "Web Scraping",
    "user": "User generated content",
    "synthetic": "Synthetic data",
    "own": "Own texts",
    "other": "Others",
}
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def render(card: DatasetCard, *, version: str = "", publisher: str = "") -> dict[str, Any]:
    """Write the metadata as JSON-LD; `version` and `publisher` are known where the dataset is registered."""
    origin = card.origin
    document: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": card.name,
        "alternateName": origin.title,
        "description": _describe(card),
        "license": [f"https://spdx.org/licenses/{name}" for name in identifiers_of(origin.licence)],
        "url": origin.url,
        "creator": {"@type": "sc:Organization", "name": origin.creator} if origin.creator else None,
        "publisher": {"@type": "sc:Organization", "name": publisher} if publisher else None,
        "version": version,
        "datePublished": card.made_at[:10],
        "inLanguage": list(spoken_languages(card)),
        "keywords": ["text", "language modelling", origin.source_kind],
        "citeAs": f"{origin.creator or publisher or 'unknown'}: {origin.title}. {card.dataset_digest}",
        "isLiveDataset": False,
        **_describe_responsibly(card),
        "distribution": [*_list_files(card), *_list_sets(card)],
        "recordSet": [_describe_rows(split) for split in _splits(card)],
    }
    return {key: value for key, value in document.items() if value not in (None, "", [])}


def check(card: DatasetCard) -> tuple[Finding, ...]:
    """Name what a complete Croissant record would say and this card does not, the heaviest first."""
    return sort_by_weight(find_gaps(card, export="croissant"))


def _describe(card: DatasetCard) -> str:
    return (
        f"{card.origin.title}: {card.documents_kept} texts with {card.text_bytes} bytes, checked by {card.tool}. "
        f"Source: {card.origin.source}. {card.train_documents} texts to train on, {card.held_out_documents} held out."
    )


def _describe_responsibly(card: DatasetCard) -> dict[str, Any]:
    """Fill the fields for responsible AI (Croissant RAI 1.0) from what was declared and measured."""
    origin = card.origin
    limits = [f"Not checked: {words}." for words in card.not_checked]
    limits += [finding.message for finding in card.findings if finding.severity in {"serious", "blocking"}]
    return {
        "rai:dataCollection": origin.source,
        "rai:dataCollectionType": _COLLECTION_TYPES[origin.source_kind],
        "rai:dataCollectionTimeFrame": [day for day in (origin.collected_from, origin.collected_to) if day],
        "rai:dataCollectionMissingData": f"{card.files_skipped} files were not read." if card.files_skipped else "",
        "rai:dataPreprocessingProtocol": list(describe_preprocessing(card)),
        "rai:dataLimitations": limits,
        "rai:dataUseCases": "Training and testing of language models.",
        "rai:personalSensitiveInformation": _describe_persons(card),
    }


def _describe_persons(card: DatasetCard) -> list[str]:
    origin = card.origin
    lines = [describe_personal_data(card)]
    if origin.special_categories != "unknown":
        lines.append(f"Special categories of personal data, as declared: {origin.special_categories}.")
    if origin.personal_data_role != "unknown":
        basis = f", legal basis {origin.legal_basis}" if origin.legal_basis else ""
        lines.append(f"Role for personal data, as declared: {origin.personal_data_role}{basis}.")
    return lines


def _splits(card: DatasetCard) -> tuple[str, ...]:
    return tuple(dict.fromkeys(shard.split for shard in card.shards))


def _list_files(card: DatasetCard) -> list[dict[str, Any]]:
    return [
        {
            "@type": "cr:FileObject",
            "@id": shard.path,
            "name": shard.path,
            "description": f"{shard.documents} documents of the split {shard.split}",
            "contentUrl": shard.path,
            "contentSize": f"{shard.size_bytes} B",
            "encodingFormat": "application/x-parquet",
            "sha256": shard.digest.removeprefix("sha256:"),
        }
        for shard in card.shards
    ]


def _list_sets(card: DatasetCard) -> list[dict[str, Any]]:
    return [
        {
            "@type": "cr:FileSet",
            "@id": f"{split}-shards",
            "name": f"{split}-shards",
            "description": f"all shards of the split {split}",
            "encodingFormat": "application/x-parquet",
            "includes": [shard.path for shard in card.shards if shard.split == split],
        }
        for split in _splits(card)
    ]


def _describe_rows(split: str) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": split,
        "name": split,
        "description": f"one text in a row, split {split}",
        "key": {"@id": f"{split}/id"},
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{split}/{name}",
                "name": name,
                "description": words,
                "dataType": "sc:Text",
                "source": {"fileSet": {"@id": f"{split}-shards"}, "extract": {"column": name}},
            }
            for name, words in _COLUMNS.items()
        ],
    }
