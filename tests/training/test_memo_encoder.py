from hypothesis import given, settings
from hypothesis import strategies as st
from tests.training.conftest import TEXTS
from tokenizers import Tokenizer

from kifabrik.training.memo_encoder import MemoEncoder
from kifabrik.training.tokenizer import SPECIAL_TOKENS, train_tokenizer

PIECES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [*SPECIAL_TOKENS, "\r\n", "\t\t x", "  \n  def", "ß", "’", "e\u0301", "漢字", "1234567", "\u3000", "🙂"]
    ),
)


TOKENIZER = train_tokenizer(TEXTS, vocabulary=400)
PLAIN = Tokenizer.from_str(TOKENIZER.to_str())
PLAIN.encode_special_tokens = True


@given(text=st.lists(PIECES, max_size=12).map("".join))
@settings(max_examples=400, deadline=None)
def test_memo_encoder_equals_the_library_token_for_token(text: str) -> None:
    ours = MemoEncoder(TOKENIZER).encode(text)

    assert ours == PLAIN.encode(text, add_special_tokens=False).ids


def test_memo_encoder_equals_the_library_on_whole_documents() -> None:
    encoder = MemoEncoder(TOKENIZER)

    assert [encoder.encode(text) for text in TEXTS] == [
        PLAIN.encode(text, add_special_tokens=False).ids for text in TEXTS
    ]


def test_a_special_token_in_a_text_stays_plain_characters() -> None:
    special_ids = {TOKENIZER.token_to_id(token) for token in SPECIAL_TOKENS}

    ids = MemoEncoder(TOKENIZER).encode("a <|endoftext|> b <|prompt|>")

    assert special_ids & set(ids) == set()
    assert TOKENIZER.decode(ids) == "a <|endoftext|> b <|prompt|>"


def test_every_text_comes_back(tokenizer: Tokenizer) -> None:
    text = "Grüße, naïve 漢字 🙂\n\tdef f(x):\r\n    return x ** 2  # 10 000\n"

    assert tokenizer.decode(MemoEncoder(tokenizer).encode(text)) == text
