import pytest
from tests.training.conftest import TEXTS

from kifabrik.core.errors import InvalidInput
from kifabrik.training.tokenizer import END_OF_TEXT, SPECIAL_TOKENS, load, save, train_tokenizer


def test_the_same_text_gives_the_same_tokenizer() -> None:
    first, second = (train_tokenizer(TEXTS, vocabulary=380).to_str() for _ in range(2))

    assert first == second


def test_special_tokens_come_first_and_text_starts_after_the_end_token(tokenizer) -> None:
    assert [tokenizer.token_to_id(token) for token in SPECIAL_TOKENS] == [0, 1, 2]
    assert tokenizer.encode("x").tokens[0] == END_OF_TEXT


def test_no_text_is_refused_with_one_sentence() -> None:
    with pytest.raises(InvalidInput, match="holds no text"):
        train_tokenizer(iter(["", ""]), vocabulary=380)


def test_a_stored_tokenizer_reads_back(tokenizer, tmp_path) -> None:
    save(tokenizer, tmp_path / "tokenizer.json")

    assert load(tmp_path / "tokenizer.json").to_str() == tokenizer.to_str()
