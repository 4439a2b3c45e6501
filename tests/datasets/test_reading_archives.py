"""Archives: their members are read as the files would be, in order, with a source that a person finds again."""

import io
import json
import tarfile
from pathlib import Path

import pyarrow as pa
import pytest
from tests.datasets import hostile
from tests.datasets.hostile import PACKERS

from kifabrik.core.errors import InvalidInput
from kifabrik.datasets.documents import STANDARD_LIMITS, Passage, SourceFile
from kifabrik.datasets.formats import FORMATS, find_suffix
from kifabrik.datasets.readers import read_passages

MEMBERS = {
    "a/readme.md": "# Grüße aus Łódź".encode(),
    "a/page.html": b"<p>The page.</p>",
    "b.jsonl": b'{"text": "one", "url": "https://example.org/1"}\n\n{"text": "two"}\n',
    "c.csv": b"id,text\n7,seven\n",
    "d.parquet": hostile.parquet(pa.table({"text": ["row one", "row two"]})),
    "e.jsonl.gz": PACKERS["gz"](b'{"text": "packed"}\n'),
    "f.json": b'[{"text": "element"}]',
    "g.docx": hostile.docx(hostile.word(hostile.paragraph("letter"))),
    "h.pdf": hostile.pdf_page(hostile.stream(hostile.words_on_page(b"printed"))),
    "i.py": b"x = 1\n",
    "j.txt": "utf-16".encode("utf-16"),
}
SEEN = [
    ("a/readme.md", "md", "# Grüße aus Łódź"),
    ("a/page.html", "html", "The page."),
    ("b.jsonl:1", "jsonl", "one"),
    ("b.jsonl:3", "jsonl", "two"),
    ("c.csv:2", "csv", "seven"),
    ("d.parquet:1", "parquet", "row one"),
    ("d.parquet:2", "parquet", "row two"),
    ("e.jsonl.gz:1", "jsonl", "packed"),
    ("f.json:1", "json", "element"),
    ("g.docx", "docx", "letter"),
    ("h.pdf", "pdf", "printed"),
    ("i.py", "py", "x = 1\n"),
    ("j.txt", "txt", "utf-16"),
]


def read(path: Path, **options) -> tuple[SourceFile, list[Passage]]:
    file = SourceFile(path, path.name, path.stat().st_size, FORMATS[find_suffix(path.name)])
    return file, list(read_passages(file, limits=STANDARD_LIMITS, **options))


def pack(name: str, members: dict[str, bytes]) -> bytes:
    if name.endswith("zip"):
        return hostile.zipped(members)
    data = hostile.tarred(*members.items())
    end = name.rpartition(".")[2].replace("tgz", "gz")
    return PACKERS[end](data) if end in PACKERS else data


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tgz", "a.tar.bz2", "a.tar.xz", "a.tar.zst"])
def test_members_are_read_as_the_files_would_be(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(pack(name, MEMBERS))

    file, passages = read(tmp_path / name)

    found = [(file.locate(each), file.format_of(each), each.text) for each in passages]
    assert found == [(f"{name}!{place}", kind, text) for place, kind, text in SEEN]
    assert passages[2].url == "https://example.org/1"


def test_archives_in_archives_are_read_two_deep(tmp_path: Path) -> None:
    inner = pack("x.tar.gz", {"note.txt": b"inside"})
    (tmp_path / "a.zip").write_bytes(pack("a.zip", {"b.zip": pack("b.zip", {"c.tgz": inner, "d.txt": b"between"})}))

    file, passages = read(tmp_path / "a.zip")

    assert [(file.locate(each), each.text) for each in passages] == [
        ("a.zip!b.zip!c.tgz!note.txt", "inside"),
        ("a.zip!b.zip!d.txt", "between"),
    ]


def test_what_is_not_read_is_told_with_its_reason(tmp_path: Path) -> None:
    members = {
        "ok.txt": b"fine",
        "picture.png": b"\x89PNG",
        "noname": b"x",
        "empty.txt": b"",
        ".hidden.txt": b"x",
        "__MACOSX/._ok.txt": b"x",
        "binary.txt": b"\0\1",
        "old.txt": b"gr\xfcn",
        "rows.jsonl": b'{"text": "one"}\nbroken\n{"text": "three"}\n',
        "rows.csv": b"id,price\n1,2\n",
    }
    (tmp_path / "a.zip").write_bytes(pack("a.zip", members))
    skipped: dict[str, str] = {}

    file, passages = read(tmp_path / "a.zip", on_skip=skipped.__setitem__)

    assert [file.locate(each) for each in passages] == ["a.zip!ok.txt", "a.zip!rows.jsonl:1", "a.zip!rows.jsonl:3"]
    assert {name.removeprefix("a.zip!"): reason[:34] for name, reason in skipped.items()} == {
        "picture.png": "format .png is not read",
        "noname": "format without suffix is not read",
        "empty.txt": "empty",
        ".hidden.txt": "hidden",
        "__MACOSX/._ok.txt": "hidden",
        "binary.txt": "binary: a zero byte at byte 0",
        "old.txt": "not UTF-8 text: byte 2 is 0xFC; co",
        "rows.jsonl:2": "the line is not valid JSON (column",
        "rows.csv": "has no column 'text'; its columns ",
    }


@pytest.mark.parametrize(
    ("member", "data", "reason"),
    [
        ("b.jsonl", b'{"text": "one"}\nbroken\n', r"a.zip!b.jsonl:2: the line is not valid JSON"),
        ("b.png", b"x", r"a.zip!b.png: format .png is not read"),
        ("b.txt", b"\0", r"a.zip!b.txt: binary: a zero byte at byte 0"),
    ],
)
def test_where_nothing_may_be_skipped_the_member_is_named(
    tmp_path: Path, member: str, data: bytes, reason: str
) -> None:
    (tmp_path / "a.zip").write_bytes(pack("a.zip", {member: data}))

    with pytest.raises(InvalidInput, match=reason):
        read(tmp_path / "a.zip")


def test_conversations_in_archives_keep_their_turns(tmp_path: Path) -> None:
    row = {"prompt": "When?", "completion": "At nine."}
    (tmp_path / "a.zip").write_bytes(pack("a.zip", {"chat.jsonl": json.dumps(row).encode()}))

    _, (passage,) = read(tmp_path / "a.zip")

    assert passage.form == "prompt-completion"
    assert json.loads(passage.messages)[1] == {"role": "assistant", "content": "At nine."}


def test_names_with_other_letters_are_kept(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("Łódź/Grüße " + "lang " * 40 + ".txt")
        info.size = 2
        archive.addfile(info, io.BytesIO(b"ok"))
    (tmp_path / "a.tar").write_bytes(stream.getvalue())

    file, passages = read(tmp_path / "a.tar")

    assert [file.locate(each) for each in passages] == ["a.tar!Łódź/Grüße " + "lang " * 40 + ".txt"]


def test_a_large_member_streams(tmp_path: Path) -> None:
    lines = b"".join(b'{"text": "line %d of many, many lines"}\n' % number for number in range(100_000))
    (tmp_path / "a.tar.gz").write_bytes(pack("a.tar.gz", {"many.jsonl": lines}))

    _, passages = read(tmp_path / "a.tar.gz")

    assert len(passages) == 100_000
    assert passages[-1].text == "line 99999 of many, many lines"
    assert passages[0].bytes_read <= passages[-1].bytes_read <= (tmp_path / "a.tar.gz").stat().st_size
