"""Conversations: five forms become one, the bad line and field are named, and text and turns never drift apart."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kifabrik.core.errors import InvalidInput
from kifabrik.datasets import conversations
from kifabrik.datasets.documents import STANDARD_LIMITS, Passage, SourceFile
from kifabrik.datasets.readers import read_passages

USER, ANSWER = {"role": "user", "content": "Wann öffnet ihr?"}, {"role": "assistant", "content": "Um neun."}
PLAIN = [("user", "Wann öffnet ihr?"), ("assistant", "Um neun.")]


def read_rows(folder: Path, *rows: object, **options) -> list[Passage]:
    path = folder / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    file = SourceFile(path, "a.jsonl", path.stat().st_size, "jsonl")
    return list(read_passages(file, limits=STANDARD_LIMITS, **options))


FORMS = {
    "messages": ("messages", {"messages": [USER, ANSWER]}),
    "messages in parts": (
        "messages",
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Wann öffnet ihr?"}]}, ANSWER]},
    ),
    "sharegpt": (
        "sharegpt",
        {"conversations": [{"from": "human", "value": "Wann öffnet ihr?"}, {"from": "gpt", "value": "Um neun."}]},
    ),
    "alpaca": ("alpaca", {"instruction": "Wann öffnet ihr?", "input": "", "output": "Um neun.", "text": "ignored"}),
    "prompt and completion": ("prompt-completion", {"prompt": "Wann öffnet ihr?", "completion": "Um neun."}),
    "question and answer": ("prompt-completion", {"question": "Wann öffnet ihr?", "answer": "Um neun."}),
    "prompt and completion as messages": ("prompt-completion", {"prompt": [USER], "completion": [ANSWER]}),
    "preference": ("preference", {"prompt": "Wann öffnet ihr?", "chosen": "Um neun.", "rejected": "Weiß nicht."}),
    "preference as messages": (
        "preference",
        {"prompt": [USER], "chosen": [ANSWER], "rejected": [{"role": "assistant", "content": "Weiß nicht."}]},
    ),
    "preference with the prompt in both": (
        "preference",
        {"chosen": [USER, ANSWER], "rejected": [USER, {"role": "assistant", "content": "Weiß nicht."}]},
    ),
}


@pytest.mark.parametrize("case", FORMS)
def test_every_form_becomes_the_one_form(tmp_path: Path, case: str) -> None:
    form, row = FORMS[case]

    (passage,) = read_rows(tmp_path, row)

    assert passage.form == form
    assert conversations.decode(passage.messages) == PLAIN
    assert passage.text == "User: Wann öffnet ihr?\n\nAssistant: Um neun."


def test_alpaca_keeps_the_input_and_the_system_words(tmp_path: Path) -> None:
    row = {"system": "Be brief.", "instruction": "Translate.", "input": "Guten Tag", "output": "Good day"}

    (passage,) = read_rows(tmp_path, row)

    assert conversations.decode(passage.messages) == [
        ("system", "Be brief."),
        ("user", "Translate.\n\nGuten Tag"),
        ("assistant", "Good day"),
    ]


def test_what_a_row_says_about_itself_comes_along(tmp_path: Path) -> None:
    row = {
        "messages": [USER, ANSWER],
        "id": "c-7",
        "license": "CC0-1.0",
        "lang": "de",
        "created_at": "2024-02-03T10:00",
    }

    (passage,) = read_rows(tmp_path, row)

    assert (passage.given_id, passage.licence, passage.language, passage.dated_on) == (
        "c-7",
        "CC0-1.0",
        "de",
        "2024-02-03",
    )


GOOD = {"messages": [USER, ANSWER]}
BAD = {
    "unknown role": (
        {"messages": [{"role": "wizard", "content": "x"}]},
        r"messages\[0\].role: the role 'wizard' is not",
    ),
    "no role": ({"messages": [{"content": "x"}]}, r"messages\[0\].role: the role \(none\)"),
    "empty content": ({"messages": [USER, {"role": "assistant", "content": " "}]}, r"messages\[1\].content is empty"),
    "content missing": ({"messages": [USER, {"role": "assistant"}]}, r"messages\[1\].content is missing"),
    "content of another kind": (
        {"messages": [{"role": "user", "content": 7}]},
        r"messages\[0\].content is not a string",
    ),
    "two users": ({"messages": [USER, USER, ANSWER]}, "messages: turn 2 is by user, expected assistant"),
    "answer first": ({"messages": [ANSWER]}, "messages: turn 1 is by assistant, expected user"),
    "late system words": (
        {"messages": [USER, ANSWER, {"role": "system", "content": "x"}]},
        "messages: turn 3 is by system, expected user",
    ),
    "answer missing": ({"messages": [USER]}, "messages: the answer of the assistant is missing"),
    "only system words": ({"messages": [{"role": "system", "content": "x"}]}, "messages: the answer of the assistant"),
    "no messages": ({"messages": []}, "the field 'messages' is no list of messages"),
    "not a list": ({"messages": "hello"}, "the field 'messages' is no list of messages"),
    "a message that is none": ({"messages": ["hello"]}, r"messages\[0\] is no object with role and content"),
    "tool call": (
        {"messages": [USER, {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}]},
        r"messages\[1\].tool_calls: calls of tools are not read",
    ),
    "picture": (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]},
        r"messages\[0\].content\[0\]: only parts of type 'text' are read",
    ),
    "field missing": ({"text": "not a conversation"}, "the field 'messages' is no list of messages"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_row_is_refused_with_its_line_and_field(tmp_path: Path, case: str) -> None:
    row, reason = BAD[case]

    with pytest.raises(InvalidInput, match=r"^a.jsonl:2: " + reason):
        read_rows(tmp_path, GOOD, row, GOOD)


@pytest.mark.parametrize("case", BAD)
def test_a_bad_row_is_skipped_where_that_is_wanted_and_its_neighbours_are_read(tmp_path: Path, case: str) -> None:
    skipped: dict[str, str] = {}

    passages = read_rows(tmp_path, GOOD, BAD[case][0], GOOD, on_skip=skipped.__setitem__)

    assert [passage.record for passage in passages] == [1, 3]
    assert list(skipped) == ["a.jsonl:2"]


@pytest.mark.parametrize(
    ("good", "bad", "reason"),
    [
        (FORMS["alpaca"][1], {"instruction": "Do.", "output": ""}, "output is empty"),
        (FORMS["alpaca"][1], {"instruction": "Do.", "input": 3, "output": "x"}, "input is not a string"),
        (
            FORMS["sharegpt"][1],
            {"conversations": [{"from": "tool", "value": "x"}]},
            r"conversations\[0\].from: the role",
        ),
        (
            FORMS["sharegpt"][1],
            {"conversations": [{"from": "human", "value": ""}]},
            r"conversations\[0\].value is empty",
        ),
        (FORMS["prompt and completion"][1], {"prompt": "x", "completion": None}, "completion is missing"),
        (FORMS["preference"][1], {"prompt": "x", "chosen": "y", "rejected": "y"}, "chosen and rejected are the same"),
        (FORMS["preference"][1], {"prompt": "x", "chosen": "y", "rejected": ""}, "rejected is empty"),
    ],
)
def test_every_form_is_checked(tmp_path: Path, good: dict, bad: dict, reason: str) -> None:
    with pytest.raises(InvalidInput, match=r"^a.jsonl:2: " + reason):
        read_rows(tmp_path, good, bad)


@pytest.mark.parametrize("case", ["messages", "sharegpt", "alpaca", "preference", "preference as messages"])
def test_conversations_in_parquet_are_read_as_those_in_json_lines(tmp_path: Path, case: str) -> None:
    form, row = FORMS[case]
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist([row, row]), path)

    passages = list(read_passages(SourceFile(path, "a.parquet", 10**6, "parquet"), limits=STANDARD_LIMITS))

    assert [passage.form for passage in passages] == [form, form]
    assert conversations.decode(passages[1].messages) == PLAIN


def test_a_bad_row_in_parquet_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist([GOOD, {"messages": [USER]}]), path)

    with pytest.raises(InvalidInput, match=r"a.parquet:2: messages: the answer of the assistant is missing"):
        list(read_passages(SourceFile(path, "a.parquet", 10**6, "parquet"), limits=STANDARD_LIMITS))


words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).filter(str.strip)
exchanges = st.lists(st.tuples(words, words), min_size=1, max_size=5)


@given(exchanges=exchanges, system=st.none() | words)
def test_every_word_is_in_the_text_and_can_be_changed_in_its_place(exchanges, system) -> None:
    turns = [] if system is None else [("system", system)]
    for asked, answered in exchanges:
        turns += [("user", asked), ("assistant", answered)]
    text, messages = conversations.render(turns), conversations.encode(turns)
    places: list[tuple[int, str]] = []

    def change(content: str, begin: int) -> str:
        places.append((begin, content))
        return content.upper()

    changed = conversations.edit(messages, change)

    assert [text[begin : begin + len(content)] for begin, content in places] == [content for _, content in turns]
    assert conversations.decode(messages) == turns
    assert conversations.decode(changed) == [(role, content.upper()) for role, content in turns]
