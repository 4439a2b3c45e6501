"""Readers: every format gives its documents, in order, with a source that a person finds again."""

import gzip
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kifabrik.datasets.documents import STANDARD_LIMITS, Limits, Passage, SourceFile
from kifabrik.datasets.formats import FORMATS, find_suffix
from kifabrik.datasets.readers import Unreadable, read_passages
from kifabrik.datasets.sources import find_files


def read(path: Path, limits: Limits = STANDARD_LIMITS) -> list[Passage]:
    file = SourceFile(path, path.name, path.stat().st_size, FORMATS[find_suffix(path.name)])
    return list(read_passages(file, limits=limits))


def texts_of(passages: list[Passage]) -> list[tuple[int, str]]:
    return [(passage.record, passage.text) for passage in passages]


@pytest.mark.parametrize("suffix", [".txt", ".md", ".py"])
def test_a_text_file_is_one_document(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes("\ufeffGrüße\r\naus Łódź\n".encode())

    assert texts_of(read(path)) == [(0, "Grüße\r\naus Łódź\n")]


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_json_lines_give_a_document_a_line_and_know_the_line(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    data = b'{"text": "one", "id": 1}\n\n{"text": "zw\\u00f6lf"}\n{"text":"last"}'
    path.write_bytes(gzip.compress(data) if suffix.endswith("gz") else data)

    assert texts_of(read(path)) == [(1, "one"), (3, "zwölf"), (4, "last")]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_parquet_gives_a_document_a_row_and_knows_the_row(tmp_path: Path, kind: pa.DataType) -> None:
    path = tmp_path / "a.parquet"
    column = pa.array(["one", "zwölf", "one"]).cast(kind)
    pq.write_table(pa.table({"number": [1, 2, 3], "text": column}), path)

    assert texts_of(read(path)) == [(1, "one"), (2, "zwölf"), (3, "one")]


def test_a_large_text_file_is_cut_at_line_ends_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    text = "".join(f"Zeile {number} mit Ümläuten\n" for number in range(100))
    path.write_text(text)

    passages = read(path, Limits(document_bytes_max=500))

    assert "".join(passage.text for passage in passages) == text
    assert all(passage.text.endswith("\n") for passage in passages)
    assert max(len(passage.text.encode()) for passage in passages) <= 500
    assert [passage.record for passage in passages] == list(range(1, len(passages) + 1))


@given(lines=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0"), max_size=40), max_size=30))
def test_cutting_keeps_every_character(tmp_path_factory, lines: list[str]) -> None:
    path = tmp_path_factory.mktemp("cut") / "a.txt"
    text = "".join(line + "\n" for line in ["x" * 200, *lines])  # longer than one piece
    path.write_bytes(text.encode())

    passages = read(path, Limits(document_bytes_max=201))

    assert "".join(passage.text for passage in passages) == text.removeprefix("\ufeff")


@given(texts=st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=10))
def test_json_lines_and_parquet_give_back_what_was_written(tmp_path_factory, texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("round")
    (folder / "a.jsonl").write_bytes(b"".join(json.dumps({"text": text}).encode() + b"\n" for text in texts))
    pq.write_table(pa.table({"text": texts}), folder / "a.parquet")

    assert [passage.text for passage in read(folder / "a.jsonl")] == texts
    assert [passage.text for passage in read(folder / "a.parquet")] == texts


def is_text(data: bytes) -> bool:
    return b"\0" not in data and data.decode(errors="ignore").encode() == data


@given(data=st.binary(min_size=1, max_size=300))
def test_any_bytes_are_text_or_skipped(tmp_path_factory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "a.txt"
    path.write_bytes(data)

    if is_text(data):
        assert read(path)[0].text.encode() == data.removeprefix(b"\xef\xbb\xbf")
    else:
        with pytest.raises(Unreadable, match=r"binary|UTF-8"):
            read(path)


def test_files_are_found_in_the_order_of_their_names_with_reasons_for_the_rest(tmp_path: Path) -> None:
    for name in ["b.txt", "a/z.md", "a/.hidden.txt", ".git/x.py", "__pycache__/y.py", "c.png", "noname"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "empty.txt").touch()
    os.mkfifo(tmp_path / "pipe.txt")

    selection = find_files([tmp_path], limits=Limits())

    assert [file.name for file in selection.files] == ["a/z.md", "b.txt"]
    assert {file.path: file.reason for file in selection.skipped} == {
        ".git": "hidden",
        "a/.hidden.txt": "hidden",
        "c.png": "format .png is not read",
        "empty.txt": "empty",
        "noname": "format without suffix is not read",
        "pipe.txt": "not a regular file",
    }


def test_links_are_not_followed_out_of_the_folder_or_round_in_circles(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    for place in (outside, folder):
        place.mkdir()
        (place / "a.txt").write_text(place.name)
    (folder / "secret.txt").symlink_to(outside / "a.txt")
    (folder / "more").symlink_to(outside)
    (folder / "round").symlink_to(folder)

    selection = find_files([folder], limits=Limits())

    assert [file.name for file in selection.files] == ["a.txt"]
    assert [file.path for file in selection.skipped] == ["more", "round", "secret.txt"]


def test_names_are_relative_to_what_all_paths_share(tmp_path: Path) -> None:
    for name in ["one/a.txt", "two/a.txt"]:
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("x")

    both = find_files([tmp_path / "one", tmp_path / "two" / "a.txt"], limits=Limits())
    single = find_files([tmp_path / "one" / "a.txt"], limits=Limits())

    assert [file.name for file in both.files] == ["one/a.txt", "two/a.txt"]
    assert [file.name for file in single.files] == ["a.txt"]


def test_a_file_name_need_not_be_unicode(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"gr\xfc\xdfe.txt")).write_text("x")

    selection = find_files([tmp_path], limits=Limits())

    assert [file.name for file in selection.files] == ["gr\\udcfc\\udcdfe.txt"]
    assert read(selection.files[0].path)[0].text == "x"


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")

    selection = find_files([tmp_path, tmp_path / "a.txt"], limits=Limits())

    assert len(selection.files) == 1
