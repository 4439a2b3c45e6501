"""Takes what was found out of a text, out of the turns of a conversation, and out of what a file says beside its text.

Knows items and their fields; how a value is replaced is written in `datasets.redaction`.
"""

from collections.abc import Sequence
from hashlib import sha256

from kifabrik.datasets import conversations
from kifabrik.datasets.detectors.rule import Hit
from kifabrik.datasets.detectors.scanner import Scanner
from kifabrik.datasets.documents import Passage
from kifabrik.datasets.keys import Key
from kifabrik.datasets.pipeline.rows import Item
from kifabrik.datasets.pseudonyms import Pseudonyms
from kifabrik.datasets.redaction import RedactionAction, redact, redact_fully

_ROUNDS_MAX = 4
_SPOKEN_FIELDS = ("given_id", "title", "url")  # what people write beside a text; the rest is made by machines


class Redactor:
    """Redacts blocks of items with one action under one key."""

    def __init__(self, scanner: Scanner, action: RedactionAction, key: Key) -> None:
        self._scanner, self._action = scanner, action
        self._pseudonyms = Pseudonyms(key)

    def redact(self, items: Sequence[Item], hits: Sequence[Sequence[Hit]], languages: Sequence[str]) -> list[Item]:
        """Give the items without the values that were found, and with the digests of their new texts."""
        plain = redact_fully(
            [item.passage.text for item in items],
            [() if item.passage.messages else found for item, found in zip(items, hits, strict=True)],
            action=self._action,
            pseudonyms=self._pseudonyms,
            scanner=self._scanner,
            is_code=[item.is_code for item in items],
            languages=languages,
        )
        done: list[Item] = []
        for item, text, found in zip(self._clean_fields(items), plain, hits, strict=True):
            real = [hit for hit in found if not hit.is_example]
            if not real:
                done.append(item)
            elif item.passage.messages:
                done.append(self._redact_turns(item, real))
            else:
                done.append(_with_text(item, item.passage._replace(text=text)))
        return done

    def _redact_turns(self, item: Item, hits: Sequence[Hit]) -> Item:
        """Redact turn by turn and write the text anew from the turns, so that the two never drift apart."""
        passage = item.passage
        for number in range(_ROUNDS_MAX):
            if not hits:
                break
            action = RedactionAction.MASK if number == _ROUNDS_MAX - 1 else self._action
            surfaces = _surfaces(passage.text, hits)

            def change(
                content: str, _place: int, action: RedactionAction = action, known: dict[str, Hit] = surfaces
            ) -> str:
                return redact(content, _occurrences(content, known), action=action, pseudonyms=self._pseudonyms)

            messages = conversations.edit(passage.messages, change)
            passage = passage._replace(messages=messages, text=conversations.render(conversations.decode(messages)))
            found = self._scanner.scan([passage.text], is_code=[False])[0]
            hits = [hit for hit in found if not hit.is_example]
        return _with_text(item, passage)

    def _clean_fields(self, items: Sequence[Item]) -> list[Item]:
        """Empty the fields beside a text that hold an identifier."""
        places = [
            (number, name)
            for number, item in enumerate(items)
            for name in _SPOKEN_FIELDS
            if getattr(item.passage, name)
        ]
        cleaned = list(items)
        if not places:
            return cleaned
        values = [str(getattr(items[number].passage, name)) for number, name in places]
        found = self._scanner.scan(values, is_code=[False] * len(values))
        for (number, name), hits in zip(places, found, strict=True):
            if any(not hit.is_example for hit in hits):
                item = cleaned[number]
                cleaned[number] = item._replace(passage=_empty(item.passage, name))
        return cleaned


def _empty(passage: Passage, name: str) -> Passage:
    return passage._replace(
        given_id="" if name == "given_id" else passage.given_id,
        title="" if name == "title" else passage.title,
        url="" if name == "url" else passage.url,
    )


def _surfaces(text: str, hits: Sequence[Hit]) -> dict[str, Hit]:
    """Give the strings that were found; a hit over the border of two turns is cut at the border."""
    pieces = ((piece.strip(), hit) for hit in hits for piece in text[hit.start : hit.end].split("\n\n"))
    return {piece: hit for piece, hit in pieces if piece}


def _occurrences(content: str, surfaces: dict[str, Hit]) -> list[Hit]:
    """Find every place of the strings in a turn, the longest string first, none twice."""
    found: list[Hit] = []
    for surface, hit in sorted(surfaces.items(), key=lambda row: -len(row[0])):
        start = content.find(surface)
        while start >= 0:
            end = start + len(surface)
            if not any(start < other.end and other.start < end for other in found):
                found.append(hit._replace(start=start, end=end))
            start = content.find(surface, end)
    return found


def _with_text(item: Item, passage: Passage) -> Item:
    data = passage.text.encode()
    return item._replace(passage=passage, data=data, digest=sha256(data).digest())
