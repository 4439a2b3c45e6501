import pytest
from tokenizers import Tokenizer

from kifabrik.core.errors import InvalidInput
from kifabrik.training import pair_file
from kifabrik.training.pairs import Pair, PairCounts, extract

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

    pairs = list(extract([("py", PYTHON), ("md", PYTHON)], kind="signature-docstring", counts=counts))

    assert pairs == [
        Pair("async def fetch(url: str, *, timeout=3) -> bytes:", "Fetch a page."),
        Pair("def open(self):", "Open the door."),
    ]
    assert counts.documents == 1


def test_unreadable_sources_and_duplicates_are_counted() -> None:
    counts = PairCounts()
    documents = [("py", PYTHON), (".py", PYTHON), ("py", "print 'old'"), ("py", "\0"), ("py", "x = '\\d'\n")]

    pairs = list(extract(documents, kind="signature-docstring", counts=counts))

    assert len(pairs) == 2
    assert (counts.documents, counts.unreadable_documents, counts.duplicates) == (5, 2, 2)


def test_prose_is_paired_by_heading_and_by_first_sentence() -> None:
    text = (
        "# Opening hours\n\nWe open at nine.\n\n# Empty\n\nThe tram stops at the door. It leaves every ten minutes.\n"
    )

    pairs = list(extract([("md", text)], kind="prompt-completion", counts=PairCounts()))

    assert pairs == [
        Pair("Opening hours", "We open at nine."),
        Pair("Empty", "The tram stops at the door. It leaves every ten minutes."),
        Pair("The tram stops at the door.", "It leaves every ten minutes."),
    ]


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
