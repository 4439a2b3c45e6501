"""What is written from a dataset card: Croissant that mlcroissant reads, a card for the Hub, the EU public summary."""

import hashlib
import json
import logging

import mlcroissant
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from kifabrik.core.findings import Finding, Severity
from kifabrik.passport import croissant, dataset_readme, training_summary
from kifabrik.passport.dataset_exports import ExportMatter, export
from kifabrik.passport.export_format import ExportFormat
from kifabrik.passport.summary_domains import domains_to_list
from kifabrik.passport.summary_template import summary_template
from kifabrik.passport.training_summary import SummaryMatter
from kifabrik.records import DatasetCard

FULL = {
    "title": "Letters | to <customers>",
    "licence": "CC-BY-4.0",
    "source": "our desk",
    "source_kind": "crawled",
    "creator": "Muster GmbH",
    "url": "https://muster.example/letters",
    "collected_from": "2025-01-01",
    "collected_to": "2025-12-31",
    "personal_data_role": "controller",
    "legal_basis": "6(1)(f)",
    "purpose": "a model that answers letters",
    "retention_until": "2027-12-31",
    "special_categories": "none",
}
BARE = {"title": "Letters", "licence": "unknown", "source": "our desk"}


@pytest.fixture
def folder(tmp_path):
    """A dataset folder with real shards, so that a reader of Croissant has something to read."""
    for name in ("train-00000", "train-00001", "held-out-00000"):
        rows = {key: [f"{key} {name} {number}" for number in range(3)] for key in ("id", "source", "text", "format")}
        pq.write_table(pa.table(rows), tmp_path / f"{name}.parquet")
    return tmp_path


@pytest.fixture
def make_card(folder):
    def make(origin=FULL, **changes) -> DatasetCard:
        shards = [
            {
                "path": path.name,
                "digest": "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest(),
                "size_bytes": path.stat().st_size,
                "documents": 3,
                "split": "held-out" if path.name.startswith("held") else "train",
            }
            for path in sorted(folder.glob("*.parquet"))
        ]
        fields = {
            "name": "letters",
            "dataset_digest": "sha256:" + "a" * 64,
            "made_at": "2026-11-24T10:00:00+00:00",
            "tool": "kifabrik 0",
            "origin": origin,
            "files_read": 3,
            "files_skipped": 1,
            "skipped": [{"path": "logo.png", "reason": "not a text"}],
            "documents_read": 12,
            "documents_kept": 9,
            "exact_duplicates_removed": 3,
            "text_bytes": 123_456,
            "train_documents": 6,
            "held_out_documents": 3,
            "split_rule": "by document",
            "languages": {"de": 5, "en": 3, "und": 1},
            "formats": {"txt": 9},
            "licences_detected": {"MIT": 2},
            "personal_data": [{"kind": "email", "findings": 4, "documents": 2}],
            "findings": [Finding("dataset.x", Severity.SERIOUS, "Something serious.")],
            "not_checked": ["names of persons"],
            "domains": [{"domain": f"d{n}.org", "documents": 1, "text_bytes": 1000 - n} for n in range(20)],
            "domains_count": 20,
            "rights": {
                "documents_with_address": 9,
                "documents_judged": 7,
                "reserved_documents": 2,
                "reserved_bytes": 99,
                "removed_documents": 1,
            },
            "shards": shards,
        }
        return DatasetCard.model_validate({**fields, **changes})

    return make


def read_croissant(folder, card, **known):
    (folder / "croissant.json").write_text(json.dumps(croissant.render(card, **known)))
    logging.disable(logging.WARNING)  # what mlcroissant only warns of is asserted below
    try:
        return mlcroissant.Dataset(str(folder / "croissant.json"))
    finally:
        logging.disable(logging.NOTSET)


# ---- Croissant -------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_a_full_card_is_valid_croissant_and_its_rows_are_read(folder, make_card) -> None:
    dataset = read_croissant(folder, make_card(), version="3", publisher="Muster GmbH")

    assert not dataset.metadata.ctx.issues.errors
    assert not dataset.metadata.ctx.issues.warnings
    rows = list(dataset.records("train"))
    assert len(rows) == 6
    assert rows[0]["train/text"] == b"text train-00000 0"
    assert len(list(dataset.records("held-out"))) == 3


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_a_bare_card_is_valid_for_mlcroissant_but_not_complete_for_us(folder, make_card) -> None:
    card = make_card(BARE, languages={"und": 9})

    dataset = read_croissant(folder, card)

    assert not dataset.metadata.ctx.issues.errors
    assert [row.code for row in croissant.check(card)] == [
        "croissant.missing.licence",
        "croissant.missing.creator",
        "croissant.missing.collection-period",
        "croissant.missing.source-kind",
        "croissant.missing.special-categories",
        "croissant.missing.languages",
    ]
    assert croissant.check(card)[0].severity is Severity.SERIOUS
    assert all(row.remedy and row.where for row in croissant.check(card))
    assert "license" not in croissant.render(card)


def test_a_full_card_leaves_nothing_unsaid(make_card) -> None:
    assert croissant.check(make_card()) == ()


def test_a_licence_that_is_no_expression_is_named(make_card) -> None:
    codes = [row.code for row in croissant.check(make_card({**FULL, "licence": "ask us"}))]

    assert codes == ["croissant.missing.licence-notation"]


def test_croissant_carries_what_was_measured_about_persons(make_card) -> None:
    document = croissant.render(make_card())

    assert "4 email" in document["rai:personalSensitiveInformation"][0]
    assert "Names were not looked for." in document["rai:personalSensitiveInformation"][0]
    assert document["rai:dataCollectionTimeFrame"] == ["2025-01-01", "2025-12-31"]
    assert "Not checked: names of persons." in document["rai:dataLimitations"]
    assert "3 exact duplicates were removed." in document["rai:dataPreprocessingProtocol"]
    assert document["inLanguage"] == ["de", "en"]


# ---- the card for the Hub --------------------------------------------------------------------------------------------


def header_of(text: str) -> dict:
    return yaml.safe_load(text.split("---\n")[1])


def test_the_hubs_header_names_licence_languages_and_files(make_card) -> None:
    header = header_of(dataset_readme.render(make_card(), version="2"))

    assert header["license"] == "cc-by-4.0"
    assert header["language"] == ["de", "en"]
    assert header["size_categories"] == ["n<1K"]
    assert header["configs"][0]["data_files"] == [
        {"split": "test", "path": ["held-out-00000.parquet"]},
        {"split": "train", "path": ["train-00000.parquet", "train-00001.parquet"]},
    ]
    assert header["kifabrik"]["dataset_digest"] == "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("licence", "fields"),
    [
        ("MIT OR Apache-2.0", {"license": ["mit", "apache-2.0"]}),
        ("unknown", {"license": "unknown"}),
        ("our own terms", {"license": "other", "license_name": "our own terms"}),
    ],
)
def test_the_hubs_licence_is_never_invented(make_card, licence, fields) -> None:
    header = header_of(dataset_readme.render(make_card({**FULL, "licence": licence})))

    assert {key: header[key] for key in fields} == fields


def test_words_of_people_cannot_break_the_page(make_card) -> None:
    text = dataset_readme.render(make_card({**FULL, "source": "a | b\n# not a heading\n<script>"}))

    assert "<script>" not in text
    assert "\n# not a heading" not in text
    assert header_of(text)["pretty_name"] == "Letters | to <customers>"


def test_gaps_are_written_as_not_stated(make_card) -> None:
    text = dataset_readme.render(make_card(BARE))

    assert "- Made by: not stated" in text
    assert "- Collected: not stated" in text
    assert "Opt-outs were looked at for 7 of 9 texts" in text
    assert "were not looked at" in dataset_readme.render(make_card(BARE, rights=None))


# ---- the public summary ----------------------------------------------------------------------------------------------


def test_the_summary_has_every_section_of_the_template_in_order(make_card) -> None:
    text = training_summary.render(SummaryMatter(cards=(make_card(),)))

    at = [text.index(f"### {row.number} {row.title}") for row in summary_template().sections]
    assert at == sorted(at)
    assert "24 July 2025" in text


def test_each_figure_is_the_cards(make_card) -> None:
    text = training_summary.render(SummaryMatter(cards=(make_card(),), provider="Muster GmbH", model="letters 1"))

    assert "less than 1 billion tokens (123.5 kB of text; a token holds at least one byte)" in text
    assert "languages, the largest first: de, en" in text
    assert "latest date of collection: 2025-12-31" in text
    assert "compared with 7 documents; 1 reserved ones were left out, 2 were kept" in text
    assert "name and contact of the provider: Muster GmbH" in text


def test_every_gap_is_said_and_told(make_card) -> None:
    matter = SummaryMatter(cards=(make_card(BARE, rights=None),))

    gaps = {row.code for row in training_summary.check(matter)}
    text = training_summary.render(matter)

    assert {"summary.1-1.provider", "summary.1-3.latest", "summary.2-6.licence", "summary.3-1.measures"} <= gaps
    assert "summary.3-2.measures" in gaps
    assert text.count("not stated") >= len(gaps)
    assert f"## Not stated ({len(gaps)})" in text
    for row in training_summary.check(matter):
        assert row.remedy
        assert "grade B" in row.reference


def test_a_large_text_gets_an_estimate_that_says_so(make_card) -> None:
    text = training_summary.render(SummaryMatter(cards=(make_card(text_bytes=8 * 10**9),)))

    assert "1 billion to 10 trillion tokens (estimated from" in text


@pytest.mark.parametrize(
    ("kind", "section"),
    [
        ("public", "2.1"),
        ("licensed", "2.2.1"),
        ("crawled", "2.3"),
        ("user", "2.4"),
        ("synthetic", "2.5"),
        ("own", "2.6"),
    ],
)
def test_a_dataset_stands_in_the_section_of_its_kind_and_nowhere_else(make_card, kind, section) -> None:
    filled = training_summary.summarise(SummaryMatter(cards=(make_card({**FULL, "source_kind": kind}),)))

    used = [row.number for row in filled if row.answers[0].asks == "used" and row.answers[0].says == "yes"]
    assert used == [section]


def test_only_sections_with_gaps_name_findings(make_card) -> None:
    matter = SummaryMatter(cards=(make_card({**FULL, "source_kind": "public"}),), provider="M", model="m 1")

    codes = [row.code for row in training_summary.check(matter)]

    assert not [code for code in codes if code.startswith("summary.2-")]


@pytest.mark.parametrize(
    ("count", "is_sme", "listed"),
    [
        (20, None, 2),
        (20, False, 2),
        (20, True, 1),
        (1, True, 1),
        (0, True, 0),
        (100_000, True, 1000),
        (100_000, None, 10_000),
    ],
)
def test_the_domains_to_list_follow_the_template(count, is_sme, listed) -> None:
    assert domains_to_list(count, is_sme=is_sme) == listed


def test_crawled_domains_are_listed_the_largest_first(make_card) -> None:
    text = training_summary.render(SummaryMatter(cards=(make_card(),)))

    assert "| d0.org | 1,000 |\n| d1.org | 999 |\n" in text
    assert "d2.org" not in text
    assert "It was applied." in training_summary.render(SummaryMatter(cards=(make_card(),), is_sme=True))


def test_more_domains_than_the_card_names_are_a_gap_for_large_providers_only(make_card) -> None:
    card = make_card(domains_count=5_000)

    codes = {row.code for row in training_summary.check(SummaryMatter(cards=(card,)))}
    assert "summary.2-3.domains" in codes
    small = make_card(domains_count=400)
    assert "summary.2-3.domains" not in {
        row.code for row in training_summary.check(SummaryMatter(cards=(small,), is_sme=True))
    }


@pytest.mark.parametrize("form", list(ExportFormat))
def test_one_door_writes_every_format_the_same_way_twice(make_card, form) -> None:
    matter = ExportMatter(card=make_card(), publisher="Muster GmbH")

    assert export(matter, form) == export(matter, form)
    assert export(matter, form).text.endswith("\n")


@pytest.mark.parametrize("form", list(ExportFormat))
def test_every_format_says_what_other_datasets_hold_too(make_card, form) -> None:
    label = "other sha256:" + "e" * 64
    numbers = {"shingle_words": 5, "permutations": 128, "bands": 32, "rows": 4, "threshold": 0.7}
    counts = dict.fromkeys(("candidate_pairs", "verified_pairs", "clusters", "removed_documents", "removed_bytes"), 0)
    found = {"other_datasets": {label: 7}, "removed_for_others": 7}

    text = export(
        ExportMatter(card=make_card(deduplication={"method": "MinHash", **numbers, **counts, **found})), form
    ).text

    assert f"7 documents have a near-duplicate in the dataset {label}" in text
    assert "7 documents were left out because another dataset holds them." in text
