"""Rights: domains, licences that texts name, opt-outs of rights holders, each with the cases that must not count."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kifabrik.core.errors import InvalidInput, NotFound
from kifabrik.core.findings import Severity
from kifabrik.datasets import licences, opt_outs, rights, robots
from kifabrik.datasets.hosts import path_of, split_host
from kifabrik.datasets.opt_outs import OptOuts
from kifabrik.datasets.reference import crawlers
from kifabrik.datasets.reference import licences as licence_table
from kifabrik.datasets.rights import RightsTally, address_of, judge, read_opt_outs, registrable_domain
from kifabrik.records.dataset_card import DeclaredOrigin
from kifabrik.records.spdx import canonical_expression, identifiers_of

MIT_TERMS = "Permission is hereby granted, free of charge, to any person\nobtaining a copy of this software and files"
CRAWLED = DeclaredOrigin(title="Pages", licence="unknown", source="the web", source_kind="crawled")


@pytest.fixture
def folder(tmp_path):
    """Give a function that lays out opt-out files as people are told to."""

    def lay(files: dict[str, str | bytes]):
        for name, content in files.items():
            path = tmp_path / "opt-outs" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / "opt-outs"

    return lay


# ---- domains ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("https://www.example.co.uk/a?b#c", "example.co.uk"),
        ("http://user:secret@News.BBC.co.uk:8080/x", "bbc.co.uk"),
        ("https://anna.github.io/", "anna.github.io"),  # the private section: somebody else's than ben.github.io
        ("https://bücher.example.de/ä", "example.de"),
        ("example.org.", "example.org"),
        ("https://co.uk/", ""),
        ("http://10.0.0.1/x", ""),
        ("http://[::1]/", ""),
        ("https://localhost/", ""),
        ("https://intranet.corp/", ""),
        ("mails/anna.txt", ""),
        ("https://", ""),
        ("", ""),
    ],
)
def test_the_registrable_domain_is_who_registered_it(address, domain) -> None:
    assert registrable_domain(address) == domain


@given(st.text(max_size=300))
def test_no_text_breaks_the_reading_of_addresses(text) -> None:
    assert registrable_domain(text) == registrable_domain(text)
    assert path_of(text).startswith("/")
    assert len(split_host(text)) <= 253


def test_an_address_is_the_column_or_a_source_that_is_one() -> None:
    assert address_of(url="https://a.example/", source="part.jsonl:3") == "https://a.example/"
    assert address_of(url="", source="https://b.example/x") == "https://b.example/x"
    assert address_of(url="not known", source="mails/anna.txt") == ""


def test_domains_are_counted_by_bytes_and_merged_from_parts() -> None:
    parts = [RightsTally(), RightsTally()]
    for number, (address, size) in enumerate(
        [("https://a.example.org/1", 10), ("https://b.example.org/2", 20), ("https://example.net/", 25), ("", 99)]
    ):
        parts[number % 2].take(address=address, size_bytes=size, opt_outs=OptOuts())

    whole = RightsTally()
    for part in parts:
        whole.merge(pickle.loads(pickle.dumps(part)))

    assert [(row.domain, row.documents, row.text_bytes) for row in whole.domains()] == [
        ("example.org", 2, 30),
        ("example.net", 1, 25),
    ]
    assert whole.documents_with_address == 3
    assert whole.record(OptOuts()) is None


def test_many_domains_are_held_in_bounds_and_the_large_ones_stay(monkeypatch) -> None:
    monkeypatch.setattr(rights, "DOMAINS_COUNTED_MAX", 10)
    tally = RightsTally()
    for number in range(40):
        tally.take(address=f"https://d{number}.org/", size_bytes=1_000 if number == 3 else 1, opt_outs=OptOuts())

    assert len(tally.text_bytes) <= 10
    assert tally.domains()[0].domain == "d3.org"
    assert tally.domains_count == 40
    assert sum(tally.documents.values()) + tally.other_domains_documents == 40


# ---- licences --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("# SPDX-License-Identifier: MIT OR Apache-2.0\n", {"MIT OR Apache-2.0"}),
        ("MIT License\n\nCopyright (c) 2020 Ada", {"MIT"}),
        (
            f"Copyright 2020\n\n{MIT_TERMS}",
            {"MIT"},
        ),
        ("#   Apache License\n#   Version 2.0, January 2004", {"Apache-2.0"}),
        ("          GNU GENERAL PUBLIC LICENSE\n             Version 3, 29 June 2007", {"GPL-3.0-only"}),
        ("GNU LESSER GENERAL PUBLIC LICENSE\nVersion 2.1, February 1999", {"LGPL-2.1-only"}),
        ("License: BSD 3-Clause\nClassifier: License :: OSI Approved :: MIT License\n", {"BSD-3-Clause", "MIT"}),
        ('{\n  "name": "x",\n  "license": "ISC"\n}', {"ISC"}),
        ('[package]\nlicense = "MIT OR Apache-2.0"\n', {"MIT OR Apache-2.0"}),
        ("This page is under https://creativecommons.org/licenses/by-sa/4.0/deed.de.", {"CC-BY-SA-4.0"}),
        ("An essay about the MIT License and the GNU GENERAL PUBLIC LICENSE Version 3.", set()),
        ("MIT Licensed dogs bark.", set()),
        ('"license": "see below"', set()),
        ("", set()),
    ],
)
def test_a_text_names_its_licence_or_does_not(text, found) -> None:
    assert licences.find_licences(text) == found


@pytest.mark.parametrize(
    ("declared", "spdx"),
    [
        ("mit", "MIT"),
        ("Apache 2.0", "Apache-2.0"),
        ("GPLv3", "GPL-3.0-only"),
        ("GPLv3+", "GPL-3.0-or-later"),
        ("http://creativecommons.org/licenses/by/4.0/legalcode", "CC-BY-4.0"),
        ("cc-by-4.0", "CC-BY-4.0"),
        ("Apache-2.0 or mit", "Apache-2.0 OR MIT"),
        ("all rights reserved", ""),
        ("", ""),
        ("(" * 5000, ""),
    ],
)
def test_a_declared_licence_becomes_an_spdx_expression_or_nothing(declared, spdx) -> None:
    assert licences.normalise(declared) == spdx


def test_the_table_of_licences_holds_spdx_identifiers_and_no_name_twice() -> None:
    for row in licence_table():
        assert canonical_expression(row.spdx) == row.spdx
        for name in (*row.heads, *row.names, row.title):
            assert licences.normalise(name) == row.spdx, name


@given(st.text(max_size=500))
def test_no_text_breaks_the_search_for_licences(text) -> None:
    for found in licences.find_licences(text):
        assert found


def test_the_licences_of_an_expression_are_listed_without_exceptions() -> None:
    assert identifiers_of("MIT OR (Apache-2.0 WITH LLVM-exception)") == ("MIT", "Apache-2.0")
    assert identifiers_of("unknown words") == ()


# ---- robots.txt ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        ("User-agent: GPTBot\nDisallow: /", "/a", False),
        ("user-agent: gptbot/1.0\ndisallow: /\n", "/a", False),
        ("User-agent: CCBot\nUser-agent: GPTBot\nDisallow: /private/", "/private/x", False),
        ("User-agent: GPTBot\nDisallow: /\nAllow: /open/", "/open/x", True),
        ("User-agent: GPTBot\nDisallow: /a\nAllow: /a", "/a", True),  # RFC 9309: on a tie the lighter rule wins
        ("User-agent: GPTBot\nDisallow: /*.html$", "/a/b.html", False),
        ("User-agent: GPTBot\nDisallow: /*.html$", "/a/b.html?x", True),
        ("User-agent: *\nDisallow: /\n\nUser-agent: GPTBot\nDisallow:", "/a", True),  # its own group counts
        ("User-agent: *\nDisallow: /", "/a", False),
        ("User-agent: Other\nDisallow: /", "/a", True),
        ("Disallow: /", "/a", True),  # a rule without a group belongs to nobody
        ("", "/a", True),
    ],
)
def test_robots_are_read_as_the_rfc_says(text, path, allowed) -> None:
    assert robots.parse(text.encode()).allows("GPTBot", path) is allowed


@given(st.binary(max_size=2000), st.text(max_size=50))
def test_no_bytes_break_the_reading_of_robots(data, path) -> None:
    assert robots.parse(b"User-agent: *\n" + data).allows("GPTBot", "/" + path) in {True, False}


def test_hostile_robots_cost_little() -> None:
    many = b"User-agent: a\n" * 30_000 + b"Disallow: /" + b"*a" * 900 + b"\n" * 10 + b"Disallow: /x\n" * 20_000
    read = robots.parse(many)

    assert sum(len(rules) for rules in read.groups.values()) <= 100_000
    assert read.allows("GPTBot", "/" + "a" * 4000)


# ---- opt-out files ---------------------------------------------------------------------------------------------------


def test_files_become_evidence_with_day_and_digest(folder) -> None:
    place = folder(
        {
            "example.org/robots.txt": "User-agent: GPTBot\nDisallow: /\n",
            "example.org/fetched_on": "2026-11-01\n",
            "example.net/tdmrep.json": '[{"location": "/", "tdm-reservation": 1}]',
            "example.net/tdmrep.json.fetched_on": "2026-11-02",
            "example.com/ai.txt": "User-Agent: *\nDisallow: *.txt\n",
            "open.example/robots.txt": "User-agent: *\nDisallow: /admin/\n",
        }
    )

    read = read_opt_outs(place)

    rows = {(row.domain, row.kind): row for row in read.evidence}
    assert {key: row.reserves for key, row in rows.items()} == {
        ("example.org", "robots.txt"): True,
        ("example.net", "tdmrep.json"): True,
        ("example.com", "ai.txt"): True,
        ("open.example", "robots.txt"): False,
    }
    assert rows["example.org", "robots.txt"].dated_on == "2026-11-01"
    assert rows["example.net", "tdmrep.json"].dated_on == "2026-11-02"
    assert rows["example.com", "ai.txt"].dated_on == ""
    assert rows["example.org", "robots.txt"].digest.startswith("sha256:")


def test_each_document_is_judged_by_its_path_and_host(folder) -> None:
    outs = read_opt_outs(
        folder(
            {
                "example.org/robots.txt": "User-agent: CCBot\nDisallow: /news/\n",
                "blog.example.org/robots.txt": "User-agent: *\nAllow: /\n",
                "example.net/tdmrep.json": '[{"location": "/img/*", "tdm-reservation": 1},'
                '{"location": "/free/", "tdm-reservation": 0}]',
            }
        )
    )

    assert outs.judge("https://www.example.org/news/1") is True  # the folder of the registered domain counts
    assert outs.judge("https://www.example.org/about") is False
    assert outs.judge("https://blog.example.org/news/1") is False  # its own folder counts first
    assert outs.judge("https://example.net/img/a.png") is True
    assert outs.judge("https://example.net/free/a") is False
    assert outs.judge("https://unknown.example/") is None
    assert outs.judge("mails/anna.txt") is None
    assert pickle.loads(pickle.dumps(outs)).judge("https://www.example.org/news/1") is True


@pytest.mark.parametrize("agent", [row.agent for row in crawlers().rows])
def test_a_block_of_any_known_crawler_for_training_reserves(folder, agent) -> None:
    outs = read_opt_outs(folder({"example.org/robots.txt": f"User-agent: {agent}\nDisallow: /\n"}))

    assert outs.judge("https://example.org/x") is True


@pytest.mark.parametrize(
    "files",
    [
        {"example.org/robots.txt": "<!doctype html><title>404</title>"},
        {"example.org/tdmrep.json": "not json"},
        {"example.org/tdmrep.json": "[" * 100_000},
        {"example.org/tdmrep.json": '[{"location": 7, "tdm-reservation": "maybe"}]'},
        {"example.org/tdmrep.json": "[]"},
    ],
)
def test_files_that_say_nothing_are_evidence_of_nothing(folder, files) -> None:
    outs = read_opt_outs(folder(files))

    assert [row.reserves for row in outs.evidence] == [None]
    assert not outs.judge("https://example.org/")


def test_links_pipes_and_huge_files_are_named_and_the_rest_goes_on(folder, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(opt_outs, "FILE_BYTES_MAX", 100)
    place = folder({"a.example/robots.txt": "User-agent: *\nDisallow: /\n", "b.example/robots.txt": "x" * 200})
    (tmp_path / "secret").write_text("User-agent: *\nDisallow: /\n")
    (place / "c.example").mkdir()
    (place / "c.example" / "robots.txt").symlink_to(tmp_path / "secret")
    (place / "c.example" / "ai.txt").mkdir()

    outs = read_opt_outs(place)

    assert [row.domain for row in outs.evidence] == ["a.example"]
    assert [file.path for file in outs.skipped] == ["b.example/robots.txt", "c.example/robots.txt", "c.example/ai.txt"]
    assert [finding.code for finding in judge(RightsTally(), outs, origin=CRAWLED)][1] == "dataset.rights.files-skipped"


def test_a_folder_that_is_no_layout_is_refused_with_its_name(folder, tmp_path) -> None:
    with pytest.raises(NotFound):
        read_opt_outs(tmp_path / "nowhere")
    with pytest.raises(InvalidInput, match="no folder of a host"):
        read_opt_outs(folder({"not a host/robots.txt": ""}))


def test_a_wrong_day_is_refused_and_its_file_named(folder) -> None:
    with pytest.raises(InvalidInput) as error:
        read_opt_outs(folder({"example.org/robots.txt": "", "example.org/fetched_on": "yesterday"}))

    assert error.value.where.endswith("fetched_on")


# ---- findings --------------------------------------------------------------------------------------------------------


@pytest.fixture
def outs(folder):
    files = {"example.org/robots.txt": "User-agent: GPTBot\nDisallow: /\n", "example.org/fetched_on": "2026-11-01"}
    return read_opt_outs(folder(files))


def test_kept_documents_of_reserving_domains_are_serious(outs) -> None:
    tally = RightsTally()

    assert not tally.take(address="https://example.org/a", size_bytes=500, opt_outs=outs)
    tally.take(address="https://elsewhere.net/a", size_bytes=10, opt_outs=outs)

    first, second = judge(tally, outs, origin=CRAWLED)
    assert (first.code, first.severity) == ("dataset.rights.reserved", Severity.SERIOUS)
    assert "example.org" in first.message
    assert (second.code, second.severity) == ("dataset.rights.not-judged", Severity.NOT_CHECKED)
    record = tally.record(outs)
    assert record is not None
    assert (record.reserved_documents, record.reserved_bytes, record.documents_judged) == (1, 500, 1)
    assert record.crawlers == crawlers().version


def test_dropped_documents_are_told_and_no_longer_serious(outs) -> None:
    tally = RightsTally()

    assert tally.take(address="https://example.org/a", size_bytes=500, opt_outs=outs, drop_reserved=True)

    assert [(row.code, row.severity) for row in judge(tally, outs, origin=CRAWLED)] == [
        ("dataset.rights.removed", Severity.INFO)
    ]
    assert tally.domains() == ()


def test_crawled_texts_without_addresses_are_warned_of_and_own_ones_not() -> None:
    own = CRAWLED.model_copy(update={"source_kind": "own"})

    assert [row.code for row in judge(RightsTally(), OptOuts(), origin=CRAWLED)] == ["dataset.rights.no-addresses"]
    assert judge(RightsTally(), OptOuts(), origin=own) == ()
