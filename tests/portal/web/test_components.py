"""The filters and components that every chapter's pages are built from."""

import pytest
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import translation

from kifabrik.core.findings import Finding, Severity
from kifabrik.portal.doors.paging import Page
from kifabrik.portal.people.forms import OrganisationForm, TokenForm
from kifabrik.portal.web.templatetags import kifabrik as tags


@pytest.mark.parametrize(
    ("seconds", "unit", "english", "german"),
    [
        (45_000, "GPU", "12.5 GPU-hours", "12,5 GPU-Stunden"),
        (0, "CPU", "0.00 CPU-hours", "0,00 CPU-Stunden"),
        (36, "CPU", "0.010 CPU-hours", "0,010 CPU-Stunden"),
        (18_000_000, "GPU", "5,000 GPU-hours", "5.000 GPU-Stunden"),
        (-3600, "GPU", "-1.00 GPU-hours", "-1,00 GPU-Stunden"),
        (None, "GPU", "–", "–"),
    ],
)
def test_time_is_written_as_people_read_it(seconds, unit, english, german) -> None:
    assert english in tags.gpu_hours(seconds, unit)
    with translation.override("de"):
        assert german in tags.gpu_hours(seconds, unit)


def test_the_exact_value_is_a_tooltip() -> None:
    assert 'title="45,000 seconds"' in tags.gpu_hours(45_000)


@pytest.mark.parametrize(("value", "english", "german"), [(8_200_000, "8.2 MB", "8,2 MB"), (12, "12 B", "12 B")])
def test_sizes_are_written_in_the_readers_language(value, english, german) -> None:
    assert tags.size(value) == english
    with translation.override("de"):
        assert tags.size(value) == german


@pytest.mark.parametrize(
    ("part", "whole", "wanted"), [(1, 4, "25.00"), (9, 4, "100.00"), (-1, 4, "0.00"), (1, 0, "0"), (None, 4, "0")]
)
def test_a_share_stays_between_nothing_and_all_with_a_point_in_every_language(part, whole, wanted) -> None:
    with translation.override("de"):
        assert tags.share(part, whole) == wanted


def test_an_unknown_state_is_shown_in_its_own_words() -> None:
    assert (tags.state_label("half_way-there"), tags.state_tone("half_way-there")) == ("half way there", "calm")


def test_a_digest_is_short_and_its_whole_is_the_tooltip() -> None:
    digest = "sha256:" + "ab" * 32

    assert f'title="{digest}"' in tags.short_digest(digest)
    assert ">abababababab…<" in tags.short_digest(digest)


def test_findings_are_shown_whole_and_escaped() -> None:
    finding = Finding("a.b", Severity.SERIOUS, "<script> in it", "line 3", "Take it out.", "Art. 10")

    for shape in (finding, finding.as_dict()):
        html = render_to_string("components/findings.html", {"findings": [shape]})

        assert 'data-severity="serious"' in html
        assert "&lt;script&gt; in it" in html
        assert all(text in html for text in ("line 3", "Take it out.", "Art. 10", "a.b", "Serious"))


def test_no_findings_are_said_too() -> None:
    assert "Nothing was found." in render_to_string("components/findings.html", {"findings": []})


def test_the_meter_shows_what_is_left_and_never_more_than_all() -> None:
    html = render_to_string("components/meter.html", {"used": 7200, "reserved": 3600, "total": 14400, "unit": "CPU"})

    assert 'class="used" width="50.00"' in html
    assert 'class="reserved" x="50.00" width="25.00"' in html
    assert "1.00 CPU-hours" in html


def test_a_field_ties_label_help_and_error_together() -> None:
    form = OrganisationForm({"legal_name": "", "country": "Germany", "kind": "sme"})

    html = render_to_string("components/field.html", {"field": form["country"]})

    assert '<label for="id_country">' in html
    assert 'aria-invalid="true"' in html
    described = 'aria-describedby="id_country_helptext id_country_error"'
    assert described in html
    assert 'id="id_country_helptext"' in html
    assert 'id="id_country_error"' in html


def test_a_group_of_boxes_has_a_legend() -> None:
    html = render_to_string("components/field.html", {"field": TokenForm()["scopes"]})

    assert "<legend>What it may do</legend>" in html


def test_the_error_summary_leads_to_each_field() -> None:
    form = OrganisationForm({"kind": "sme"})

    html = render_to_string("components/errors.html", {"form": form})

    assert 'href="#id_legal_name"' in html
    assert 'href="#id_country"' in html
    assert 'role="alert"' in html
    assert render_to_string("components/errors.html", {"form": OrganisationForm()}).strip() == ""


@pytest.mark.parametrize(("number", "links"), [(1, ["page=2"]), (2, ["page=1", "page=3"]), (3, ["page=2"])])
def test_the_pager_keeps_the_filters(number, links) -> None:
    page = Page(rows=[], number=number, size=50, total=150)
    request = RequestFactory().get("/audit/", {"actor": "ada", "page": str(number)})

    html = render_to_string("components/pager.html", {"page": page}, request)

    for link in links:
        assert f'href="?actor=ada&amp;{link}"' in html
    assert html.count("href=") == len(links)
    assert f"Page {number} of 3 (150 in all)" in html


def test_one_page_needs_no_pager() -> None:
    page = Page(rows=[], number=1, size=50, total=3)

    assert render_to_string("components/pager.html", {"page": page}).strip() == ""


def test_the_chain_strip_says_where_one_stands() -> None:
    steps = [
        {"label": "Proposal", "url": "/proposals/1/", "state": "done"},
        {"label": "Award", "url": "/awards/1/", "state": "now"},
        {"label": "Run", "url": "", "state": "todo"},
    ]

    html = render_to_string("components/steps.html", {"steps": steps})

    assert html.count('aria-current="step"') == 1
    assert '<a href="/proposals/1/">Proposal</a>' in html
    assert 'href="/awards/1/"' not in html


def test_the_moment_of_a_paper_is_written_as_the_reader_does() -> None:
    page = Template('{% load kifabrik %}{{ when|as_moment|date:"SHORT_DATE_FORMAT" }}')
    with translation.override("de"):
        assert page.render(Context({"when": "2026-11-24T10:00:00+00:00"})) == "24.11.2026"
        assert page.render(Context({"when": "2026-11-24"})) == "24.11.2026"
        assert page.render(Context({"when": "some day"})) == ""
