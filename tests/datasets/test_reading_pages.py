"""Web pages, PDF and Word files: their text, and what they say about themselves."""

import datetime as dt
from pathlib import Path

import docx
import pypdf
import pytest
from tests.datasets import hostile

from kifabrik.datasets.documents import STANDARD_LIMITS, Limits, Passage, SourceFile
from kifabrik.datasets.formats import FORMATS, find_suffix
from kifabrik.datasets.readers import Unreadable, read_passages

ARTICLE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Fog over Łódź | The Paper</title>
<meta name="date" content="2023-11-05"><link rel="canonical" href="https://example.org/fog">
<script>var hidden = "not a word of the text";</script><style>p { color: red }</style></head>
<body><nav><a href="/">Home</a><a href="/news">News</a></nav><article><h1>Fog over Łódź</h1>
<p>The fog came in the night and stayed for three days. Trams were late, and the airport was closed until Friday.</p>
<p>On the fourth day the wind turned to the west, and by noon the sun shone on the roofs of the old town again.</p>
<p>This text is under <a rel="license" href="https://creativecommons.org/licenses/by/4.0/">CC BY 4.0</a>.</p></article>
<footer>All about cookies</footer></body></html>"""


def read(path: Path, limits: Limits = STANDARD_LIMITS) -> list[Passage]:
    file = SourceFile(path, path.name, path.stat().st_size, FORMATS[find_suffix(path.name)])
    return list(read_passages(file, limits=limits))


@pytest.mark.parametrize("name", ["a.html", "a.htm"])
def test_a_web_page_gives_its_main_text_and_what_it_says_about_itself(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(ARTICLE)

    (passage,) = read(tmp_path / name)

    assert "stayed for three days" in passage.text
    assert "sun shone on the roofs" in passage.text
    assert "not a word" not in passage.text
    assert "cookies" not in passage.text
    assert passage.title.startswith("Fog over Łódź")
    assert (passage.url, passage.licence, passage.dated_on) == ("https://example.org/fog", "CC BY 4.0", "2023-11-05")


def test_a_page_without_a_main_part_gives_all_of_its_words(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<div>Grüße</div><script>no()</script><div>aus Łódź</div>")

    assert [passage.text for passage in read(tmp_path / "a.html")] == ["Grüße\naus Łódź"]


def test_a_page_is_decoded_as_it_declares(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes('<meta charset="windows-1252"><p>Grüße, 5 €</p>'.encode("cp1252"))

    assert [passage.text for passage in read(tmp_path / "a.html")] == ["Grüße, 5 €"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("<p>Grüße</p>".encode("cp1252"), "not UTF-8 text: byte 5 is 0xFC"),
        (b'<meta charset="klingon"><p>Gr\xfc\xdfe</p>', "not klingon text, which it says it is"),
        (b"<html><body><script>only()</script></body></html>", "the page holds no text"),
        (b"  ", "no web page: there is no element in it"),
    ],
)
def test_a_page_that_cannot_be_read_says_why(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "a.html").write_bytes(data)

    with pytest.raises(Unreadable, match=reason):
        read(tmp_path / "a.html")


def write_pdf(path: Path, *, password: str = "") -> None:
    path.write_bytes(hostile.pdf_page(hostile.stream(hostile.words_on_page(b"The fog came in the night."))))
    writer = pypdf.PdfWriter(clone_from=path)
    writer.add_metadata({"/Title": "Fog", "/CreationDate": "D:20231105100000Z"})
    if password:
        writer.encrypt(password)
    writer.write(path)


def test_a_pdf_gives_its_text_title_and_date(tmp_path: Path) -> None:
    write_pdf(tmp_path / "a.pdf")

    (passage,) = read(tmp_path / "a.pdf")

    assert (passage.text, passage.record) == ("The fog came in the night.", 0)
    assert (passage.title, passage.dated_on) == ("Fog", "2023-11-05")


def test_a_locked_pdf_says_so(tmp_path: Path) -> None:
    write_pdf(tmp_path / "a.pdf", password="mist")

    with pytest.raises(Unreadable, match="locked with a password"):
        read(tmp_path / "a.pdf")


def test_a_pdf_without_words_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(hostile.pdf_page(hostile.stream(b"0 0 100 100 re f")))

    with pytest.raises(Unreadable, match="holds no text; perhaps its pages are scanned pictures"):
        read(tmp_path / "a.pdf")


def test_a_word_file_gives_paragraphs_and_tables_in_their_order(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_heading("Fog", level=1)
    document.add_paragraph("Grüße aus Łódź")
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "tram", "late"
    document.add_paragraph("The end")
    document.core_properties.title = "Fog"
    document.core_properties.language = "de-DE"
    document.core_properties.created = dt.datetime(2023, 11, 5, tzinfo=dt.UTC)
    document.save(tmp_path / "a.docx")

    (passage,) = read(tmp_path / "a.docx")

    assert passage.text == "Fog\nGrüße aus Łódź\ntram\tlate\nThe end"
    assert (passage.title, passage.language, passage.dated_on) == ("Fog", "de", "2023-11-05")


def test_entities_of_a_word_file_neither_grow_nor_reach_out(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    before = f'<!DOCTYPE d [<!ENTITY leak SYSTEM "file://{secret}">]>'
    body = hostile.paragraph("before") + hostile.paragraph("&leak;") + hostile.paragraph("after")
    (tmp_path / "a.docx").write_bytes(hostile.docx(hostile.word(body, before=before)))

    (passage,) = read(tmp_path / "a.docx")

    assert "secret" not in passage.text
    assert passage.text.startswith("before")


def test_a_long_page_is_cut_at_line_ends_and_nothing_is_lost(tmp_path: Path) -> None:
    lines = [f"Absatz {number} über Łódź" for number in range(300)]
    (tmp_path / "a.html").write_text("".join(f"<div>{line}</div>" for line in lines))

    passages = read(tmp_path / "a.html", Limits(document_bytes_max=20_000, packed_file_bytes_max=50_000))
    pieces = read(tmp_path / "a.html", Limits(document_bytes_max=4_000, packed_file_bytes_max=50_000))

    assert [passage.record for passage in passages] == [0]
    assert [passage.record for passage in pieces] == list(range(1, len(pieces) + 1))
    assert len(pieces) > 1
    assert "".join(piece.text for piece in pieces) == passages[0].text
    assert max(len(piece.text.encode()) for piece in pieces) <= 4_000


def test_a_page_larger_than_what_may_be_held_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<p>" + "word " * 1000)

    with pytest.raises(Unreadable, match=r"larger than 1.0 kB"):
        read(tmp_path / "a.html", Limits(packed_file_bytes_max=1000))
