"""Each published sign of a poor text is seen where it is, and not where it is not."""

import random
import unicodedata
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kifabrik.datasets.line_shapes import measure_lines
from kifabrik.datasets.quality import SIGNALS, doubts, doubts_many, doubts_of_words
from kifabrik.datasets.repetition import find_repetitive
from kifabrik.datasets.words import split_words

PROSE = """\
The committee met on Thursday to discuss the plans that the city has made for its old harbour. Several members said
that they would prefer to keep the warehouses, because they have stood there for more than a century and give the place
its character. Others pointed out that the roofs leak, that nobody has used the buildings since the ferry stopped, and
that repairs would cost more than the town earns in a year.

After two hours of talk the chair asked whether there was any way to agree. A young engineer from the waterworks stood
up and showed a drawing with half of the old walls kept and a market between them. It was simple and cheap. Most people
liked it at once, and the few who did not asked for time to think about it. The next meeting will be held in autumn.
"""
GERMAN = """\
Der Ausschuss traf sich am Donnerstag, um über die Pläne zu sprechen, die die Stadt für ihren alten Hafen gemacht hat.
Mehrere Mitglieder sagten, sie würden die Lagerhäuser gern behalten, weil sie seit mehr als hundert Jahren dort stehen.
Andere wiesen darauf hin, dass die Dächer undicht sind und niemand die Gebäude benutzt, seit die Fähre nicht mehr fährt.
Nach zwei Stunden fragte die Vorsitzende, ob es einen Weg gebe, sich zu einigen, und eine junge Ingenieurin stand auf.
"""
CODE = "def area(width: float, height: float) -> float:\n    return width * height\n\n\nprint(area(2, 3))\n"
WORDS = [f"word{a}{b}" for a in "abcdefghij" for b in "klmnopqrst"]


def english(text: str) -> tuple[str, ...]:
    return doubts(text, language="en")


def lines_of(text: str, end: str) -> str:
    return "\n".join(line.rstrip(".") + end for line in text.replace("\n", " ").split(". "))


def test_good_prose_and_good_code_are_not_doubted() -> None:
    assert english(PROSE) == ()
    assert doubts(GERMAN, language="de") == ()
    assert doubts(CODE, is_code=True) == ()


def test_every_signal_names_its_paper_and_threshold() -> None:
    assert len({signal.code for signal in SIGNALS}) == len(SIGNALS)
    for signal in SIGNALS:
        assert signal.title
        assert signal.threshold
        assert "et al. 20" in signal.source


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("length", "The cat is on the mat and that is all that we have to say to you."),
        ("word-length", " ".join(["a b c of to I x y"] * 20)),
        ("word-length", " ".join(["Donaudampfschifffahrtsgesellschaft"] * 60)),
        ("symbols", PROSE.replace(" the ", " # # the ")),
        ("symbols", PROSE.replace(",", "…").replace(".", "…").replace(" of ", "… of ").replace(" a ", " a… ")),
        ("bullets", "\n".join(f"• {line}" for line in PROSE.split("\n") if line)),
        ("bullets", "\n".join(f"  - {line}" for line in PROSE.replace("\n", " ").split(". "))),
        ("ellipsis-lines", lines_of(PROSE, "...")),
        ("ellipsis-lines", lines_of(PROSE, " …")),
        ("numbers", PROSE + " ".join(str(number) for number in range(1000, 1100))),
        ("stop-words", " ".join(random.Random(1).choices(WORDS, k=120))),
        ("repeated-lines", PROSE + "\n".join(["All rights are reserved by the city."] * 10)),
        ("repeated-paragraphs", "\n\n".join([PROSE.split("\n\n")[0]] * 2 + [PROSE.split("\n\n")[1]])),
        ("frequent-phrase", PROSE[:300] + "buy cheap tickets now " * 20 + PROSE[300:]),
        ("repeated-phrases", f"{PROSE} {PROSE[100:400]}"),
        ("lorem-ipsum", f"{PROSE} Lorem ipsum dolor sit amet."),
        ("curly-bracket", f"{PROSE} if (x) {{ return; }}"),
        ("javascript", f"{PROSE} Please enable JavaScript."),
        ("policy", f"{PROSE} Read our Privacy Policy."),
        ("policy", f"{PROSE} This site uses cookies."),
        ("line-ends", "\n".join(PROSE.replace(".", "").replace("\n", " ").split(" that "))),
        ("short-lines", "\n".join(PROSE.split(" "))),
    ],
)
def test_a_sign_is_seen(code: str, text: str) -> None:
    assert code in english(text)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("bullets", "\n".join(f"• {line}" for line in PROSE.split("\n") if line) + "\nThe end.\nIt was short."),
        ("ellipsis-lines", PROSE.replace("autumn.", "autumn...")),
        ("javascript", PROSE.replace("harbour", "java script")),
        ("policy", PROSE.replace("plans", "privacy of the policy makers")),
        ("lorem-ipsum", f"{PROSE} Lorem, they said, is not ipsum."),
        ("repeated-lines", f"{PROSE}\nThe end.\nThe end.\n"),
        ("numbers", f"{PROSE} 1 2 3 4 5 b2b 4x4 2024a"),
        ("stop-words", "To be honest, " + " ".join(random.Random(1).choices(WORDS, k=120))),
    ],
)
def test_what_only_resembles_a_sign_is_none(code: str, text: str) -> None:
    assert code not in english(text)


def test_stop_words_are_asked_for_in_english_and_frequent_words_in_the_other_languages() -> None:
    nonsense = " ".join(random.Random(1).choices(WORDS, k=120))
    assert "function-words" in doubts(nonsense, language="de")
    assert "stop-words" not in doubts(nonsense, language="de")
    assert "function-words" not in doubts(nonsense, language="en")
    for unknown in ("und", "", "sw"):
        assert not {"stop-words", "function-words"} & set(doubts(nonsense, language=unknown))


def test_words_of_other_alphabets_are_measured_in_characters() -> None:
    greek = "Η επιτροπή συνεδρίασε την Πέμπτη για να συζητήσει τα σχέδια της πόλης για το παλιό λιμάνι της. " * 6
    assert "word-length" not in doubts(greek, language="el")
    assert "function-words" not in doubts(greek, language="el")


def test_code_is_judged_by_signs_for_code_only() -> None:
    assert doubts(PROSE[:40] + "{", is_code=True) == ()
    assert doubts("x = '" + "a" * 1001 + "'\n", is_code=True) == ("code-lines",)
    assert doubts(("y = " + "1 + " * 30 + "1\n") * 20, is_code=True)[0] == "code-lines"
    assert "code-symbols" in doubts("|+-+-+-+--+-|\n" * 40, is_code=True)
    assert doubts("δ = 'Ελληνικά'\n" * 3, is_code=True) == ()


@pytest.mark.parametrize("text", ["", " \n\n ", "…", "!!!"])
def test_an_empty_text_is_short_and_breaks_nothing(text: str) -> None:
    assert "length" in english(text)
    assert doubts(text, is_code=True) in {(), ("code-symbols",)}


def test_no_text_has_no_doubt() -> None:
    assert doubts_many([], [], []) == []
    assert doubts_of_words([], split_words([]), [], []) == []


def test_company_changes_nothing() -> None:
    texts = [
        PROSE,
        CODE,
        GERMAN,
        "",
        "short",
        PROSE[:300] + "buy cheap tickets now " * 20,
        "x" * 100_000,
        "{",
        PROSE * 3,
    ]
    is_code = [False, True, False, False, False, False, True, True, False]
    languages = ["en", "code", "de", "und", "en", "en", "code", "code", "en"]
    together = doubts_many(texts * 40, is_code * 40, languages * 40)
    alone = [
        doubts(text, is_code=code, language=language)
        for text, code, language in zip(texts, is_code, languages, strict=True)
    ]
    assert together == alone * 40


def test_a_book_on_one_line_takes_no_time() -> None:
    assert "repeated-phrases" in english("all work and no play makes jack a dull boy " * 50_000)


def test_blanks_without_end_take_no_time_and_are_no_line() -> None:
    assert english(" " * 3_000_000) == ("length",)
    indented = "\n".join(" " * 500 + f"- {line}" + "\t" * 300 for line in PROSE.replace("\n", " ").split(". "))
    assert "bullets" in english(indented)


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(st.text(alphabet="aé…. \t\n-•»\r中", max_size=60), min_size=1, max_size=4))
def test_lines_are_those_of_the_plain_definition(texts: list[str]) -> None:
    shapes = measure_lines(split_words(texts))
    for number, text in enumerate(texts):
        plain = [line.strip() for line in text.split("\n") if line.strip()]
        paragraphs = [part.strip() for part in text.split("\n\n") if part.strip()]
        assert shapes.lines[number] == len(plain)
        assert shapes.characters[number] == sum(map(len, plain))
        assert shapes.with_bullet[number] == sum(line[0] in "-•" for line in plain)
        assert shapes.ended[number] == sum(line[-1] in "….»" for line in plain)
        assert shapes.broken_off[number] == sum(line.endswith(("…", "...")) for line in plain)
        assert shapes.short[number] == sum(len(line) <= 30 for line in plain)
        assert shapes.again[number] == len(plain) - len(set(plain))
        assert shapes.again_characters[number] == sum(map(len, plain)) - sum(map(len, set(plain)))
        if len(plain) > len(set(plain)):
            again = sum(map(len, paragraphs)) - sum(map(len, set(paragraphs)))
            assert shapes.paragraphs[number] == len(paragraphs)
            assert shapes.paragraph_characters[number] == sum(map(len, paragraphs))
            assert shapes.paragraphs_again[number] == len(paragraphs) - len(set(paragraphs))
            assert shapes.paragraphs_again_characters[number] == again
        assert shapes.every[number] == text.count("\n") + 1
        assert shapes.every_characters[number] == len(text) - text.count("\n")
        assert shapes.longest[number] == max(map(len, text.split("\n")))


def test_the_head_of_a_text_without_end_is_looked_at() -> None:
    assert english((PROSE + "buy cheap tickets now " * 30) * 2000)[0] == "length"
    assert "lorem-ipsum" not in english(PROSE * 1800 + " lorem ipsum")
    assert "lorem-ipsum" in english(" lorem ipsum. " + PROSE * 1800)


marks_and_letters = (  # that join, that are out of order, that fold to another length
    "aÄßé\u0301\u0323\u0316\u0308İŉΐΣς№…»“ 1\u1e9eẞếK한각글ᄀ\u1161\u11a8𐐀😀"
    "\u0baf\u0bc6\u0bbe\u09df\u0928\u093c\u0e14\u0e38\u0e48\u05d1\u05bc\u05b8\u304b\u3099\u212b\u2329\ufb01"
)


@settings(max_examples=600, deadline=None)
@given(text=st.text(max_size=40) | st.text(alphabet=marks_and_letters, max_size=12))
def test_words_are_those_of_the_plain_definition(text: str) -> None:
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    signs = {chr(code) for code in range(128) if not chr(code).isalnum()}
    signs |= {
        chr(code) for first, last in ((0x80, 0xC0), (0x2000, 0x3000), (0x3000, 0x3040)) for code in range(first, last)
    }
    plain = "".join(" " if sign in signs else sign for sign in folded).split(" ")
    plain = [word for word in plain if word]
    words, again = split_words([text.encode("utf-8", "surrogatepass")]), split_words([" ".join(plain)])
    assert words.lengths.tolist() == [len(word) for word in plain]
    assert words.are_numbers.tolist() == [word.isascii() and word.isdigit() for word in plain]
    assert words.hashes.tolist() == again.hashes.tolist()
    assert (len(set(plain)) == len(plain)) == (len(set(words.hashes.tolist())) == len(plain))


few_words = st.lists(st.sampled_from(["aa", "b", "cccc", "dd", "e"]), min_size=1, max_size=40)


def top_share(words: list[str], length: int) -> float:
    """The definition, written down as simply as it can be."""
    runs = Counter(tuple(words[i : i + length]) for i in range(len(words) - length + 1))
    most = max(runs.values(), default=0)
    if most < 2:
        return 0.0
    return max(most * len("".join(run)) for run, count in runs.items() if count == most) / len("".join(words))


def repeated_share(words: list[str], length: int) -> float:
    seen, covered = set(), set()
    for i in range(len(words) - length + 1):
        run = tuple(words[i : i + length])
        if run in seen:
            covered.update(range(i, i + length))
        seen.add(run)
    return sum(len(words[i]) for i in covered) / len("".join(words))


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(few_words, min_size=1, max_size=5))
def test_repetition_agrees_with_its_plain_definition(texts: list[list[str]]) -> None:
    words = split_words([" ".join(text) for text in texts])
    is_topped, is_repeated = find_repetitive(words, np.ones(len(words), dtype=np.bool_))
    limits = {2: 0.20, 3: 0.18, 4: 0.16}
    assert is_topped.tolist() == [any(top_share(text, n) > limit for n, limit in limits.items()) for text in texts]
    limits = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}
    assert is_repeated.tolist() == [
        any(repeated_share(text, n) > limit for n, limit in limits.items()) for text in texts
    ]


@pytest.mark.parametrize(("length", "times", "number"), [(2, 5, 50), (3, 6, 100), (4, 4, 100)])
def test_a_phrase_is_frequent_above_its_threshold_and_not_at_it(length: int, times: int, number: int) -> None:
    for words, is_doubted in ((number - 1, True), (number, False)):
        others = iter(WORDS[length:])
        text = [word for _ in range(times) for word in (*WORDS[:length], next(others))]
        text += [next(others) for _ in range(words - len(text))]
        assert ("frequent-phrase" in english(" ".join(text))) == is_doubted


@pytest.mark.parametrize(("length", "number"), [(5, 33), (6, 42), (7, 53), (8, 66), (9, 81), (10, 99)])
def test_phrases_are_repeated_above_their_threshold_and_not_at_it(length: int, number: int) -> None:
    for words, is_doubted in ((number, True), (number + 1, False)):
        text = WORDS[: words - length] + WORDS[10 : 10 + length]
        assert ("repeated-phrases" in english(" ".join(text))) == is_doubted


def test_short_cuts_miss_nothing_in_longer_texts() -> None:
    draw = random.Random(5)
    texts = []
    for _ in range(200):
        words = draw.choices(WORDS, k=150)
        for _ in range(draw.randint(0, 4)):
            start, length = draw.randrange(130), draw.randint(4, 14)
            place = draw.randrange(len(words))
            words[place:place] = words[start : start + length] * draw.randint(1, 3)
        texts.append(words)
    words = split_words([" ".join(text) for text in texts])
    is_topped, is_repeated = find_repetitive(words, np.ones(len(words), dtype=np.bool_))
    tops = [any(top_share(text, n) > limit for n, limit in {2: 0.20, 3: 0.18, 4: 0.16}.items()) for text in texts]
    limits = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}
    again = [any(repeated_share(text, n) > limit for n, limit in limits.items()) for text in texts]
    assert np.array_equal(is_topped, tops)
    assert np.array_equal(is_repeated, again)
    assert 0 < sum(again) < len(texts)
