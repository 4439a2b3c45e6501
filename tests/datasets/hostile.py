"""Makes hostile files: each function writes one into a folder or gives its bytes. None of them is kept in the tree."""

import bz2
import gzip
import io
import lzma
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

Make = Callable[[Path], Path]
MEGABYTE = 1024**2
LINE = b'{"text": "' + b"a" * 1000 + b'"}\n'


def writing(name: str, data: bytes | Callable[[], bytes]) -> Make:
    """A file of these bytes."""

    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(data if isinstance(data, bytes) else data())
        return path

    return make


def zipped(members: dict[str, bytes], *, level: int = 9) -> bytes:
    """A zip file with these members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def tarred(*members: tarfile.TarInfo | tuple[str, bytes]) -> bytes:
    """A tar file with these members."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return stream.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """A tar member that is no file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def many_at_one_place(count: int) -> bytes:
    """A zip whose directory names one packed megabyte many times over (David Fifield's idea)."""
    data = zipped({"a.txt": b"a" * MEGABYTE})
    end = data.rindex(b"PK\5\6")
    begin = struct.unpack("<I", data[end + 16 : end + 20])[0]
    directory = data[begin:end] * count
    closing = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, len(directory), begin, 0)
    return data[:begin] + directory + closing


def nested_zip(depth: int) -> bytes:
    """A zip in a zip in a zip."""
    data = zipped({"a.txt": b"innermost"})
    for _ in range(depth):
        data = zipped({"more.zip": data})
    return data


def locked_zip() -> bytes:
    """A zip whose member says that it is locked."""
    data = bytearray(zipped({"a.txt": b"secret"}))
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    return bytes(data)


def linking_zip() -> bytes:
    """A zip with a link to a file of the system."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        info = zipfile.ZipInfo("link.txt")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return stream.getvalue()


def damaged_zip() -> bytes:
    """A zip with one good member and one whose bytes were changed."""
    data = bytearray(zipped({"bad.txt": b"x" * 300 + bytes(range(32, 120)), "good.txt": b"fine"}))
    data[45] ^= 0xFF
    return bytes(data)


def docx(document: str, *, more: dict[str, bytes] | None = None) -> bytes:
    """A Word file around the XML of its document."""
    types = (
        '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Override PartName="/word/document.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
    )
    relations = (
        '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"'
        ' Target="word/document.xml"/></Relationships>'
    )
    parts = {"[Content_Types].xml": types.encode(), "_rels/.rels": relations.encode()}
    return zipped({**parts, "word/document.xml": document.encode(), **(more or {})})


def word(body: str, *, before: str = "") -> str:
    """The XML of a Word document with this body."""
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    return f'<?xml version="1.0"?>{before}<w:document xmlns:w="{space}"><w:body>{body}</w:body></w:document>'


def paragraph(text: str) -> str:
    """A paragraph of Word's XML."""
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


LAUGHS = (
    '<!DOCTYPE d [<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)) + "]>"
)
LEAK = '<!DOCTYPE d [<!ENTITY leak SYSTEM "file:///etc/passwd">]>'


def pdf(*objects: bytes, trailer: bytes = b"/Root 1 0 R") -> bytes:
    """A PDF of these objects, numbered from 1, with a table that says where they lie."""
    data, places = b"%PDF-1.7\n", []
    for number, each in enumerate(objects, start=1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    begin = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    data += b"".join(b"%010d 00000 n \n" % place for place in places)
    return data + b"trailer\n<< /Size %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, begin)


def stream(content: bytes, *, packed: bool = False) -> bytes:
    """A stream object of a PDF."""
    data = zlib.compress(content, 9) if packed else content
    way = b"/Filter /FlateDecode " if packed else b""
    return b"<< %s/Length %d >>\nstream\n%s\nendstream" % (way, len(data), data)


def pdf_page(content: bytes) -> bytes:
    """A PDF with one page of this content object."""
    return pdf(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        content,
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )


def words_on_page(text: bytes) -> bytes:
    """What a page must draw to show a text."""
    return b"BT /F1 12 Tf 72 720 Td (" + text + b") Tj ET\n"


def parquet(table: pa.Table, **options) -> bytes:
    """A Parquet file."""
    stream = io.BytesIO()
    pq.write_table(table, stream, **options)
    return stream.getvalue()


def dictionary_bomb() -> bytes:
    """A Parquet file of one long text and a million rows that all point to it."""
    text = pa.DictionaryArray.from_arrays(np.zeros(1_000_000, dtype=np.int32), pa.array(["x" * 500_000]))
    return parquet(pa.table({"text": text}), compression="zstd", dictionary_pagesize_limit=10 * MEGABYTE)


def many_empty_rows() -> bytes:
    """A Parquet file of twenty million rows without a letter in a few kilobytes."""
    text = pa.DictionaryArray.from_arrays(np.zeros(20_000_000, dtype=np.int32), pa.array([""]))
    return parquet(pa.table({"text": text}), compression="zstd")


def with_footer_length(length: int) -> bytes:
    """A Parquet file that lies about the length of its footer."""
    data = parquet(pa.table({"text": ["one", "two"]}))
    return data[:-8] + struct.pack("<I", length) + b"PAR1"


def one_long_line(folder: Path) -> Path:
    """A gigabyte of one line; most of it is a hole that takes no disk."""
    path = folder / "long.jsonl"
    with path.open("wb") as stream:
        stream.write(b'{"text": "' + b"a" * 40 * MEGABYTE)
        stream.truncate(1024 * MEGABYTE)
    return path


def hole(folder: Path) -> Path:
    """A hundred gigabytes of nothing, called a text."""
    path = folder / "hole.txt"
    with path.open("wb") as stream:
        stream.truncate(100 * 1024 * MEGABYTE)
    return path


def wide_xz() -> bytes:
    """An xz file that asks for a dictionary of a gigabyte and a half."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 4096}]
    data = bytearray(lzma.compress(LINE, lzma.FORMAT_XZ, filters=filters))
    place = data.index(b"\x21\x01", 12) + 2  # the size of the dictionary in the head of the block
    data[place] = 37
    size = (data[12] + 1) * 4
    data[12 + size - 4 : 12 + size] = struct.pack("<I", zlib.crc32(bytes(data[12 : 12 + size - 4])))
    return bytes(data)


def wide_zstd() -> bytes:
    """A zstd frame that asks for a window of a gigabyte."""
    window = (30 - 10) << 3
    return b"\x28\xb5\x2f\xfd" + bytes([0, window]) + b"\x01\x00\x00"


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda data: gzip.compress(data, 9),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor(level=9).compress,
}
PICKLE = pickle.dumps({"text": "hello", "code": print})


def sparse_tar() -> bytes:
    """A tar whose only member says that it is a terabyte with a hole in it."""
    info = tarfile.TarInfo("huge.txt")
    info.size = 10
    head = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    head[156:157] = tarfile.GNUTYPE_SPARSE
    head[483:495] = tarfile.itn(2**40, 12, tarfile.GNU_FORMAT)
    head[148:156] = b"%06o\0 " % (sum(head[:148]) + sum(head[156:512]) + 8 * 32)
    return bytes(head) + b"x" * 10 + bytes(502) + bytes(1024)
