"""Real text to plant values in: two bases that share no file, cut into documents of about 3 kB, with their language.

Development: Python packages, their notes and the messages of programs in 24 languages. Held out: manual pages
in many languages, the documentation of Debian packages, C headers and Perl modules. Strings that look like e-mail
addresses, IP addresses and numbers with a plus are taken out, because nobody knows whether they are findings.
"""

import gettext
import gzip
import random
import re
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PACKAGES = Path(sysconfig.get_path("purelib"))
LANGUAGES = (
    "bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "ga", "hr",
    "hu", "it", "lt", "lv", "mt", "nl", "pl", "pt", "ro", "sk", "sl", "sv",
)  # fmt: skip
_SCRUBBED = re.compile(
    r"[\w.+-]+@[\w.-]+|\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b|\+\d[\d ().-]{5,}|\b[0-9a-f]{4}:[0-9a-f:]{4,}"
)
_DOCUMENT_CHARACTERS = 3000
_FILE_MAX = 400_000
_FILES_MAX = 20_000


@dataclass
class Planted:
    """One value with its place; `has_word` says that a word before it names what it is."""

    kind: str
    country: str
    start: int
    end: int
    has_word: bool


@dataclass
class Text:
    """One document; `planted` is empty where nothing was put in."""

    text: str
    language: str
    is_code: bool
    planted: list[Planted] = field(default_factory=list)


def read(path: Path) -> str:
    """Give the text of a file, or nothing where it is no UTF-8 text."""
    try:
        if path.suffix == ".mo":
            with path.open("rb") as stream:
                catalogue = gettext.GNUTranslations(stream)._catalog  # type: ignore[attr-defined]  # noqa: SLF001 - no other door
                return "\n".join(map(str, catalogue.values()))[:_FILE_MAX]
        data = path.read_bytes()[:_FILE_MAX]
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    except (OSError, ValueError, LookupError, EOFError):
        return ""


def cut(text: str) -> Iterator[str]:
    """Cut a scrubbed text at line ends."""
    text = _SCRUBBED.sub("", text.replace("\0", ""))
    piece: list[str] = []
    size = 0
    for line in text.splitlines(keepends=True):
        piece.append(line)
        size += len(line)
        if size >= _DOCUMENT_CHARACTERS:
            yield "".join(piece)
            piece, size = [], 0


def development(seed: int, size_bytes: int) -> list[Text]:
    """Python code, notes of packages, and for one half messages of programs in 24 languages."""
    sources = {
        "code": [
            path
            for name in ("torch", "transformers", "django", "numpy", "sympy")
            for path in (PACKAGES / name).rglob("*.py")
        ],
        "notes": [*PACKAGES.rglob("METADATA"), *PACKAGES.rglob("*.md"), *PACKAGES.rglob("*.rst")],
        "messages": [
            *(path for code in LANGUAGES for path in (PACKAGES / "django").rglob(f"locale/{code}/**/*.po")),
            *(path for code in LANGUAGES for path in Path("/usr/share/locale", code).rglob("*.mo")),
        ],
    }
    shares = {"code": 0.35, "notes": 0.15, "messages": 0.5}
    return _take(sources, shares, random.Random(seed), size_bytes)


def held_out(seed: int, size_bytes: int) -> list[Text]:
    """Manual pages in many languages, documentation of Debian packages, C headers and Perl modules."""
    manuals = Path("/usr/share/man")
    sources = {
        "manuals": [path for code in LANGUAGES for path in (manuals / code).rglob("*.gz")],
        "documentation": [
            *Path("/usr/share/doc").rglob("*.html"),
            *Path("/usr/share/doc").rglob("*.txt"),
            *manuals.glob("man*/*.gz"),
        ],
        "code": [
            *Path("/usr/include").rglob("*.h"),
            *Path("/usr/share/perl").rglob("*.p[ml]"),
            *Path("/usr/share/perl5").rglob("*.pm"),
        ],
    }
    shares = {"manuals": 0.4, "documentation": 0.3, "code": 0.3}
    return _take(sources, shares, random.Random(seed), size_bytes)


def _take(sources: dict[str, list[Path]], shares: dict[str, float], rng: random.Random, size_bytes: int) -> list[Text]:
    texts: list[Text] = []
    for name, found in sources.items():
        paths = sorted(set(found))
        rng.shuffle(paths)
        left = size_bytes * shares[name]
        for path in paths[:_FILES_MAX]:
            for piece in cut(_plain(path, read(path))):
                texts.append(Text(piece, _language(path), name == "code"))
                left -= len(piece.encode())
            if left <= 0:
                break
    rng.shuffle(texts)
    return texts


def _language(path: Path) -> str:
    return next((part for part in path.parts if part in LANGUAGES), "en")


def _plain(path: Path, text: str) -> str:
    if path.suffix == ".po":
        return "\n".join(re.findall(r'^msgstr(?:\[\d\])? "(.+)"$', text, re.MULTILINE)).replace("\\n", "\n")
    if "/man/" in str(path):
        return re.sub(r"\\f.|^[.'].*$|\\&", "", text, flags=re.MULTILINE).replace("\\-", "-")
    return text


def insert(text: Text, rng: random.Random, piece: str) -> int:
    """Put a piece at the start of some line, move what is planted behind it, and give the place."""
    place = rng.choice([0, *(place + 1 for place, sign in enumerate(text.text) if sign == "\n")])
    text.text = text.text[:place] + piece + text.text[place:]
    for planted in text.planted:
        if planted.start >= place:
            planted.start += len(piece)
            planted.end += len(piece)
    return place
