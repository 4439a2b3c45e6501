"""What compute tells the home page: runs in trouble, budgets near their end, sites and books that need a look."""

from datetime import datetime, time, timedelta

from django.db.models import Count, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kifabrik.core.findings import Severity
from kifabrik.core.quantities import format_duration
from kifabrik.portal.compute.models import Allocation, AllocationAlert, Run, Site, SiteFinding
from kifabrik.portal.compute.queries.budgets import balances
from kifabrik.portal.compute.queries.extensions import waiting_for
from kifabrik.portal.compute.queries.reconciliation import persisting
from kifabrik.portal.compute.queries.sites import SILENT_AFTER
from kifabrik.portal.doors.needs import Need
from kifabrik.portal.people.models import User
from kifabrik.portal.people.permissions import Permission
from kifabrik.portal.people.queries import access
from kifabrik.records.run_state import RunState

TROUBLE = (RunState.FAILED, RunState.TIMED_OUT, RunState.REFUSED)
TROUBLE_IS_NEWS = timedelta(days=3)
ALERT_IS_NEWS = timedelta(days=7)
PERIOD_ENDS_SOON = timedelta(days=14)
LITTLE_LEFT = 0.1
_SHOWN_MAX = 5


def needs(user: User, *, now: datetime) -> list[Need]:
    """Tell a person what their runs, budgets and sites ask of them, in a fixed number of reads."""
    return [
        *_troubled_runs(user, now=now),
        *_ending_budgets(user, now=now),
        *_told_alerts(user, now=now),
        *_asked_extensions(user),
        *_silent_sites(user, now=now),
        *_found_wrong(user),
        *_lasting_differences(user),
    ]


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


def _told_alerts(user: User, *, now: datetime) -> list[Need]:
    """The newest mark or warning of each open budget while it is news; beyond 90 % `_ending_budgets` speaks already."""
    told = AllocationAlert.objects.filter(
        allocation__organisation__in=access.organisations_of(user),
        allocation__state="open",
        kind__in=("used-50", "used-80", "unused"),
        at__gte=now - ALERT_IS_NEWS,
    )
    rows = told.select_related("allocation__award__proposal", "allocation__site").order_by("at", "pk")
    newest = {row.allocation_id: row for row in rows}
    booked = balances(list(newest))
    found = []
    for key, row in newest.items():
        if booked[key].available <= LITTLE_LEFT * booked[key].granted:
            continue
        words = {
            "title": row.allocation.award.proposal.title,
            "unit": row.allocation.site.unit,
            "amount": format_duration(row.gpu_seconds),
        }
        title, text = _alert_words(row.kind)
        found.append(Need(title % words, text % words, reverse("compute:allocation", args=[key]), weight=45))
    return found[:_SHOWN_MAX]


def _alert_words(kind: str) -> tuple[str, str]:
    if kind == "unused":
        return (
            _("Much of “%(title)s” will expire unused"),
            _("At this rate %(amount)s of %(unit)s time are left at the end. Use them, or hand them back."),
        )
    if kind == "used-80":
        return _("80 %% of “%(title)s” are used"), _("%(amount)s of %(unit)s time are used. Plan what is left.")
    return _("Half of “%(title)s” is used"), _("%(amount)s of %(unit)s time are used.")


def _asked_extensions(user: User) -> list[Need]:
    if not access.may(user, Permission.ALLOCATION_MANAGE):
        return []
    return [
        Need(
            _("Decide about the extension of “%(title)s”") % {"title": row.allocation.award.proposal.title},
            _("%(name)s asked for it.") % {"name": row.allocation.organisation.legal_name},
            f"{reverse('compute:allocation', args=[row.allocation_id])}#life",
            weight=65,
        )
        for row in waiting_for(user)[:_SHOWN_MAX]
    ]


def _found_wrong(user: User) -> list[Need]:
    """What an agent finds seriously wrong is for the operators of its site."""
    codes = access.sites_of(user, Permission.SITE_MANAGE)
    if codes is not None and not codes:
        return []
    open_now = SiteFinding.objects.filter(closed_at__isnull=True, severity__in=(Severity.SERIOUS, Severity.BLOCKING))
    if codes is not None:
        open_now = open_now.filter(site__in=codes)
    rows = open_now.order_by().values("site", "site__name").annotate(count=Count("pk")).order_by("site")
    return [
        Need(
            _("The agent of %(name)s finds something wrong") % {"name": row["site__name"]},
            ngettext("%(count)s serious finding is open.", "%(count)s serious findings are open.", row["count"])
            % {"count": row["count"]},
            f"{reverse('compute:site', args=[row['site']])}#findings",
            weight=75,
        )
        for row in rows[:_SHOWN_MAX]
    ]


def _lasting_differences(user: User) -> list[Need]:
    """Books that have differed from the accounting for more than a day; one line for each allocation."""
    found: dict[str, Need] = {}
    for line in persisting(user)[:200]:
        allocation = line.allocation
        if allocation is None or allocation.pk in found:
            continue
        found[allocation.pk] = Need(
            _("Books and accounting of “%(title)s” differ") % {"title": allocation.award.proposal.title},
            _("They have differed for more than a day. Look at the jobs and the reasons."),
            reverse("compute:reconciliation", args=[allocation.pk]),
            weight=60,
        )
    return list(found.values())[:_SHOWN_MAX]
