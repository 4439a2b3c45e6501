"""Finds a known person's values in dataset folders by keyed digests, as an erasure request asks for.

A value that somebody writes down is recognised by the same rules that found it in the texts, so that `030 1234567` and
`+49 30 1234567` have the same digest. The values and the key stay on this machine.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from kifabrik.core.errors import InvalidInput
from kifabrik.datasets.detectors import names
from kifabrik.datasets.detectors.scanner import Scanner
from kifabrik.datasets.folder import FINDINGS_NAME, read_card
from kifabrik.datasets.keys import Key, digest_of

_BLOCK_BYTES = 4 * 1024**2
_LANGUAGES = (
    "bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "ga", "hr",
    "hu", "it", "lt", "lv", "mt", "nl", "pl", "pt", "ro", "sk", "sl", "sv",
)  # fmt: skip
# Bare numbers are recognised beside a word that says what they are.
_BESIDE = ("{}", "Tel. {}", "phone: {}", "IBAN {}", "VAT {}", "tax id {}", "identity card {}", "passport {}", "born {}")
_NAME = re.compile(r"[^\W\d_]+(?:[ .'’-]{1,2}[^\W\d_]+){0,7}")


@dataclass(frozen=True, slots=True, order=True)
class PersonDigest:
    """One reading of a value: its kind and its keyed digest."""

    kind: str
    digest: str


@dataclass(frozen=True, slots=True)
class FolderHits:
    """What one dataset folder holds of a person; `obstacle` says why it could not be searched, if so."""

    folder: Path
    name: str
    places: int
    documents: tuple[str, ...]
    kinds: dict[str, int]
    obstacle: str = ""


def digests_of(values: Sequence[str], key: Key) -> tuple[PersonDigest, ...]:
    """Give the keyed digests of a person's values, in every reading that the rules allow.

    Raises InvalidInput that counts, but does not repeat, the first value that no rule recognises.
    """
    scanner = Scanner("re", tiers_min=1, tiers_min_code=1)  # ready at once; all engines find the same
    found: set[PersonDigest] = set()
    for number, value in enumerate(values, start=1):
        readings = set(_read(value.strip(), scanner, key)) or set(_read_name(value.strip(), key))
        if not readings:
            raise InvalidInput(
                f"value number {number} is of no kind that the check recognises.",
                remedy="Write it as it would stand in a text, for example with its country code.",
            )
        found |= readings
    return tuple(sorted(found))


def _read(value: str, scanner: Scanner, key: Key) -> Iterator[PersonDigest]:
    texts = [beside.format(value) for beside in _BESIDE]
    for language in ("", *_LANGUAGES):
        found = scanner.scan(texts, is_code=[False] * len(texts), languages=[language] * len(texts))
        for text, hits in zip(texts, found, strict=True):
            start = text.index(value) if value else 0
            for hit in hits:
                # A rule may leave a bracket or a plus sign out; a hit inside a longer value is another value.
                if hit.start <= start + 2 and hit.end >= start + len(value) - 2:
                    yield PersonDigest(hit.kind, digest_of(hit, key))


def _read_name(value: str, key: Key) -> Iterator[PersonDigest]:
    """Read capitalised words as a name, in the form in which names are listed where they were looked for."""
    if _NAME.fullmatch(value) and value[0].isupper():
        yield PersonDigest(names.KIND, key.digest(names.KIND, " ".join(value.casefold().split())))


def search_folder(folder: Path, *, key: Key, digests: Collection[str]) -> FolderHits:
    """Search the rows of findings of one dataset folder; raises NotFound for what is no dataset folder."""
    card = read_card(folder)
    obstacle = _obstacle(folder, card.redaction.key_id, key)
    if obstacle:
        return FolderHits(folder, card.name, 0, (), {}, obstacle)
    documents: set[str] = set()
    kinds: Counter[str] = Counter()
    for document, kind in _scan_rows(folder / FINDINGS_NAME, digests):
        documents.add(document)
        kinds[kind] += 1
    return FolderHits(folder, card.name, sum(kinds.values()), tuple(sorted(documents)), dict(sorted(kinds.items())))


def _obstacle(folder: Path, made_under: str, key: Key) -> str:
    if not (folder / FINDINGS_NAME).is_file():
        return f"it has no {FINDINGS_NAME}; check the texts again"
    if made_under != key.key_id:
        return f"its findings were made under another key ({made_under or 'one that was not kept'})"
    return ""


def _scan_rows(path: Path, digests: Collection[str]) -> Iterator[tuple[str, str]]:
    wanted = [digest.encode() for digest in digests]
    with path.open("rb") as stream:
        while lines := stream.readlines(_BLOCK_BYTES):
            for line in lines:
                if any(digest in line for digest in wanted):
                    row = orjson.loads(line)
                    if row["digest"] in digests:
                        yield row["document"], row["kind"]
