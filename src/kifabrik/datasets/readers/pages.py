"""Reads web pages, PDF and Word files: their text and what they say of themselves. Runs in the limited process.

Knows three file formats by their libraries, not what texts mean. Pictures, scanned pages and comments are not read.
"""

import codecs
import datetime as dt
import logging
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from kifabrik.datasets.documents import Passage
from kifabrik.datasets.readers import encodings
from kifabrik.datasets.readers.packed import require_expansion
from kifabrik.datasets.readers.reading import BrokenStream, Reading, Unreadable, read_at_most
from kifabrik.datasets.readers.records import read_date
from kifabrik.datasets.readers.text import cut_long, require_document_size

_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_WORDS = "//text()[not(ancestor::script or ancestor::style or ancestor::title or ancestor::template)]"
_HEAD_BYTES = 4096
_NAME_CHARACTERS_MAX = 2_000
_UNPACKED_MAX = 256 * 1024**2


def read_html(reading: Reading, stream: BinaryIO) -> Iterator[Passage]:
    """Give the main text of a web page, with title, date, licence and address where the page names them."""
    import trafilatura  # noqa: PLC0415 # takes half a second; only the process that meets a web page pays it
    from lxml.etree import LxmlError  # noqa: PLC0415
    from lxml.html import HTMLParser, document_fromstring  # noqa: PLC0415
    from trafilatura.settings import Document  # noqa: PLC0415

    logging.disable(logging.CRITICAL)
    parser = HTMLParser(encoding="utf-8", remove_comments=True, collect_ids=False, no_network=True)
    try:
        page = document_fromstring(_decode_html(_read_whole(reading, stream)).encode(), parser=parser)
    except LxmlError as error:
        if any(entry.type_name == "ERR_NO_MEMORY" for entry in error.error_log):
            raise MemoryError from error
        raise Unreadable("no web page: there is no element in it") from error
    found = trafilatura.bare_extraction(page, with_metadata=True, include_comments=False, fast=True)
    named: dict[str, Any] = found.as_dict() if isinstance(found, Document) else {}
    text = named.get("text") or ""
    if not text:  # a page without a main part: all of its words
        parts = (str(each).strip() for each in page.xpath(_WORDS))
        text = "\n".join(part for part in parts if part)
    if not text:
        raise Unreadable("the page holds no text")
    about = {"title": named.get("title"), "url": named.get("url"), "licence": named.get("license")}
    yield from _with_about(cut_long(text, reading), about | {"dated_on": read_date(named.get("date"))})


def read_pdf(reading: Reading, stream: BinaryIO) -> Iterator[Passage]:
    """Give the text of a PDF file, page after page; raises Unreadable for locked files and scanned pages."""
    import pypdf  # noqa: PLC0415 # as above
    from pypdf.errors import PyPdfError  # noqa: PLC0415

    logging.disable(logging.CRITICAL)
    require_document_size(reading.file.size_bytes, reading)
    try:
        document = pypdf.PdfReader(stream, strict=False)
        if document.is_encrypted and not document.decrypt(""):
            raise Unreadable("the PDF is locked with a password")
        text = "\n\n".join(page.extract_text().strip() for page in document.pages).strip()
        named = document.metadata
        about = {"title": named.title, "dated_on": _date_of(named.creation_date)} if named else {}
    except PyPdfError as error:
        raise Unreadable(f"not a readable PDF: {error}") from error
    if not text:
        raise Unreadable("the PDF holds no text; perhaps its pages are scanned pictures")
    yield from _with_about(cut_long(_without_halves(text), reading), about)


def read_docx(reading: Reading, stream: BinaryIO) -> Iterator[Passage]:
    """Give the paragraphs and tables of a Word file in their order."""
    import docx  # noqa: PLC0415 # as above
    from docx.table import Table  # noqa: PLC0415

    _require_honest_zip(reading, stream)
    document = docx.Document(stream)
    lines = []
    for each in document.iter_inner_content():
        if isinstance(each, Table):
            lines += ["\t".join(cell.text for cell in row.cells) for row in each.rows]
        else:
            lines.append(each.text)
    text = "\n".join(lines).strip()
    if not text:
        raise Unreadable("the document holds no text")
    named = document.core_properties
    about = {"title": named.title, "dated_on": _date_of(named.created), "language": (named.language or "")[:2].lower()}
    yield from _with_about(cut_long(text, reading), about)


def _read_whole(reading: Reading, stream: BinaryIO) -> bytes:
    data = read_at_most(stream, reading.limits.packed_file_bytes_max, reading.file.size_bytes)
    require_document_size(len(data), reading)
    return data


def _decode_html(data: bytes) -> str:
    """Decode by byte order mark, as UTF-8, or as the page itself declares; nothing is guessed."""
    declared = _CHARSET.search(data[:_HEAD_BYTES])
    try:
        return encodings.decode(data)
    except Unreadable:
        if declared is None:
            raise
    name = declared[1].decode()
    try:
        return codecs.decode(data, name)
    except (LookupError, UnicodeDecodeError) as error:
        raise Unreadable(f"not {name} text, which it says it is") from error


def _require_honest_zip(reading: Reading, stream: BinaryIO) -> None:
    """Raise Unreadable for a Word file that unpacks to more than any real one, before the library holds all of it."""
    require_document_size(reading.file.size_bytes, reading)
    try:
        with zipfile.ZipFile(stream) as parts:
            size_bytes = sum(part.file_size for part in parts.infolist())
            require_expansion(size_bytes, reading.file.size_bytes, reading.limits)
    except BrokenStream as error:
        raise Unreadable(error.problem) from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise Unreadable("not a Word file (.docx)") from error
    if size_bytes > _UNPACKED_MAX:
        raise Unreadable("its parts unpack to more than 256 MiB")
    stream.seek(0)


def _date_of(moment: dt.datetime | None) -> str:
    return moment.date().isoformat() if moment else ""


def _without_halves(text: str) -> str:
    """PDF fonts may map to half a character; such characters become the sign for an unknown one."""
    return text.encode("utf-8", "replace").decode()


def _with_about(passages: Iterator[Passage], about: dict[str, str | None]) -> Iterator[Passage]:
    known: dict[str, Any] = {
        name: value for name, value in about.items() if value and len(value) <= _NAME_CHARACTERS_MAX
    }
    for passage in passages:
        yield passage._replace(**known)


READERS: dict[str, Callable[[Reading, BinaryIO], Iterator[Passage]]] = {
    "html": read_html,
    "pdf": read_pdf,
    "docx": read_docx,
}
