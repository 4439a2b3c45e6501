"""Opens and closes calls for proposals."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from kifabrik.core.canonical import Json
from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.funding import reference
from kifabrik.portal.calls.models import Call
from kifabrik.portal.people.models import User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.portal.people.services import audit


def open_call(
    *,
    by: User | None,
    code: str,
    mode_code: str,
    title_en: str,
    title_de: str,
    summary_en: str = "",
    summary_de: str = "",
    system_codes: Sequence[str],
    capacity_gpu_seconds: int,
    opens_at: datetime,
    closes_at: datetime | None = None,
    size_max: int | None = None,
    now: datetime,
) -> Call:
    """Make a call whose rules are those of its access mode today, frozen into it.

    `size_max` sets another upper size, in the unit of the mode, for this call. `by=None` is the factory itself. Raises
    Refused without the right, InvalidInput that names a field, Conflict if the code is taken.
    """
    if by is not None:
        access.require(by, Permission.CALL_MANAGE)
    mode = _read_mode(mode_code, size_max=size_max)
    _require_systems(system_codes)
    _require_whole(titles=(title_en, title_de), seconds=capacity_gpu_seconds, opens_at=opens_at, closes_at=closes_at)
    with transaction.atomic():
        if Call.objects.filter(pk=code).exists():
            raise Conflict(_("There is a call with this code already."), where="code")
        call = Call.objects.create(
            id=code,
            title_en=title_en.strip(),
            title_de=title_de.strip(),
            summary_en=summary_en,
            summary_de=summary_de,
            mode_code=mode.code,
            mode_version=mode.version,
            mode_rules=reference.freeze_mode(mode),
            system_codes=list(system_codes),
            capacity_gpu_seconds=capacity_gpu_seconds,
            opens_at=opens_at,
            closes_at=closes_at,
            created_at=now,
        )
        details: dict[str, Json] = {
            "mode": mode.code,
            "mode_version": mode.version,
            "capacity_gpu_seconds": capacity_gpu_seconds,
        }
        audit.append(by=by, verb="call.opened", what=call, details=details, now=now)
    return call


def close_call(*, by: User, call: Call, now: datetime) -> Call:
    """End a call now; drafts stay, but cannot be submitted to it any more. Closing twice is no error."""
    access.require(by, Permission.CALL_MANAGE)
    with transaction.atomic():
        call = Call.objects.select_for_update().get(pk=call.pk)
        if call.closes_at is not None and call.closes_at <= now:
            return call
        if call.opens_at >= now:
            raise Conflict(_("This call has not opened yet."), where=call.pk)
        call.closes_at = now
        call.save(update_fields=["closes_at"])
        audit.append(by=by, verb="call.closed", what=call, now=now)
    return call


def _read_mode(code: str, *, size_max: int | None) -> reference.AccessMode:
    """Give the rules of an access mode as they are today, with this call's own upper size if it sets one."""
    mode = reference.access_modes().get(code)
    if mode is None:
        known = ", ".join(reference.access_modes())
        raise InvalidInput(
            _("There is no such access mode; known are: %(known)s.") % {"known": known}, where="mode_code"
        )
    if size_max is None:
        return mode
    if size_max < mode.size_min:
        raise InvalidInput(_("The largest size is below the smallest one of the mode."), where="size_max")
    return replace(mode, size_max=size_max)


def _require_systems(system_codes: Sequence[str]) -> None:
    unknown = [code for code in system_codes if code not in reference.systems()]
    if unknown or not system_codes:
        known = ", ".join(reference.systems())
        raise InvalidInput(
            _("A call names at least one known system; known are: %(known)s.") % {"known": known}, where="system_codes"
        )


def _require_whole(*, titles: Sequence[str], seconds: int, opens_at: datetime, closes_at: datetime | None) -> None:
    """Refuse a call that has nothing to give, no end after its beginning, or a title in one language only."""
    if seconds <= 0:
        raise InvalidInput(_("A call needs time to give."), where="capacity_gpu_seconds")
    if closes_at is not None and closes_at <= opens_at:
        raise InvalidInput(_("A call closes after it opens."), where="closes_at")
    if not all(title.strip() for title in titles):
        raise InvalidInput(_("A call needs a title in both languages."), where="title_en")
