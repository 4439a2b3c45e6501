"""Passages as bytes between two processes: a small header in JSON and the texts themselves. No pickle, no code."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat

import orjson

from kifabrik.datasets.documents import Passage
from kifabrik.datasets.readers.reading import BrokenRecord, Reading

_FIRST_MORE = 3
_MORE = Passage._fields[_FIRST_MORE:]
Buffer = bytes | memoryview


@dataclass(slots=True)
class Block:
    """Some passages: the UTF-8 of their texts one after the other, and for each its length, record and place."""

    texts: Sequence[Buffer]
    lengths: list[int]
    records: list[int]
    places: list[int]
    more: dict[str, list[str] | str] = field(default_factory=dict)  # one string where all passages say the same

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
    more: dict[str, list[str] | str] = {}
    columns = list(zip(*passages, strict=True))[_FIRST_MORE:] if passages else []
    for name, values in zip(_MORE, columns, strict=False):
        if len(set(values)) == 1:
            more[name] = values[0]
        else:
            more[name] = list(values)
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
    columns = [block.more.get(name, "") for name in _MORE]
    more = zip(*(repeat(column) if isinstance(column, str) else column for column in columns), strict=False)
    for length, record, place, said in zip(block.lengths, block.records, block.places, more, strict=False):
        try:
            text = str(texts[begin : begin + length], "utf-8")
        except UnicodeDecodeError as error:
            problem = f"the text is not UTF-8: byte {error.start} of it is 0x{error.object[error.start]:02X}"
            reading.refuse(record, BrokenRecord(problem, "Write the file as UTF-8."))
            continue
        finally:
            begin += length
        reading.use()
        yield Passage._make((text, record, place, *said))
