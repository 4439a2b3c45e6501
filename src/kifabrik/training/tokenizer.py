"""The byte-level BPE tokenizer: its special tokens, its split rule and its training. Knows no model.

The split rule is written in code-point ranges only. So Python's `re` and the library's engine cannot disagree about it,
and no new Unicode version changes what a stored tokenizer does.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from kifabrik.core import files
from kifabrik.core.errors import InvalidInput

END_OF_TEXT = "<|endoftext|>"
PROMPT = "<|prompt|>"
COMPLETION = "<|completion|>"
SPECIAL_TOKENS = (END_OF_TEXT, PROMPT, COMPLETION)

# Written as the characters themselves: the two engines spell escapes differently.
_LETTER = "A-Za-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u1fff\u2c00-\u2fef\u3040-\ud7ff\uf900-\U0010ffff"
_DIGIT = "0-9"
_SPACE = " \t\n\r\f\v\u0085\u00a0\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
# A word with the blank before it; up to three digits; signs; blanks up to the last one, which belongs to the next word.
SPLIT_PATTERN = (
    f" ?[{_LETTER}]+|[{_DIGIT}]{{1,3}}| ?[^{_SPACE}{_LETTER}{_DIGIT}]+|[{_SPACE}]+(?![^{_SPACE}])|[{_SPACE}]"
)


def train_tokenizer(texts: Iterable[str], *, vocabulary: int) -> Tokenizer:
    """Learn a byte-level BPE of at most `vocabulary` entries; raises InvalidInput if there is no text."""
    counter = _Counter()
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT_PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(counter.count(texts), trainer=trainer)
    if not counter.characters:
        raise InvalidInput("the training split holds no text.", where="tokenizer", remedy="Check the dataset again.")
    end_id = tokenizer.token_to_id(END_OF_TEXT)
    # Every text starts after an end-of-text token, as in training, so that its first real token is predicted too.
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{END_OF_TEXT} $A", special_tokens=[(END_OF_TEXT, end_id)]
    )
    return tokenizer


def special_id(tokenizer: Tokenizer, token: str) -> int:
    """Give the id of one of the special tokens."""
    number = tokenizer.token_to_id(token)
    if number is None:
        raise InvalidInput(f"the tokenizer has no token {token}.", where="tokenizer")
    return int(number)


def save(tokenizer: Tokenizer, path: Path) -> None:
    """Write `tokenizer.json` whole or not at all."""
    files.write_text(path, tokenizer.to_str(pretty=True))


def load(path: Path) -> Tokenizer:
    """Read a `tokenizer.json`."""
    return Tokenizer.from_str(path.read_text(encoding="utf-8"))


class _Counter:
    """Counts characters while they pass, to tell an empty stream."""

    def __init__(self) -> None:
        self.characters = 0

    def count(self, texts: Iterable[str]) -> Iterator[str]:
        for text in texts:
            self.characters += len(text)
            yield text
