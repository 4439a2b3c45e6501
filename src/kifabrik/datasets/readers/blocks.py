"""Passages as bytes between two processes: a small header in JSON and the texts themselves. No pickle, no code."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import orjson

from kifabrik.datasets.documents import Passage
from kifabrik.datasets.readers.reading import BrokenRecord, Reading

_MORE = Passage._fields[3:]
Buffer = bytes | memoryview


@dataclass(slots=True)
class Block:
    """Some passages: the UTF-8 of their texts one after the other, and for each its length, record and place."""

    texts: Sequence[Buffer]
    lengths: list[int]
    records: list[int]
    places: list[int]
    more: dict[str, list[str]] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """Bytes of all texts."""
        return sum(self.lengths)

    def header(self) -> bytes:
        """Write everything but the texts."""
        return orjson.dumps(
            {"lengths": self.lengths, "records": self.records, "places": self.places, "more": self.more}
        )


def pack(passages: Sequence[Passage]) -> Block:
    """Put passages into a block; raises UnicodeEncodeError for half a character."""
    texts = [passage.text.encode() for passage in passages]
    more = {}
    for place, name in enumerate(_MORE, start=3):
        values = [str(passage[place]) for passage in passages]
        if any(values):
            more[name] = values
    return Block(
        texts,
        [len(text) for text in texts],
        [each.record for each in passages],
        [each.bytes_read for each in passages],
        more,
    )


def read_header(header: bytes) -> Block:
    """Read a header; its texts come apart from it."""
    row = orjson.loads(header)
    return Block((), row["lengths"], row["records"], row["places"], row["more"])


def unpack(block: Block, texts: memoryview, reading: Reading) -> Iterator[Passage]:
    """Take passages out of a block; a text that is no UTF-8 is refused as a broken record."""
    begin = 0
    more = list(zip(*block.more.values(), strict=True)) if block.more else None
    names = tuple(block.more)
    for number, (length, record, place) in enumerate(zip(block.lengths, block.records, block.places, strict=True)):
        try:
            text = str(texts[begin : begin + length], "utf-8")
        except UnicodeDecodeError as error:
            problem = f"the text is not UTF-8: byte {error.start} of it is 0x{error.object[error.start]:02X}"
            reading.refuse(record, BrokenRecord(problem, "Write the file as UTF-8."))
            continue
        finally:
            begin += length
        reading.use()
        if more is None:
            yield Passage(text, record, place)
        else:
            yield Passage(text, record, place, **dict(zip(names, more[number], strict=True)))
