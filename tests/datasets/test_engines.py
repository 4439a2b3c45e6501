"""The three engines: one table, the same hits on every text."""

import pickle
import random
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kifabrik.core.errors import InvalidInput, Unavailable
from kifabrik.datasets.detectors.automaton import walk
from kifabrik.datasets.detectors.context import BEGINNINGS, WHOLE_WORDS, words_in
from kifabrik.datasets.detectors.engines import ENGINES, make_engine
from kifabrik.datasets.detectors.nearby import find_groups, mask_of, nearby_words
from kifabrik.datasets.detectors.notation import compile_anchors
from kifabrik.datasets.detectors.passes import compile_rules, find_hits
from kifabrik.datasets.detectors.rule import Edges, Hit, Rule, Sheet
from kifabrik.datasets.detectors.scanner import Scanner, digest_of_rules
from kifabrik.datasets.detectors.table import RULES

LETTERS = [
    *"aA\u00e9\u03a3\u03c3\u03c2\u00df\u1e9e\u0130\u0131\u212a\u0416",
    *"1_-., \u00a0\u201c\u0ba4\u4e2d\U0001f600",
    "e\u0301",
]
SPOKEN = [*WHOLE_WORDS, *BEGINNINGS]
WORDS_AND_SIGNS = [*LETTERS, *SPOKEN, *map(str.upper, SPOKEN), *map(str.title, SPOKEN)]
SCANNERS = {name: Scanner(name, tiers_min=1, tiers_min_code=1) for name in ENGINES}
PIECES = [
    *("@", "a", "@b.de", "://", "+", "0", "00", "1", "12", "030", "2001:", "::", "."),
    *("-", " ", "/", "(", ")", "\n", "\u00a0", "\u2013", "é", "ж", "😀", "_", "<", ":", "'", '"', "="),
    *("DE", "FR", "ATU", "ES", "GB82", "AB12 ", "1234 ", "4539 1488 0343 6467", "4539-", "3742 454554 00126", "0171 "),
    *("12345678", "123456789", "1234567890", "36574261809", "1630615123457", "295109912611193", "850730-033"),
    *("131052-308T", "54362315K", "X2482300W", "RSSMRA85M01H501Q", "710319/2745", "Tel. ", "né le ", "PESEL "),
    *("01.02.1985", "1985-02-01", "12 mars 1985", "93.184.", "216.34", "3c:22:", "fb:9a:10:7e", "48.8566, 2.3522"),
    *("lat=48.85661", "geo:48.2", "48°", "51'24\"N ", "eyJhbGciOiJIUzI1NiJ9.", "ghp_", "AKIA", "password = '", "U"),
    *("C01X00T478D<<6408125F2702283<<<<<<<<<<<<<<<4", "<<<<", "6408125F2702283", "-----BEGIN PRIVATE KEY-----"),
]
SEEDED = [
    "".join(random.Random(seed).choice(PIECES) for _ in range(random.Random(seed + 1).randrange(1, 60)))
    for seed in range(3000)
]


def find(text: str) -> dict[str, tuple]:
    return {name: scanner.scan([text], is_code=[False])[0] for name, scanner in SCANNERS.items()}


@given(pieces=st.lists(st.sampled_from(PIECES), max_size=40))
@settings(max_examples=200, deadline=None)
def test_three_engines_find_the_same(pieces: list[str]) -> None:
    found = find("".join(pieces))

    assert found["re"] == found["re2"] == found["hyperscan"]


@given(text=st.text(alphabet="0123456789 ./-+():ABDEFRUX@°<é\n", max_size=120))
@settings(max_examples=200, deadline=None)
def test_three_engines_find_the_same_in_tables_of_numbers(text: str) -> None:
    found = find(text)

    assert found["re"] == found["re2"] == found["hyperscan"]


def test_three_engines_find_the_same_in_a_block_of_many_texts() -> None:
    found = {
        name: scanner.scan(SEEDED, is_code=[number % 3 == 0 for number in range(len(SEEDED))])
        for name, scanner in SCANNERS.items()
    }

    assert found["re"] == found["re2"] == found["hyperscan"]
    assert sum(map(len, found["re"])) > 1000


def test_a_text_has_the_same_hits_alone_and_among_others() -> None:
    scanner = SCANNERS["hyperscan"]

    together = scanner.scan(SEEDED, is_code=[False] * len(SEEDED))

    assert together[:500] == [scanner.scan([text], is_code=[False])[0] for text in SEEDED[:500]]


def test_a_scanner_travels_to_another_process_and_finds_the_same() -> None:
    scanner = pickle.loads(pickle.dumps(SCANNERS["re2"]))

    assert scanner.engine == "re2"
    assert scanner.scan(SEEDED[:20], is_code=[False] * 20) == SCANNERS["re"].scan(SEEDED[:20], is_code=[False] * 20)


def test_a_scanner_says_which_rules_ran_on_which_engine() -> None:
    assert SCANNERS["re"].describe() == f"rules 2026-11-25, sha256:{digest_of_rules()[:16]}, tiers from 1, re"


def test_tiers_below_the_wanted_one_are_left_out() -> None:
    texts = ["4539148803433", "Kreditkarte 4539148803433"]

    assert [len(hits) for hits in Scanner(tiers_min=2).scan(texts, is_code=[False, False])] == [0, 1]
    assert [len(hits) for hits in Scanner(tiers_min=1).scan(texts, is_code=[False, True])] == [1, 1]


@pytest.mark.parametrize("engine", ENGINES)
def test_signs_that_must_not_touch_a_match_drop_it(engine: str) -> None:
    def examine(sheet: Sheet, start: int, end: int) -> Hit:
        return Hit("x", start, end, 2, sheet.text[start:end])

    edges = Edges(before="#", digit_before=",", after="%", digit_after=".")
    rule = Rule("x", "x", (rb"\b[0-9]{3}\b", rb"\b[0-9]{3}\b"), examine, serious_from=1, examples="", edges=edges)
    texts = ["123", "é #123 ж", "1,123", "a,123", "123%", "123.4", "123.", "#", "123", "%"]

    hits = find_hits(compile_rules([rule], engine), texts, lambda number: Sheet(texts[number], is_code=False))

    assert [[hit.start for hit in each] for each in hits] == [[0], [], [], [2], [], [], [0], [], [0], []]


def test_half_a_surrogate_pair_moves_no_offset() -> None:
    text = "\ud83d ж\udc00 x@firma.de"

    hit = SCANNERS["hyperscan"].scan([text], is_code=[False])[0][0]

    assert text[hit.start : hit.end] == "x@firma.de"


def test_texts_that_are_encoded_already_give_the_same() -> None:
    scanner, is_code = SCANNERS["hyperscan"], [False] * len(SEEDED)
    encoded = [text.encode() for text in SEEDED]

    assert scanner.scan(SEEDED, is_code=is_code, encoded=encoded) == scanner.scan(SEEDED, is_code=is_code)


def test_lists_of_different_length_are_refused() -> None:
    with pytest.raises(InvalidInput, match="not as long"):
        SCANNERS["re"].scan(["a", "b"], is_code=[False])
    with pytest.raises(InvalidInput, match="not as long"):
        SCANNERS["re"].scan(["a"], is_code=[False], languages=[])
    with pytest.raises(InvalidInput, match="not as long"):
        SCANNERS["re"].scan(["a"], is_code=[False], encoded=[])


def test_what_hyperscan_compiled_is_kept_and_a_damaged_cache_is_made_anew(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    anchors = [b"a[0-9]", b"b@"]
    places = sorted(make_engine("hyperscan", anchors).places(b"a1 b@").tolist())
    (kept,) = (tmp_path / "kifabrik").iterdir()
    whole = kept.read_bytes()

    assert sorted(make_engine("hyperscan", anchors).places(b"a1 b@").tolist()) == places == [[0, 0, 2], [1, 3, 5]]
    make_engine("hyperscan", [b"a[0-9]"])
    assert len(list(kept.parent.iterdir())) == 2  # other anchors do not take it for theirs
    for damaged in (b"", whole[:100], whole[:50] + b"damage" + whole[56:]):
        kept.write_bytes(damaged)
        assert sorted(make_engine("hyperscan", anchors).places(b"a1 b@").tolist()) == places
        assert kept.read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    assert make_engine("hyperscan", [b"a"]).places(b"a").tolist() == [[0, 0, 1]]


def test_an_engine_that_is_not_installed_is_named() -> None:
    with pytest.raises(Unavailable, match="the engine no_such_engine is not installed"):
        make_engine("no_such_engine", [b"a"])


ANCHORS = [anchor for rule in RULES for anchor in rule.anchors]


@pytest.mark.parametrize("number", range(len(ANCHORS)))
def test_the_compiled_loop_names_the_places_that_re_names(number: int) -> None:
    data = b"\0" + "\n".join(SEEDED[:1500]).encode() + b"\0"
    anchor = ANCHORS[number]
    table, walked = compile_anchors([anchor])
    places = walk(table, data).tolist()

    alone = {match.end() for match in re.finditer(anchor, data)}

    assert {end for _, _, end in places} >= alone if walked else places == []
    assert all(re.compile(anchor).fullmatch(data, start, end) for _, start, end in places if not anchor.endswith(b"b"))


@pytest.mark.parametrize(
    "anchor",
    [rb"[0-9]x", rb"\bx[0-9]", rb"\bA[a-z]", rb"\b[^0-9]", rb"\b1+", rb"\b1\d", rb"\b(?:1", rb"\b1-\b", rb"\b1\b2"],
)
def test_an_anchor_of_another_kind_is_left_to_hyperscan(anchor: bytes) -> None:
    assert compile_anchors([anchor, rb"\b12\b"])[1] == [1]


@given(words=st.lists(st.sampled_from(WORDS_AND_SIGNS), max_size=12), window=st.sampled_from((32, 48)))
@settings(max_examples=300, deadline=None)
def test_no_word_near_a_number_is_missed_in_bytes(words: list[str], window: int) -> None:
    text = "".join(words)
    data = text.encode()

    groups = find_groups(np.frombuffer(data + b"\0", np.uint8), 0, len(data), window, *nearby_words())

    assert mask_of(words_in(text[-window:]).groups) & ~groups == 0
