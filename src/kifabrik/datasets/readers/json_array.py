"""Reads JSON that is a list of records, or records one after the other, element by element.

Other JSON (settings, package descriptions) is one document, as source code is. Knows JSON's outline, not fields.
"""

import codecs
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import orjson

from kifabrik.datasets.documents import Passage
from kifabrik.datasets.formats import JSON_CODE
from kifabrik.datasets.readers import encodings, records
from kifabrik.datasets.readers.json_lines import require_few_values
from kifabrik.datasets.readers.reading import BrokenRecord, BrokenStream, Reading, Unreadable
from kifabrik.datasets.readers.records import Shape
from kifabrik.datasets.readers.text import read_text

Decode = Callable[[bytes, bool], str]
_CHUNK_BYTES = 1024**2
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()
_HALF = object()  # an element with half a character, which only JSON's escapes can write
_CUT = "the JSON ends in the middle"
_FIX = "Write the file again, best as JSON Lines."


def read_json(reading: Reading, stream: BinaryIO, raw: BinaryIO) -> Iterator[Passage]:
    """Give a passage an element; a file that holds no records is one document of source code."""
    elements = _Elements(reading, stream)
    shape = _look_ahead(elements)
    stream.seek(0)
    if shape is None:
        for passage in read_text(reading, stream):
            yield passage._replace(format=JSON_CODE)
        return
    yield from _read_records(reading, _Elements(reading, stream), shape, raw)


def _look_ahead(elements: "_Elements") -> Shape | None:
    """Find the shape of the first element, or None if it is no record or no JSON at all."""
    try:
        first = next(iter(elements), None)
    except (BrokenRecord, BrokenStream):
        return None
    return records.recognise(first) if isinstance(first, dict) else None


def _read_records(reading: Reading, elements: "_Elements", shape: Shape, raw: BinaryIO) -> Iterator[Passage]:
    number, found = 0, iter(elements)
    while True:
        try:
            row = next(found, None)
        except (BrokenRecord, BrokenStream) as error:  # after broken JSON nobody knows where the next element begins
            reading.stop(number + 1, error.problem, error.remedy)
            return
        if row is None:
            reading.finish()
            return
        number += 1
        try:
            if row is _HALF:
                raise records.lone_surrogate(shape.fields[0])
            if not isinstance(row, dict):
                raise BrokenRecord("the element is no object", records.FIX_LINE)
            passage = records.make_passage(shape, row, number, raw.tell(), reading.limits)
        except BrokenRecord as error:
            reading.refuse(number, error)
            continue
        reading.use()
        yield passage


@dataclass(slots=True)
class _Elements:
    """The top-level elements of a JSON file, one at a time; raises BrokenRecord or BrokenStream."""

    reading: Reading
    stream: BinaryIO
    text: str = ""
    place: int = 0
    is_over: bool = False

    def __iter__(self) -> Iterator[object]:
        decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        is_list = self._next_mark(decode) == "["
        if is_list:
            self.place += 1
        while True:
            mark = self._next_mark(decode)
            if mark == "]" and is_list:
                return
            if not mark:
                if is_list:
                    raise BrokenRecord(_CUT, _FIX)
                return
            yield self._next_element(decode)
            if is_list:
                self._pass_comma(decode)

    def _pass_comma(self, decode: Decode) -> None:
        mark = self._next_mark(decode)
        if mark == ",":
            self.place += 1
        elif mark != "]":
            raise BrokenRecord("the list is not valid JSON: a comma is missing" if mark else _CUT, _FIX)

    def _next_mark(self, decode: Decode) -> str:
        """Go to the next character that is no space and give it, or an empty string at the end."""
        while True:
            match = _SPACE.match(self.text, self.place)
            self.place = match.end() if match else self.place
            if self.place < len(self.text):
                return self.text[self.place]
            if not self._read_more(decode, _CHUNK_BYTES):
                return ""

    def _next_element(self, decode: Decode) -> object:
        wanted, limit = _CHUNK_BYTES, self.reading.limits.line_bytes_max
        while True:
            try:
                element, end = _DECODER.raw_decode(self.text, self.place)
            except json.JSONDecodeError as error:
                if len(self.text) - self.place > limit or not self._read_more(decode, wanted):
                    raise BrokenRecord(f"the element is not valid JSON or too long: {error.msg}", _FIX) from error
                wanted *= 2
                require_few_values(self.text.encode())
                continue
            except RecursionError as error:
                raise BrokenRecord("the element is nested too deeply", _FIX) from error
            if end == len(self.text) and self._read_more(decode, _CHUNK_BYTES):
                continue  # a number may go on
            has_halves = any(self.text.find(half, self.place, end) >= 0 for half in (r"\ud", r"\uD"))
            self.place = end
            return _HALF if has_halves and not _is_whole(element) else element

    def _read_more(self, decode: Decode, size_bytes: int) -> bool:
        if self.is_over:
            return False
        data = self.stream.read(size_bytes)
        self.is_over = not data
        try:
            more = decode(data, self.is_over)
        except UnicodeDecodeError as error:
            raise Unreadable("not UTF-8 text" + encodings.HINT) from error
        self.text, self.place = self.text[self.place :] + more, 0
        return bool(more)


def _is_whole(element: object) -> bool:
    try:
        orjson.dumps(element)
    except TypeError:
        return False
    return True
