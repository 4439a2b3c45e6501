"""What compute tells the home page: runs in trouble, budgets and periods that end, sites that fell silent."""

from datetime import datetime, time, timedelta

from django.db.models import Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from kifabrik.core.quantities import format_duration
from kifabrik.portal.compute.models import Allocation, Run, Site
from kifabrik.portal.compute.queries.budgets import balances
from kifabrik.portal.compute.queries.sites import SILENT_AFTER
from kifabrik.portal.doors.needs import Need
from kifabrik.portal.people.models import User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.records.run_state import RunState

TROUBLE = (RunState.FAILED, RunState.TIMED_OUT, RunState.REFUSED)
TROUBLE_IS_NEWS = timedelta(days=3)
PERIOD_ENDS_SOON = timedelta(days=14)
LITTLE_LEFT = 0.1
_SHOWN_MAX = 5


def needs(user: User, *, now: datetime) -> list[Need]:
    """Tell a person what their runs, budgets and sites ask of them, in a fixed number of reads."""
    return [*_troubled_runs(user, now=now), *_ending_budgets(user, now=now), *_silent_sites(user, now=now)]


def _troubled_runs(user: User, *, now: datetime) -> list[Need]:
    if not access.may(user, Permission.RUN_WRITE):
        return []
    own = Run.objects.filter(organisation__in=access.organisations_of(user))
    troubled = own.filter(state__in=[str(state) for state in TROUBLE], ended_at__gte=now - TROUBLE_IS_NEWS)
    return [
        Need(
            _("Look at the run “%(name)s”") % {"name": run.name},
            _(run.reason) if run.reason else _("It ended before its work was done."),
            reverse("compute:run", args=[run.pk]),
            weight=70,
        )
        for run in troubled.order_by("-ended_at")[:_SHOWN_MAX]
    ]


def _ending_budgets(user: User, *, now: datetime) -> list[Need]:
    own = Allocation.objects.filter(organisation__in=access.organisations_of(user), state="open")
    shares = list(own.select_related("award__proposal", "site").order_by("ends_on")[:50])
    booked = balances([allocation.pk for allocation in shares])
    found = []
    for allocation in shares:
        balance = booked[allocation.pk]
        left = format_duration(max(0, balance.available))
        words = {"title": allocation.award.proposal.title, "left": left, "unit": allocation.site.unit}
        if balance.available <= LITTLE_LEFT * balance.granted:
            title = _("Little is left of “%(title)s”") % words
        elif allocation.ends_on - timezone.localdate(now) <= PERIOD_ENDS_SOON and balance.available > 0:
            title = _("“%(title)s” ends soon") % words
        else:
            continue
        text = _("%(left)s of %(unit)s time are left.") % words
        end = datetime.combine(allocation.ends_on, time.max, tzinfo=timezone.get_current_timezone())
        found.append(Need(title, text, reverse("compute:allocation", args=[allocation.pk]), due_at=end, weight=55))
    return found[:_SHOWN_MAX]


def _silent_sites(user: User, *, now: datetime) -> list[Need]:
    """A silent agent is a trouble where work waits for it."""
    codes = access.sites_of(user, Permission.SITE_MANAGE)
    sites = Site.objects.all() if codes is None else Site.objects.filter(code__in=codes)
    silent = sites.exclude(last_seen_at__gte=now - SILENT_AFTER)
    waiting = silent.filter(allocations__runs__state__in=["requested", "submitted", "running"])
    rows = waiting.annotate(promised=Sum("allocations__runs__reserved_gpu_seconds")).order_by("code")
    return [
        Need(
            _("The agent of %(name)s is silent") % {"name": site.name},
            _("Runs wait for it. Start it, or look at its log."),
            reverse("compute:site", args=[site.code]),
            weight=80,
        )
        for site in rows[:_SHOWN_MAX]
    ]
