import json

import jinja2
import pytest
from tokenizers import Tokenizer

from kifabrik.core.errors import InvalidInput
from kifabrik.training import pair_file
from kifabrik.training.pairs import Pair, PairCounts, Source, extract

PYTHON = '''
async def fetch(url: str, *, timeout=3) -> bytes:
    """Fetch a page.

    More about it.
    """

class Door:
    def open(self):
        """Open
        the door."""

    def close(self):
        pass
'''


def test_signatures_and_first_paragraphs_are_paired() -> None:
    counts = PairCounts()

    pairs = list(extract([Source("py", PYTHON), Source("md", PYTHON)], kind="signature-docstring", counts=counts))

    assert pairs == [
        Pair("async def fetch(url: str, *, timeout=3) -> bytes:", "Fetch a page."),
        Pair("def open(self):", "Open the door."),
    ]
    assert counts.documents == 1


def test_unreadable_sources_and_duplicates_are_counted() -> None:
    counts = PairCounts()
    texts = [("py", PYTHON), (".py", PYTHON), ("py", "print 'old'"), ("py", "\0"), ("py", "x = '\\d'\n")]
    documents = [Source(*each) for each in texts]

    pairs = list(extract(documents, kind="signature-docstring", counts=counts))

    assert len(pairs) == 2
    assert (counts.documents, counts.unreadable_documents, counts.duplicates) == (5, 2, 2)


def test_prose_is_paired_by_heading_and_by_first_sentence() -> None:
    text = (
        "# Opening hours\n\nWe open at nine.\n\n# Empty\n\nThe tram stops at the door. It leaves every ten minutes.\n"
    )

    pairs = list(extract([Source("md", text)], kind="prompt-completion", counts=PairCounts()))

    assert pairs == [
        Pair("Opening hours", "We open at nine."),
        Pair("Empty", "The tram stops at the door. It leaves every ten minutes."),
        Pair("The tram stops at the door.", "It leaves every ten minutes."),
    ]


CONVERSATION = json.dumps(
    [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "When do you open?"},
        {"role": "assistant", "content": "At nine."},
        {"role": "user", "content": "And on Sundays?"},
        {"role": "assistant", "content": "Never."},
    ]
)


def test_every_answer_of_a_conversation_is_a_pair_with_what_came_before() -> None:
    counts = PairCounts()

    pairs = list(extract([Source("jsonl", "not looked at", CONVERSATION)], kind="prompt-completion", counts=counts))

    first = ("Be brief.\nWhen do you open?", "At nine.")
    assert pairs == [Pair(*first), Pair("And on Sundays?", "Never.", before=(first,))]
    assert counts.documents == 1


def test_a_conversation_is_encoded_as_the_chat_template_writes_it(tokenizer: Tokenizer, tmp_path) -> None:
    pairs = extract([Source("jsonl", "", CONVERSATION)], kind="prompt-completion", counts=PairCounts())

    write(pairs, tokenizer, tmp_path, context_tokens=256)

    stored = pair_file.read(tmp_path / "pairs")
    begin, end = (int(place) for place in stored.sequences.starts[1:3])
    written = tokenizer.decode(list(stored.sequences.tokens[begin:end]), skip_special_tokens=False)
    template = jinja2.Template(pair_file.CHAT_TEMPLATE)
    assert written == template.render(messages=json.loads(CONVERSATION), bos_token="<|endoftext|>")


def test_the_oldest_exchanges_are_left_out_where_the_context_is_short(tokenizer: Tokenizer, tmp_path) -> None:
    before = tuple((f"Question {number}?", f"Answer {number}.") for number in range(40))

    sizes = write([Pair("Last?", "Yes.", before)], tokenizer, tmp_path, context_tokens=64)

    stored = pair_file.read(tmp_path / "pairs")
    head = tokenizer.decode(list(stored.sequences.tokens[: stored.prompt_tokens[0]]))
    assert (sizes.pairs, sizes.dropped_long_prompts) == (1, 0)
    assert stored.prompt_tokens[0] <= 32
    assert "Answer 39." in head
    assert "Answer 0." not in head
    assert head.endswith("Last?")


def write(pairs, tokenizer, tmp_path, *, context_tokens=64):
    return pair_file.write(
        tmp_path / "pairs", pairs, counts=PairCounts(documents=3), tokenizer=tokenizer, context_tokens=context_tokens
    )


def test_what_is_cut_and_left_out_is_counted(tokenizer: Tokenizer, tmp_path) -> None:
    short, long_answer = Pair("def f():", "Do."), Pair("def g():", "Do it again and again. " * 30)
    long_prompt = Pair("def h(" + "argument, " * 60 + "):", "Do.")

    sizes = write([short, long_answer, long_prompt], tokenizer, tmp_path)

    assert (sizes.pairs, sizes.truncated_completions, sizes.dropped_long_prompts) == (2, 1, 1)
    stored = pair_file.read(tmp_path / "pairs")
    assert stored.sequences.starts[-1] - stored.sequences.starts[-2] == 65


def test_a_sequence_decodes_to_prompt_completion_and_end(tokenizer: Tokenizer, tmp_path) -> None:
    write([Pair("def f():", "Do.")], tokenizer, tmp_path)

    stored = pair_file.read(tmp_path / "pairs")

    tokens = stored.sequences.tokens.tolist()
    assert tokenizer.decode(tokens, skip_special_tokens=False) == (
        "<|endoftext|><|prompt|>def f():<|completion|>Do.<|endoftext|>"
    )
    assert tokenizer.decode(tokens[stored.prompt_tokens[0] :]) == "Do."


def test_no_pair_at_all_is_refused_with_the_way_out(tokenizer: Tokenizer, tmp_path) -> None:
    with pytest.raises(InvalidInput, match=r"no pair to fine-tune on.*prompt-completion"):
        write([], tokenizer, tmp_path)
