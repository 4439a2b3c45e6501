"""The files of others are the files we say they are, and no page asks for anything from elsewhere."""

import hashlib
import re
from pathlib import Path

import kifabrik

SOURCE = Path(kifabrik.__file__).parent
VENDOR = SOURCE / "portal" / "web" / "static" / "web" / "vendor"


def test_every_vendored_file_has_its_digest_in_the_readme() -> None:
    rows = re.findall(r"^\| (\S+) \| [^|]+\| \S+ \| ([0-9a-f]{64}) \|$", (VENDOR / "README.md").read_text(), re.M)
    files = {file.name for file in VENDOR.iterdir() if file.suffix in {".js", ".css"}}

    assert {name for name, _ in rows} == files
    for name, digest in rows:
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest, name


INLINE = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|<style|\sstyle=|\son[a-z]+=\"")
LOADING = re.compile(r"(?:src|href)=\"https?://|url\(\s*['\"]?https?://|@import")
LINK = re.compile(r"<a [^>]*>")


def templates() -> list[Path]:
    return list((SOURCE / "portal").rglob("templates/**/*.html"))


def test_no_template_holds_an_inline_script_style_or_handler() -> None:
    faults = [f"{file.name}: {match[0]}" for file in templates() for match in INLINE.finditer(file.read_text())]

    assert len(templates()) > 20
    assert faults == []


def test_no_page_or_style_loads_from_elsewhere() -> None:
    own = [file for file in (SOURCE / "portal").rglob("static/**/*.*") if "vendor" not in file.parts]

    assert len(own) > 2
    assert [f.name for f in [*templates(), *own] if LOADING.search(LINK.sub("", f.read_text()))] == []


def test_every_table_is_in_a_region_that_scrolls() -> None:
    bare = []
    for file in templates():
        text = file.read_text()
        regions = len(re.findall(r'<div class="table"[^>]*role="region"[^>]*tabindex="0"[^>]*aria-label', text))
        if text.count("<table") > regions:
            bare.append(file.name)

    assert bare == []


def test_static_files_are_served_without_any_preparation(client, db) -> None:
    # `db`, because the end of an answer looks at the connection that an earlier test may have left open
    for name in ("web/kifabrik.css", "web/kifabrik.js", "web/vendor/htmx-2.0.11.min.js", "ninja/swagger-ui-bundle.js"):
        answer = client.get(f"/static/{name}")

        assert answer.status_code == 200, name
        assert len(answer.getvalue()) > 1000
        answer.close()
