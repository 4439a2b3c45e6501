"""Records: which field is the text, what else a row says, tables and lists of JSON, and encodings."""

import bz2
import codecs
import csv
import datetime as dt
import gzip
import io
import json
import lzma
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from kifabrik.core.errors import InvalidInput
from kifabrik.datasets.documents import STANDARD_LIMITS, Limits, Passage, SourceFile
from kifabrik.datasets.formats import FORMATS, find_suffix
from kifabrik.datasets.readers import Unreadable, count_row_groups, read_passages

SAID = {
    "id": "d-1",
    "title": "Fog",
    "url": "https://example.org/fog",
    "license": "CC-BY-4.0",
    "date": "2023-11-05",
    "language": "en-GB",
}


def read(path: Path, limits: Limits = STANDARD_LIMITS, **options) -> list[Passage]:
    file = SourceFile(path, path.name, path.stat().st_size, FORMATS[find_suffix(path.name)])
    return list(read_passages(file, limits=limits, **options))


def write(folder: Path, name: str, rows: list[dict]) -> Path:
    path = folder / name
    if name.endswith("parquet"):
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif name.endswith("json"):
        path.write_text(json.dumps(rows, indent=1))
    elif name.endswith("jsonl"):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        stream = io.StringIO()
        table = csv.DictWriter(stream, rows[0].keys(), delimiter="\t" if name.endswith("tsv") else ",")
        table.writeheader()
        table.writerows(rows)
        path.write_text(stream.getvalue())
    return path


NAMES = ["a.jsonl", "a.json", "a.csv", "a.tsv", "a.parquet"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("field", ["text", "content", "body", "raw_content"])
def test_every_kind_of_records_gives_texts_and_what_they_say_about_themselves(
    tmp_path: Path, name: str, field: str
) -> None:
    path = write(tmp_path, name, [{**SAID, field: 'Nebel, "dick"\nüber Łódź'}, {**SAID, field: "two", "id": "d-2"}])

    first, second = read(path)

    assert first.text == 'Nebel, "dick"\nüber Łódź'
    assert first._replace(text="", record=0, bytes_read=0) == Passage(
        "", 0, 0, "", "", "d-1", "Fog", "https://example.org/fog", "CC-BY-4.0", "2023-11-05", "en"
    )
    assert (second.text, second.given_id) == ("two", "d-2")


@pytest.mark.parametrize(("name", "records"), [("a.jsonl", [1, 2]), ("a.json", [1, 2]), ("a.parquet", [1, 2])])
def test_records_are_counted_from_one(tmp_path: Path, name: str, records: list[int]) -> None:
    path = write(tmp_path, name, [{"text": "one"}, {"text": "two"}])

    assert [passage.record for passage in read(path)] == records


def test_a_row_of_a_table_is_found_by_the_line_on_which_it_begins(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", [{"text": "one\nmore"}, {"text": "two"}, {"text": "three"}])

    assert [passage.record for passage in read(path)] == [2, 4, 5]


def test_the_name_text_goes_before_all_others(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", [{"content": "not this", "text": "this"}])

    assert [passage.text for passage in read(path)] == ["this"]


def test_what_stands_in_metadata_counts_unless_the_row_says_more(tmp_path: Path) -> None:
    row = {"text": "x", "meta": {"url": "https://a.example", "license": "MIT"}, "url": "https://b.example"}

    (passage,) = read(write(tmp_path, "a.jsonl", [row]))

    assert (passage.url, passage.licence) == ("https://b.example", "MIT")


@pytest.mark.parametrize(
    ("said", "read_as"),
    [
        ({"date": "2023-11-05T10:00:00Z"}, ("2023-11-05", "")),
        ({"date": "yesterday"}, ("", "")),
        ({"date": 1699178400}, ("", "")),
        ({"language": "deu_Latn"}, ("", "deu")),
        ({"language": "German, mostly"}, ("", "")),
        ({"language": None, "date": None}, ("", "")),
        ({"language": ["de"], "date": {"year": 2023}}, ("", "")),
    ],
)
def test_what_is_no_date_or_language_is_not_guessed_at(tmp_path: Path, said: dict, read_as: tuple[str, str]) -> None:
    (passage,) = read(write(tmp_path, "a.jsonl", [{"text": "x", **said}]))

    assert (passage.dated_on, passage.language) == read_as


def test_what_cannot_be_printed_or_is_too_long_is_left_out(tmp_path: Path) -> None:
    (passage,) = read(write(tmp_path, "a.jsonl", [{"text": "x", "title": "a\0b", "url": "u" * 5000, "id": 7}]))

    assert (passage.title, passage.url, passage.given_id) == ("", "", "7")


def test_dates_of_parquet_are_dates(tmp_path: Path) -> None:
    moments = [dt.datetime(2024, 1, 2, 3, tzinfo=dt.UTC), None]
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["a", "b"], "timestamp": moments}), path)

    assert [passage.dated_on for passage in read(path)] == ["2024-01-02", ""]


@pytest.mark.parametrize(("mark", "name"), [(",", "a.csv"), (";", "a.csv"), ("|", "a.csv"), ("\t", "a.tsv")])
def test_the_separator_of_a_table_is_seen_in_its_header(tmp_path: Path, mark: str, name: str) -> None:
    (tmp_path / name).write_text(f"\ufeffid{mark}Text\n1{mark}one\n\n2{mark}two\n")

    assert [(passage.given_id, passage.text) for passage in read(tmp_path / name)] == [("1", "one"), ("2", "two")]


TABLES = {
    "row too short": ("id,text\n1,a\n2\n3,c\n", "a.csv:3: the row has 1 fields, the header 2"),
    "row too long": ("id,text\n1,a\n2,b,c\n3,c\n", "a.csv:3: the row has 3 fields, the header 2"),
    "stray quote": ('id,text\n1,a\n2,"b"c\n3,c\n', "a.csv:3: the row is not valid CSV"),
    "no text": ("id,price\n1,a\n", "a.csv: has no column 'text'; its columns are: id, price"),
    "open quote": ('id,text\n1,a\n2,"b\n3,c\n', "a.csv:3: the row is not valid CSV: unexpected end of data"),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_broken_table_is_refused_with_its_line(tmp_path: Path, case: str) -> None:
    data, reason = TABLES[case]
    (tmp_path / "a.csv").write_text(data)

    with pytest.raises(InvalidInput) as caught:
        read(tmp_path / "a.csv")

    assert str(caught.value).startswith(reason)
    assert caught.value.remedy


def test_broken_rows_are_left_out_where_that_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text\nbroken\n1,a\n2\n3,c\n")
    skipped: dict[str, str] = {}

    passages = read(tmp_path / "a.csv", on_skip=skipped.__setitem__)

    assert [passage.text for passage in passages] == ["a", "c"]
    assert list(skipped) == ["a.csv:2", "a.csv:4"]


JSON = {
    "one record": '{"text": "a"}',
    "records one after the other": '{"text": "a"}\n{"text": "b"}\n',
    "a list in one line": '[{"text": "a"},{"text": "b"}]',
    "a list with space": ' [\n {"text": "a"} ,\n {"text": "b"}\n]\n',
    "behind a mark": '\ufeff[{"text": "a"}]',
}


@pytest.mark.parametrize("case", JSON)
def test_json_files_of_records_give_a_passage_an_element(tmp_path: Path, case: str) -> None:
    (tmp_path / "a.json").write_text(JSON[case])

    passages = read(tmp_path / "a.json")

    assert [passage.text for passage in passages] == ["a", "b"][: JSON[case].count("text")]
    assert {passage.format for passage in passages} == {""}


@pytest.mark.parametrize("data", ['{"name": "kifabrik", "version": "1"}', "[1, 2]", "[]", '"hello"', "not json {"])
def test_other_json_is_source_code(tmp_path: Path, data: str) -> None:
    (tmp_path / "a.json").write_text(data)

    assert [(passage.text, passage.record, passage.format) for passage in read(tmp_path / "a.json")] == [
        (data, 0, "json-code")
    ]


@pytest.mark.parametrize("end", ['{"text": "c"', "{]", '{"text": "c"} {"text": "d"}]', ""])
def test_a_list_that_breaks_off_is_refused_with_the_element(tmp_path: Path, end: str) -> None:
    (tmp_path / "a.json").write_text('[{"text": "a"}, {"text": "b"}, ' + end)

    with pytest.raises(InvalidInput, match=r"a.json:[34]: "):
        read(tmp_path / "a.json")


@given(
    texts=st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=8), indent=st.none() | st.integers(0, 3)
)
def test_a_list_gives_back_what_was_written(tmp_path_factory, texts: list[str], indent: int | None) -> None:
    path = tmp_path_factory.mktemp("json") / "a.json"
    path.write_text(json.dumps([{"text": text} for text in texts], indent=indent))

    assert [passage.text for passage in read(path)] == texts


@given(texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1, max_size=8))
def test_a_table_gives_back_what_was_written(tmp_path_factory, texts: list[str]) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with path.open("w", newline="") as stream:
        table = csv.writer(stream, quoting=csv.QUOTE_ALL)
        table.writerows([["text"], *([text] for text in texts)])

    assert [passage.text for passage in read(path)] == texts


def test_a_list_larger_than_what_is_read_at_once_is_read_whole(tmp_path: Path) -> None:
    texts = [f"{number} " + "x" * 200_000 for number in range(40)]
    (tmp_path / "a.json").write_text(json.dumps([{"text": text} for text in texts]))

    assert [passage.text for passage in read(tmp_path / "a.json")] == texts


PACKERS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("end", PACKERS)
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.json", "a.txt", "a.py", "a.html"])
def test_packed_files_read_as_unpacked_ones(tmp_path: Path, name: str, end: str) -> None:
    plain = tmp_path / name
    if name.endswith(("jsonl", "csv", "json")):
        write(tmp_path, name, [{"text": f"Zeile {number} über Łódź"} for number in range(500)])
    else:
        plain.write_text("<p>Grüße aus Łódź</p>\n")
    packed = tmp_path / f"{name}.{end}"
    packed.write_bytes(PACKERS[end](plain.read_bytes()))

    assert [(each.record, each.text) for each in read(packed)] == [(each.record, each.text) for each in read(plain)]


@pytest.mark.parametrize("end", PACKERS)
def test_several_packed_streams_in_one_file_are_one(tmp_path: Path, end: str) -> None:
    pack, lines = PACKERS[end], [b'{"text": "one"}\n', b'{"text": "two"}\n']
    (tmp_path / f"a.jsonl.{end}").write_bytes(b"".join(pack(line) for line in lines))

    assert [passage.text for passage in read(tmp_path / f"a.jsonl.{end}")] == ["one", "two"]


@pytest.mark.parametrize("end", PACKERS)
def test_a_long_packed_text_is_cut_as_an_unpacked_one(tmp_path: Path, end: str) -> None:
    text = "".join(f"Zeile {number} mit Ümläuten\n" for number in range(200))
    (tmp_path / f"a.txt.{end}").write_bytes(PACKERS[end](text.encode()))

    passages = read(tmp_path / f"a.txt.{end}", Limits(document_bytes_max=500))

    assert "".join(passage.text for passage in passages) == text
    assert [passage.record for passage in passages] == list(range(1, len(passages) + 1))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv", "a.json", "a.html", "a.py"])
def test_utf_16_is_read_where_the_file_says_so(tmp_path: Path, name: str, encoding: str) -> None:
    if name.endswith(("jsonl", "csv", "json")):
        text = write(tmp_path, name, [{"text": "Grüße aus Łódź"}]).read_text()
    else:
        text = "<p>Grüße aus Łódź</p>" if name.endswith("html") else "Grüße aus Łódź"
    mark = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(encoding, b"")
    (tmp_path / name).write_bytes(mark + text.encode(encoding))

    assert [passage.text for passage in read(tmp_path / name)] == ["Grüße aus Łódź"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"Gr\xfc\xdfe", "not UTF-8 text: byte 2 is 0xFC; convert it first, for example with: iconv -f WINDOWS-1252"),
        ("Grüße".encode("utf-16-le"), "binary: a zero byte at byte 1"),
        (codecs.BOM_UTF16_LE + b"a\0b", "not UTF-16 text: near byte"),
        (codecs.BOM_UTF32_LE + "Grüße".encode("utf-32-le"), "binary: a zero byte"),
        (b"a" * 3_000_000 + b"\xe2\x82", "not UTF-8 text"),
    ],
)
def test_other_encodings_are_refused_with_the_place_and_what_to_do(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "a.txt").write_bytes(data)

    with pytest.raises(Unreadable, match=reason):
        read(tmp_path / "a.txt")


def test_bad_bytes_late_in_a_long_text_are_found_before_a_piece_of_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"line\n" * 400_000 + b"\xfc")

    with pytest.raises(Unreadable, match="not UTF-8 text: byte 2000000 is 0xFC"):
        next(
            iter(
                read_passages(SourceFile(tmp_path / "a.txt", "a.txt", 1, "txt"), limits=Limits(document_bytes_max=9999))
            )
        )


def test_a_text_of_parquet_that_is_no_text_is_named(tmp_path: Path) -> None:
    texts = pa.array([b"one", b"gr\xfc\xdfe", b"three"], pa.binary())
    strings = pa.StringArray.from_buffers(3, texts.buffers()[1], texts.buffers()[2])
    pq.write_table(pa.table({"text": strings}), tmp_path / "a.parquet")
    skipped: dict[str, str] = {}

    passages = read(tmp_path / "a.parquet", on_skip=skipped.__setitem__)

    assert [(passage.record, passage.text) for passage in passages] == [(1, "one"), (3, "three")]
    assert skipped == {"a.parquet:2": "the text is not UTF-8: byte 2 of it is 0xFC"}


def test_a_long_line_costs_itself_and_not_the_rest(tmp_path: Path) -> None:
    lines = [json.dumps({"text": text}) for text in ["one", "x" * 3_000_000, "three"]]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    skipped: dict[str, str] = {}

    passages = read(tmp_path / "a.jsonl", Limits(line_bytes_max=2_000_000), on_skip=skipped.__setitem__)

    assert [(passage.record, passage.text) for passage in passages] == [(1, "one"), (3, "three")]
    assert skipped == {"a.jsonl:2": "the line is longer than 2.0 MB"}


def test_a_file_of_broken_lines_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "good"}\n' + "broken\n" * 50)
    skipped: dict[str, str] = {}

    with pytest.raises(Unreadable, match="20 broken records up to record 21; the rest was not read"):
        read(tmp_path / "a.jsonl", Limits(broken_records_max=20), on_skip=skipped.__setitem__)

    assert len(skipped) == 20


def test_a_file_without_one_good_line_is_one_skipped_file(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"price": 1}\n{"price": 2}\n')
    skipped: dict[str, str] = {}

    with pytest.raises(Unreadable, match=r"none of its 2 records can be used; record 1: .* fields are 'price'"):
        read(tmp_path / "a.jsonl", on_skip=skipped.__setitem__)

    assert skipped == {}


def test_pieces_of_json_lines_give_what_the_whole_gives(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", [{"text": f"line {number}"} for number in range(100)])
    data = path.read_bytes()
    cut = data.index(b"\n", 700) + 1
    before = data[:cut].count(b"\n")

    pieces = [
        SourceFile(path, "a.jsonl", cut, "jsonl", 0, cut, 0),
        SourceFile(path, "a.jsonl", len(data) - cut, "jsonl", cut, len(data), before),
    ]
    found = [passage for piece in pieces for passage in read_passages(piece, limits=STANDARD_LIMITS)]

    assert [(each.record, each.text) for each in found] == [(each.record, each.text) for each in read(path)]


def test_pieces_of_parquet_give_what_the_whole_gives(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [f"row {number}" for number in range(100)]}), path, row_group_size=30)
    file = SourceFile(path, "a.parquet", path.stat().st_size, "parquet")

    groups = count_row_groups(file, limits=STANDARD_LIMITS)
    pieces = [
        SourceFile(path, "a.parquet", 10, "parquet", 0, 2, 0),
        SourceFile(path, "a.parquet", 10, "parquet", 2, 4, 60),
    ]
    found = [passage for piece in pieces for passage in read_passages(piece, limits=STANDARD_LIMITS)]

    assert [rows for rows, _ in groups] == [30, 30, 30, 10]
    assert all(0 < size_bytes < path.stat().st_size for _, size_bytes in groups)
    assert [(each.record, each.text) for each in found] == [(each.record, each.text) for each in read(path)]


def test_row_groups_of_what_is_no_parquet_are_not_counted(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 nothing PAR1")

    with pytest.raises(Unreadable, match="not a Parquet file"):
        count_row_groups(SourceFile(tmp_path / "a.parquet", "a.parquet", 17, "parquet"), limits=STANDARD_LIMITS)
