"""Reads of calls: lists, one call, its frozen mode and its systems."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from kifabrik.core.errors import NotFound
from kifabrik.funding import reference
from kifabrik.funding.reference import AccessMode, System
from kifabrik.portal.calls.models import Award, Call
from kifabrik.portal.calls.queries.viewers import is_open, readable_calls
from kifabrik.portal.people.queries.access import Viewer


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much of a call's time is awarded, in GPU seconds."""

    total: int
    awarded: int

    @property
    def left(self) -> int:
        """What can still be awarded."""
        return self.total - self.awarded


def list_calls(viewer: Viewer, *, now: datetime) -> QuerySet[Call]:
    """List the calls a viewer may see, the newest first."""
    return readable_calls(viewer, now=now).order_by("-opens_at", "id")


def get_call(viewer: Viewer, call_id: str, *, now: datetime) -> Call:
    """Read a call the viewer may see; raises NotFound."""
    call = readable_calls(viewer, now=now).filter(pk=call_id).first()
    if call is None:
        raise NotFound(_("There is no such call, or it is closed."), where=call_id)
    return call


def open_calls(*, now: datetime, mode_code: str = "") -> QuerySet[Call]:
    """List the calls that take proposals now, of one mode if asked."""
    calls = Call.objects.filter(is_open(now))
    return calls.filter(mode_code=mode_code) if mode_code else calls


def state_of(call: Call, *, now: datetime) -> str:
    """Say whether a call is planned, open or closed."""
    if call.opens_at > now:
        return "planned"
    return "closed" if call.closes_at is not None and call.closes_at <= now else "open"


def mode_of(call: Call) -> AccessMode:
    """Read the rules a call was made with."""
    if not call.mode_rules:
        return reference.access_modes()[call.mode_code]
    return reference.thaw_mode(call.mode_rules)


def systems_of(call: Call) -> Mapping[str, System]:
    """Read the systems that can be asked for, by code; a code that the reference data lost is left out."""
    known = reference.systems()
    return {code: known[code] for code in call.system_codes if code in known}


def unit_of(system_code: str) -> str:
    """Say what a second on a system counts: GPU or CPU."""
    system = reference.systems().get(system_code)
    return system.unit if system else "GPU"


def system_name(system_code: str) -> str:
    """Name a system for people."""
    system = reference.systems().get(system_code)
    return system.name if system else system_code


def is_german() -> bool:
    """Say whether the reader's language is German."""
    return (get_language() or "").startswith("de")


def title_of(call: Call) -> str:
    """The title in the reader's language."""
    return call.title_de if is_german() else call.title_en


def summary_of(call: Call) -> str:
    """The summary in the reader's language."""
    return call.summary_de if is_german() else call.summary_en


def mode_name(mode: AccessMode) -> str:
    """The name of a mode in the reader's language."""
    return mode.name_de if is_german() else mode.name_en


def capacity_of(call: Call) -> Capacity:
    """Add up what a call has awarded."""
    awarded = Award.objects.filter(proposal__call=call).aggregate(total=Coalesce(Sum("gpu_seconds"), 0))["total"]
    return Capacity(call.capacity_gpu_seconds, int(awarded))
