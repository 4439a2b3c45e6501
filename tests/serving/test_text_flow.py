"""Text leaves whole, stops cut exactly, and nothing is lost or doubled, however the tokens fall."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kifabrik.serving.text_flow import TextFlow


def decode(tokens: Sequence[int]) -> str:
    return bytes(tokens).decode(errors="replace")


def run(data: bytes, stops: Sequence[str] = ()) -> tuple[list[str], bool]:
    flow = TextFlow(decode, stops=stops)
    pieces = []
    for token in data:
        pieces.append(flow.push(token))
        if flow.is_stopped:
            return pieces, True
    return [*pieces, flow.end()], flow.is_stopped


@given(st.text(), st.lists(st.text(alphabet="ab\n", min_size=1, max_size=4), max_size=3))
def test_pieces_join_to_the_text_up_to_the_first_stop(text: str, stops: list[str]) -> None:
    pieces, is_stopped = run(text.encode(), stops)

    places = [text.find(stop) for stop in stops if stop in text]
    assert is_stopped == bool(places)
    said = "".join(pieces)
    if places:
        # Tokens come one by one, so the stop that is complete first cuts, at its own beginning.
        assert text.startswith(said)
        assert any(text.startswith(said + stop) for stop in stops)
        assert not any(stop in said for stop in stops)
    else:
        assert said == text


@given(st.text(alphabet="abé€😀", min_size=1))
def test_no_piece_holds_half_a_character(text: str) -> None:
    pieces, _ = run(text.encode())

    assert "\ufffd" not in "".join(pieces)


def test_beginning_of_a_stop_is_held_back_until_it_is_none() -> None:
    flow = TextFlow(decode, stops=["\n\ndef"])

    pieces = [flow.push(token) for token in b"a\n\ndog"]

    assert pieces == ["a", "", "", "", "\n\ndo", "g"]


@pytest.mark.parametrize("stops", [["aab"], ["aab", "zz"]])
def test_overlapping_beginnings_of_a_stop(stops: list[str]) -> None:
    assert run(b"aaab", stops) == (["", "", "a", ""], True)


def test_half_a_character_at_the_end_shows_as_a_replacement() -> None:
    assert run("é".encode()[:1]) == (["", "\ufffd"], False)
