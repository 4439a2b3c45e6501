"""The page of a dataset version: what is drawn, what may be downloaded, and that lists stay quick."""

import json

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st
from tests.portal.catalogue.factories import SERIOUS, make_card, make_place, make_version
from tests.portal.people.factories import bearer, make_organisation, make_token, make_user

from kifabrik.datasets.detectors.table import RULES
from kifabrik.datasets.function_words import load_function_words
from kifabrik.passport.export_format import ExportFormat
from kifabrik.portal.catalogue.models import DatasetVersion
from kifabrik.portal.catalogue.queries.names import KINDS, name_language
from kifabrik.portal.catalogue.queries.plots import histogram, stacks
from kifabrik.portal.catalogue.queries.summaries import CardSummary
from kifabrik.portal.people.permissions import Role
from kifabrik.records.dataset_card import PersonalDataCount

pytestmark = pytest.mark.django_db

RICH = {
    "personal_data": (
        {"kind": "email", "findings": 12, "documents": 9, "tiers": {"3": 2, "2": 8, "1": 1}, "countries": {}},
        {"kind": "iban", "findings": 4, "documents": 4, "tiers": {"3": 4}, "countries": {"DE": 3, "FR": 1}},
    ),
    "lengths": {"<256": 3, "<1024": 12, "<2048": 5},
    "domains": ({"domain": "example.org", "documents": 5, "text_bytes": 50_000},),
    "domains_count": 7,
    "licences_detected": {"MIT": 3},
    "licences_declared": {"CC-BY-4.0": 11},
    "quality": ({"code": "short", "title": "Fewer than 50 words", "source": "Gopher", "doubted_documents": 6},),
    "deduplication": {
        "method": "MinHash LSH with verified clusters",
        "shingle_words": 5,
        "permutations": 128,
        "bands": 32,
        "rows": 4,
        "threshold": 0.8,
        "candidate_pairs": 10,
        "verified_pairs": 4,
        "clusters": 3,
        "removed_documents": 4,
        "removed_bytes": 999,
    },
    "decontamination": {"ngram_words": 13, "evaluation_sets": {"arc": 2}, "removed_documents": 2},
    "opt_outs": (
        {
            "kind": "robots.txt",
            "path": "example.org/robots.txt",
            "domain": "example.org",
            "digest": "sha256:" + "0" * 64,
            "dated_on": "2026-11-01",
            "reserves": True,
        },
    ),
    "rights": {"documents_with_address": 18, "documents_judged": 15, "reserved_documents": 2, "reserved_bytes": 10},
    "conversations": ({"form": "alpaca", "rows": 5, "converted": True},),
}


@pytest.fixture
def place():
    return make_place()


# ---- plots -----------------------------------------------------------------------------------------------------------


def test_findings_are_stacked_by_confidence_and_the_widest_is_the_largest() -> None:
    first, second = stacks([PersonalDataCount.model_validate(row) for row in RICH["personal_data"]])

    assert (first.name, second.name) == ("email", "iban")
    assert [(piece.name, piece.amount) for piece in first.pieces] == [("3", 2), ("2", 8), ("1", 1), ("", 1)]
    assert first.pieces[-1].x == "91.67"
    assert sum(float(piece.width) for piece in first.pieces) == pytest.approx(100, abs=0.05)
    assert second.pieces[0].width == "33.33"
    assert second.countries == (("DE", 3), ("FR", 1))


def test_a_card_without_tiers_is_drawn_as_not_recorded() -> None:
    (row,) = stacks([PersonalDataCount(kind="email", findings=3, documents=2)])

    assert [(piece.name, piece.amount) for piece in row.pieces] == [("", 3)]


def test_lengths_become_columns_with_the_empty_ones_between() -> None:
    plot = histogram(RICH["lengths"])

    assert [column.amount for column in plot.columns] == [3, 0, 12, 5]
    assert (plot.columns[2].y, plot.columns[2].height) == ("0.00", "60.00")
    assert plot.highest == 12
    assert [column.label for column in plot.columns[-2:]] == ["512 B – 1.0 kB", "1.0 kB – 2.0 kB"]
    with translation.override("de"):
        assert histogram(RICH["lengths"]).columns[-1].label == "1,0 kB – 2,0 kB"


@given(st.dictionaries(st.integers(0, 40).map(lambda n: f"<{2**n}"), st.integers(0, 10**9), max_size=12))
def test_any_lengths_stay_on_the_picture(lengths) -> None:
    plot = histogram(lengths)

    assert len(plot.columns) <= 64
    for column in plot.columns:
        assert 0 <= float(column.y) <= 60.01
        assert 0 <= float(column.height) <= 60.01


def test_odd_keys_of_lengths_draw_nothing() -> None:
    assert histogram({"long": 3}).columns == ()
    assert histogram({"<0": 3}).columns == ()


# ---- the page --------------------------------------------------------------------------------------------------------


def test_the_page_draws_and_tells_every_part_of_the_card(client, place) -> None:
    version = make_version(place, **RICH)
    client.force_login(place.manager)

    page = client.get(f"/datasets/{version.dataset_id}/").content.decode()

    for words in (
        "Near-duplicates removed",
        "Removed for touching evaluation sets",
        "Lengths of the documents",
        "example.org",
        "of 7",
        "Fewer than 50 words",
        "Gopher",
        "DE&nbsp;3, FR&nbsp;1",
        "Reserved, but kept",
        "1 opt-out file as evidence",
        "alpaca: 5 rows, brought into one form",
        "Licences declared in columns",
        "Names of persons",
        "not looked for",
        "Papers for others",
    ):
        assert words in page
    assert 'class="histogram"' in page
    assert "style=" not in page
    assert "<script>" not in page


def compared(*others: tuple[str, str, int], removed: int = 0) -> dict:
    counts = {f"{name} {digest}": count for name, digest, count in others}
    return {**RICH["deduplication"], "other_datasets": counts, "removed_for_others": removed}


def test_other_datasets_are_listed_and_those_that_the_viewer_may_read_are_linked(client, place) -> None:
    other = make_version(make_place(), name="foreign")
    mine = make_version(place, name="mine")
    rows = [("foreign-set", other.digest, 3), ("own-set", mine.digest, 4), ("elsewhere", "sha256:" + "e" * 64, 0)]
    version = make_version(place, deduplication=compared(*rows))
    client.force_login(place.manager)

    page = client.get(f"/datasets/{version.dataset_id}/").content.decode()

    assert page.index("own-set") < page.index("foreign-set") < page.index(">elsewhere<")
    assert f'/datasets/{mine.dataset_id}/?version={mine.number}"' in page
    assert other.dataset_id not in page
    assert "They are still in this dataset." in page
    assert "Left out because other datasets hold them" not in page


def test_documents_left_out_for_other_datasets_are_a_step_and_said(client, place) -> None:
    version = make_version(place, deduplication=compared(("own-set", "sha256:" + "e" * 64, 4), removed=4))
    client.force_login(place.manager)

    page = client.get(f"/datasets/{version.dataset_id}/").content.decode()

    assert "Left out because other datasets hold them" in page
    assert "These documents were left out of this dataset." in page


def test_a_card_of_before_is_still_shown(client, place) -> None:
    version = make_version(place)
    client.force_login(place.manager)

    page = client.get(f"/datasets/{version.dataset_id}/").content.decode()

    assert "confidence not recorded" in page
    assert "No opt-out files were given, so nobody looked." in page
    assert "Quality was not looked at." in page
    assert 'class="histogram"' not in page


def test_words_from_a_card_cannot_break_the_page(client, place) -> None:
    bad = "<script>alert(1)</script>"
    version = make_version(
        place,
        domains=({"domain": bad, "documents": 1, "text_bytes": 1},),
        quality=({"code": "x", "title": bad, "source": bad, "doubted_documents": 1},),
    )
    client.force_login(place.manager)

    assert bad not in client.get(f"/datasets/{version.dataset_id}/").content.decode()


# ---- downloads -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", list(ExportFormat))
def test_papers_are_downloaded_and_the_same_by_program(client, place, form) -> None:
    version = make_version(place, **RICH)
    client.force_login(place.manager)

    page = client.get(f"/dataset-versions/{version.pk}/export/{form}")

    assert page.status_code == 200
    assert page["Content-Disposition"].startswith('attachment; filename="letters-1-')
    headers = bearer(make_token(place.manager))
    answer = client.get(f"/api/v1/dataset-versions/{version.pk}/exports/{form}", headers=headers)
    assert answer.content == page.content
    assert place.organisation.legal_name in page.content.decode()


def test_an_sme_is_held_to_the_rule_for_smes(client, place) -> None:
    place.organisation.kind = "sme"
    place.organisation.save()
    version = make_version(place)
    client.force_login(place.manager)

    assert "It was applied." in client.get(f"/dataset-versions/{version.pk}/export/eu-summary").content.decode()


def test_unknown_formats_and_hidden_cards_are_not_found(client, place) -> None:
    version = make_version(place)
    url = f"/dataset-versions/{version.pk}/export/croissant"

    assert client.get(url).status_code == 404
    client.force_login(make_user(roles=[Role.APPLICANT], organisations=[make_organisation()]))
    assert client.get(url).status_code == 404
    client.force_login(place.manager)
    assert client.get(f"/dataset-versions/{version.pk}/export/pdf").status_code == 404


def test_visitors_download_the_papers_of_a_public_card(client, place) -> None:
    version = make_version(place, is_public=True)

    page = client.get(f"/dataset-versions/{version.pk}/export/croissant")

    assert json.loads(page.content)["version"] == "1"


# ---- lists -----------------------------------------------------------------------------------------------------------


def test_a_summary_is_what_the_card_says(place) -> None:
    version = make_version(place, findings=(SERIOUS,))

    kept = CardSummary.read(DatasetVersion.objects.get(pk=version.pk).summary)

    assert kept == CardSummary.of(make_card(findings=(SERIOUS,)))
    assert kept.stopping == (SERIOUS,)


def test_the_list_reads_no_cards(client, place, django_assert_num_queries) -> None:
    make_version(place, findings=(SERIOUS,), **RICH)
    client.force_login(place.manager)

    with django_assert_num_queries(8) as seen:
        page = client.get("/datasets/")

    assert b"1 finding open" in page.content
    assert not [query for query in seen.captured_queries if '"card"' in query["sql"]]


def test_old_versions_get_their_summary_by_migration(place) -> None:
    from importlib import import_module

    from django.apps import apps

    version = make_version(place, findings=(SERIOUS,))
    kept = version.summary
    DatasetVersion.objects.update(summary={})

    import_module("kifabrik.portal.catalogue.migrations.0003_dataset_summaries").fill(apps, None)

    version.refresh_from_db()
    assert version.summary == kept


def test_every_kind_that_the_check_finds_has_a_name_for_people() -> None:
    assert {rule.kind for rule in RULES} | {"name", "address"} == KINDS.keys()


def test_languages_are_named_in_the_reader_s_language() -> None:
    official = load_function_words().official
    with translation.override("de"):
        assert name_language("mt") == "Maltesisch (mt)"
        assert name_language("fr") == "Französisch (fr)"
        assert name_language("und") == "nicht unterschieden"
        assert all(name_language(code) != code for code in official)
    with translation.override("en"):
        assert all(name_language(code).endswith(f" ({code})") for code in official)
        assert name_language("xyz") == "xyz"
