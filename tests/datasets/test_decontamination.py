"""A document that holds 13 words in a row of an evaluation text is named, and nothing else is."""

import pickle
import random
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kifabrik.core.errors import InvalidInput, NotFound
from kifabrik.datasets.decontamination import EvaluationIndex
from kifabrik.datasets.words import split_words

QUESTION = (
    "Which of the following rivers flows through Vienna, Bratislava, Budapest and Belgrade on its way to the sea?"
)
LETTERS = [f"{a}{b}" for a in "abcdef" for b in "ghijkl"]


def index(*texts: str) -> EvaluationIndex:
    return EvaluationIndex.from_texts({"quiz": texts})


def touched(texts: list[str], *evaluation: str) -> list[bool]:
    return [label is not None for label in index(*evaluation).touches(texts)]


def test_thirteen_words_in_a_row_are_found_whatever_stands_around_them() -> None:
    words = QUESTION.split()
    inside = "Some text before. " + " ".join(words[2:15]) + " and some text after it."
    short_of_it = "Some text before. " + " ".join(words[2:14]) + " and some text after it."
    assert touched([inside, short_of_it, "", "nothing"], QUESTION) == [True, False, False, False]


def test_case_and_punctuation_hide_nothing() -> None:
    assert touched([QUESTION.upper().replace(" ", " — ").replace(",", "")], QUESTION) == [True]


@pytest.mark.parametrize(
    "text",
    [
        "Ποιος από τους παρακάτω ποταμούς διασχίζει τη Βιέννη, την Μπρατισλάβα, τη Βουδαπέστη και το Βελιγράδι;",
        "Коя от следните реки тече през Виена, Братислава, Будапеща и Белград по пътя си към Черно море?",
        "Która z następujących rzek płynie przez Wiedeń, Bratysławę, Budapeszt i Belgrad w drodze do Morza Czarnego?",
    ],
)
def test_other_alphabets_are_found_too(text: str) -> None:
    assert touched([f"«{text.upper()}»", text[: len(text) // 2]], text) == [True, False]


def test_another_order_or_one_changed_word_is_no_contamination() -> None:
    words = QUESTION.rstrip("?").split()
    changed = [*words[:9], "Ulm", *words[10:]]
    assert touched([" ".join(reversed(words)), " ".join(changed[4:])], QUESTION) == [False, False]


def test_a_run_over_the_border_of_two_documents_is_none() -> None:
    words = QUESTION.split()
    assert touched([" ".join(words[:9]), " ".join(words[9:])], QUESTION) == [False, False]
    assert touched([QUESTION], " ".join(words[:9]), " ".join(words[9:])) == [True], "short texts are found whole"


def test_short_evaluation_texts_are_found_as_a_whole_and_very_short_ones_are_counted() -> None:
    short = "What is the capital city of Slovenia today?"
    found = index(short, "True or false?", QUESTION)
    assert [
        label is not None for label in found.touches([f"He asked: {short}", "What is the capital city of Slovenia"])
    ] == [
        True,
        False,
    ]
    assert (found.sets[0].texts, found.sets[0].too_short) == (3, 1)


def test_what_every_question_of_a_set_begins_with_is_no_contamination() -> None:
    form = "The following are multiple choice questions with answers about the history of the city and its people."
    questions = [f"{form} {' '.join(random.Random(seed).choices(LETTERS, k=20))}" for seed in range(30)]
    assert touched([form, questions[7]], *questions) == [False, True]
    assert touched([form], *questions[:3]) == [True], "three texts may be alike by chance"
    assert touched([questions[7]], *[questions[7]] * 30) == [True], "the same text thirty times is one text"


def test_the_first_set_that_is_touched_is_named() -> None:
    other = "Who wrote the novel in which a man wakes one morning and finds that he has become a beetle?"
    found = EvaluationIndex.from_texts({"geography": [QUESTION], "books": [other, QUESTION]})
    assert found.touches([other, f"{other} {QUESTION}", "none"]) == ["books ", "geography ", None]


def test_sets_are_files_and_folders_with_name_and_digest(tmp_path: Path) -> None:
    (tmp_path / "quiz.jsonl").write_bytes(orjson.dumps({"text": QUESTION}) + b"\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").write_text(
        "A text about a beetle that was once a man and now cannot leave his bed again."
    )
    found = EvaluationIndex.read([tmp_path / "quiz.jsonl", tmp_path / "folder"])
    labels = found.touches([QUESTION, "a beetle that was once a man and now cannot leave his bed again", "x"])
    assert labels[0] is not None
    assert labels[0].startswith("quiz.jsonl sha256:")
    assert labels[1] == found.sets[1].label
    assert labels[2] is None


def test_a_set_that_is_missing_or_says_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        EvaluationIndex.read([tmp_path / "nowhere"])
    with pytest.raises(InvalidInput, match="no text of 8 words"):
        index("too short", "")
    (tmp_path / "binary.txt").write_bytes(b"\0\1\2" * 100)
    with pytest.raises(InvalidInput, match=r"binary\.txt"):
        EvaluationIndex.read([tmp_path / "binary.txt"])


def test_an_index_can_be_sent_to_a_worker_and_takes_words_that_are_cut_already() -> None:
    sent = pickle.loads(pickle.dumps(index(QUESTION)))
    assert sent.touches(split_words([QUESTION, "other"])) == ["quiz ", None]


@settings(max_examples=80, deadline=None)
@given(
    evaluation=st.lists(st.integers(8, 30), min_size=1, max_size=4),
    documents=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20), st.integers(0, 30)), max_size=6),
)
def test_it_agrees_with_looking_at_every_run(evaluation: list[int], documents: list[tuple[int, int, int]]) -> None:
    sources = [" ".join(random.Random(number).choices(LETTERS, k=length)) for number, length in enumerate(evaluation)]
    texts = [
        " ".join(["first", *sources[pick % len(sources)].split()[start : start + length], "last"])
        for pick, start, length in documents
    ]

    def expected(text: str) -> bool:
        words = text.split()
        for source in sources:
            its = source.split()
            size = min(13, len(its))
            known = {tuple(its[i : i + size]) for i in range(len(its) - size + 1)}
            if any(tuple(words[i : i + size]) in known for i in range(len(words) - size + 1)):
                return True
        return False

    assert touched(texts, *sources) == [expected(text) for text in texts]
