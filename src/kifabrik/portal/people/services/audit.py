"""The append-only audit log: one line for each write, each line naming the digest of the line before.

A changed, removed, moved or inserted line breaks the chain at that place; a log cut off at its end is found by
comparing with a head that was noted down earlier. Knows no chapter.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection, models
from django.db.transaction import TransactionManagementError
from django.utils.translation import gettext as _

from kifabrik.core import canonical
from kifabrik.core.canonical import Json
from kifabrik.portal.people.models import AuditEvent, Organisation, User

NOTHING_BEFORE = "sha256:" + "0" * 64
_LOCK_NUMBER = 0x6B696661  # an advisory lock of PostgreSQL needs a number; this one spells "kifa"
_COLUMNS = (
    "sequence",
    "at",
    "actor",
    "actor_id",
    "verb",
    "object_kind",
    "object_id",
    "organisation_id",
    "details",
    "previous_digest",
)


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a walk along the chain saw; `first_bad` is the sequence of the first line that does not hold."""

    rows: int
    head: str
    first_bad: int | None = None
    reason: str = ""

    @property
    def is_whole(self) -> bool:
        """Say whether every line holds."""
        return self.first_bad is None


def append(
    *,
    by: User | None,
    verb: str,
    what: models.Model,
    organisation: Organisation | None = None,
    details: Mapping[str, Json] | None = None,
    now: datetime,
) -> AuditEvent:
    """Write one line inside the caller's transaction; `by=None` is the factory itself.

    Raises TransactionManagementError outside a transaction, because a line without its write (or a write without its
    line) must not be possible.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("the audit line belongs into the transaction of the write it tells of")
    _wait_for_turn()
    last = AuditEvent.objects.order_by("-sequence").values_list("sequence", "digest").first()
    sequence, previous = (last[0] + 1, last[1]) if last else (1, NOTHING_BEFORE)
    event = AuditEvent(
        sequence=sequence,
        at=now.astimezone(UTC),
        actor=by.name if by else "",
        actor_id=by.pk if by else "",
        verb=verb,
        object_kind=type(what).__name__.lower(),
        object_id=str(what.pk),
        organisation_id=organisation.pk if organisation else "",
        details=_plain(details or {}),
        previous_digest=previous,
    )
    event.digest = _digest(tuple(getattr(event, column) for column in _COLUMNS))
    event.save(force_insert=True)
    return event


def verify_chain(*, expected_head: str = "") -> ChainReport:
    """Walk the whole log; name the first line that was changed, moved, inserted or follows a removed one.

    With `expected_head` (a digest noted earlier) a log that was cut off before that line is found too.
    """
    previous, rows, seen = NOTHING_BEFORE, 0, not expected_head
    for row, digest in _lines():
        rows += 1
        sequence = int(str(row[0]))
        if sequence != rows:
            return ChainReport(rows, previous, rows, _("a line was removed before this place"))
        if row[-1] != previous:
            return ChainReport(rows, previous, sequence, _("it does not name the digest of the line before"))
        if _digest(row) != digest:
            return ChainReport(rows, previous, sequence, _("its content was changed"))
        previous = digest
        seen = seen or digest == expected_head
    if not seen:
        return ChainReport(rows, previous, rows + 1, _("the log was cut off: the expected head is missing"))
    return ChainReport(rows, previous)


def _lines() -> Iterator[tuple[tuple[object, ...], str]]:
    """Read the log line by line in its order, without holding it in memory."""
    rows = AuditEvent.objects.order_by("sequence").values_list(*_COLUMNS, "digest")
    for row in rows.iterator(chunk_size=5000):
        yield row[:-1], row[-1]


def _wait_for_turn() -> None:
    """Let one transaction at a time extend the chain.

    SQLite's IMMEDIATE transactions already stand in a queue. On PostgreSQL a lock on the last row would hand a waiter
    the old last row, so an advisory lock is taken until the transaction ends.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK_NUMBER])


def _digest(row: tuple[object, ...]) -> str:
    """Name a line by its content, the moment in UTC with microseconds."""
    content = dict(zip(_COLUMNS, row, strict=True))
    at = content["at"]
    if isinstance(at, datetime):
        content["at"] = at.astimezone(UTC).isoformat(timespec="microseconds")
    return canonical.digest(content)


def _plain(details: Mapping[str, Json]) -> dict[str, object]:
    """Bring details into what every engine returns unchanged: fractions as text, because jsonb rewrites numbers."""
    plain: dict[str, object] = json.loads(canonical.encode(details), parse_float=str)
    return plain
