"""Opt-outs of rights holders, read from a folder of files that somebody fetched; nothing is fetched here.

The layout is `FOLDER/<host>/robots.txt`, `FOLDER/<host>/tdmrep.json`, `FOLDER/<host>/ai.txt`. The day of fetching
stands in `FOLDER/<host>/fetched_on`, or for one file in `robots.txt.fetched_on`, as `2026-11-24`. A file counts for its
host, and the folder of a registrable domain for all hosts below it that have no folder of their own.

Knows the notations of reservations, not what follows from them.
"""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

import orjson

from kifabrik.core.digests import digest_bytes
from kifabrik.core.errors import InvalidInput, NotFound
from kifabrik.datasets import robots
from kifabrik.datasets.hosts import path_of, registrable_domain, split_host
from kifabrik.datasets.reference import crawlers
from kifabrik.datasets.robots import Rule
from kifabrik.records.dataset_card import OptOutEvidence, SkippedFile

Kind = Literal["robots.txt", "tdmrep.json", "ai.txt"]
KINDS: tuple[Kind, ...] = ("robots.txt", "tdmrep.json", "ai.txt")
FILE_BYTES_MAX = 4 * 1024**2
HOSTS_MAX = 200_000
TEXT_SUFFIXES = (".txt", ".html", ".htm", ".md", ".pdf", ".doc", ".docx", ".json", ".xml")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}\.)+[a-z0-9-]{2,63}")


@dataclass(frozen=True, slots=True)
class Reservation:
    """What the file of one host says, asked path by path; `groups` are None where the file says nothing."""

    kind: Kind
    groups: tuple[tuple[Rule, ...], ...] | None = None

    def reserves(self, path: str) -> bool | None:
        """Say whether mining this path is reserved; None where the file does not say."""
        if self.groups is None:
            return None
        if self.kind == "tdmrep.json":
            # `allows` is the opposite of tdm-reservation; of several rules the stricter one counts.
            said = [rule.allows for group in self.groups for rule in group if rule.matches(path)]
            return None if not said else not all(said)
        suffixes = ("", *TEXT_SUFFIXES) if self.kind == "ai.txt" else ("",)
        return not all(robots.allows(group, path + suffix) for group in self.groups for suffix in suffixes)


@dataclass(frozen=True, slots=True)
class OptOuts:
    """All files of a folder: the evidence for the card, and what each host's files say."""

    evidence: tuple[OptOutEvidence, ...] = ()
    skipped: tuple[SkippedFile, ...] = ()
    hosts: dict[str, tuple[Reservation, ...]] = field(default_factory=dict)

    def judge(self, address: str) -> bool | None:
        """Say whether mining the document at this address is reserved; None if no file was given for its host.

        A host's own folder counts, else that of its registrable domain. One reserving file is enough.
        """
        host = split_host(address)
        files = self.hosts.get(host) or self.hosts.get(registrable_domain(host))
        if not files:
            return None
        path = path_of(address)
        return any(file.reserves(path) for file in files)


def read_opt_outs(folder: Path) -> OptOuts:
    """Read a folder of opt-out files; raises NotFound without the folder, InvalidInput for one that is no layout.

    A file that cannot be read is named in `skipped` and the others go on; links are not followed.
    """
    if not folder.is_dir():
        raise NotFound(
            "there is no such folder.", where=str(folder), remedy="Lay the files out as FOLDER/<host>/robots.txt."
        )
    evidence: list[OptOutEvidence] = []
    skipped: list[SkippedFile] = []
    hosts: dict[str, tuple[Reservation, ...]] = {}
    for host, place in _list_hosts(folder):
        for kind in KINDS:
            if not os.path.lexists(place / kind):
                continue
            try:
                data = _read(place / kind)
            except ValueError as reason:
                skipped.append(SkippedFile(path=f"{place.name}/{kind}", reason=str(reason)))
            else:
                said = _understand(kind, data)
                hosts[host] = (*hosts.get(host, ()), said)
                evidence.append(_describe(host, place, said, data))
    return OptOuts(tuple(evidence), tuple(skipped), hosts)


def _list_hosts(folder: Path) -> Iterator[tuple[str, Path]]:
    places = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if len(places) > HOSTS_MAX:
        raise InvalidInput(f"holds more than {HOSTS_MAX} hosts.", where=str(folder))
    for place in places:
        host = place.name.lower()
        if place.is_symlink() or not _HOST.fullmatch(host):
            raise InvalidInput(
                "is no folder of a host.",
                where=str(place),
                remedy="Name it after the host, as in example.org, in small letters (xn--... for others).",
            )
        yield host, place


def _read(path: Path) -> bytes:
    """Read a small regular file; raises ValueError with the reason in words."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise ValueError("a link, or not readable") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ValueError("not a regular file")
    with os.fdopen(handle, "rb") as stream:
        data = stream.read(FILE_BYTES_MAX + 1)
    if len(data) > FILE_BYTES_MAX:
        raise ValueError(f"larger than {FILE_BYTES_MAX // 1024**2} MiB")
    return data


def _understand(kind: Kind, data: bytes) -> Reservation:
    if kind == "tdmrep.json":
        rules = tuple(_read_tdmrep(data))
        return Reservation(kind, (rules,) if rules else None)
    # A page of HTML where robots.txt should be is the answer of a server that has none.
    if data.lstrip()[:1] == b"<":
        return Reservation(kind)
    read = robots.parse(data)
    agents = ["*"] if kind == "ai.txt" else [row.agent for row in crawlers().rows]
    # Most files have one group for all of them, so that a path is asked about once and not once for each crawler.
    return Reservation(kind, tuple(dict.fromkeys(read.group_of(agent) for agent in agents)))


def _read_tdmrep(data: bytes) -> Iterator[Rule]:
    """Read the rules of a tdmrep.json; what is no rule of the protocol says nothing."""
    try:
        rows: Any = orjson.loads(data)
    except orjson.JSONDecodeError:
        return
    for row in rows if isinstance(rows, list) else [rows]:
        if not isinstance(row, dict) or row.get("tdm-reservation") not in (0, 1, "0", "1"):
            continue
        location = row.get("location")
        yield Rule(location if isinstance(location, str) and location else "/", str(row["tdm-reservation"]) == "0")


def _describe(host: str, place: Path, said: Reservation, data: bytes) -> OptOutEvidence:
    return OptOutEvidence(
        kind=said.kind,
        path=f"{place.name}/{said.kind}",
        domain=host,
        digest=digest_bytes(data),
        dated_on=_read_day(place / f"{said.kind}.fetched_on") or _read_day(place / "fetched_on"),
        reserves=said.reserves("/"),
    )


def _read_day(path: Path) -> str:
    if not path.is_file():
        return ""
    try:
        text = _read(path)[:40].decode("ascii").strip()
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError as error:
        raise InvalidInput(
            "does not hold the day of fetching.", where=str(path), remedy="Write it as 2026-11-24."
        ) from error
