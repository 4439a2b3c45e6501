"""The words and tones of every state that a pill can show. Knows no workflow."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

WORDS = {
    # proposals and decisions
    "draft": _("Draft"),
    "submitted": _("Submitted"),
    "ineligible": _("Not eligible"),
    "eligible": _("Eligible"),
    "in_review": _("In review"),
    "ranked": _("Ranked"),
    "awarded": _("Awarded"),
    "reserve_list": _("On the reserve list"),
    "rejected": _("Rejected"),
    "withdrawn": _("Withdrawn"),
    # checks and verdicts
    "passed": _("Passed"),
    "failed": _("Failed"),
    "green": pgettext_lazy("verdict", "Passed"),
    "red": pgettext_lazy("verdict", "Failed"),
    "not-run": pgettext_lazy("verdict", "Not run"),
    "waived": _("Waived"),
    # calls, allocations, support
    "planned": _("Planned"),
    "open": _("Open"),
    "paused": _("Paused"),
    "closed": _("Closed"),
    "answered": _("Answered"),
    "accepted": _("Accepted"),
    "waiting": _("Waiting"),
    "expired": _("Expired"),
    "asked": pgettext_lazy("extension", "Asked for"),
    "granted": pgettext_lazy("extension", "Granted"),
    # runs and jobs
    "requested": _("Requested"),
    "queued": _("Queued"),
    "pending": _("Pending"),
    "running": _("Running"),
    "succeeded": _("Succeeded"),
    "cancelled": _("Cancelled"),
    "timed-out": _("Out of time"),
    "refused": _("Refused"),
    "lost": _("Lost"),
    # releases
    "candidate": _("Candidate"),
    "released": _("Released"),
    "revoked": _("Revoked"),
    # tokens and chains
    "valid": _("Valid"),
    "whole": _("Whole"),
    "broken": _("Broken"),
    # ledger
    "grant": _("Grant"),
    "reserve": _("Reserve"),
    "post": pgettext_lazy("ledger", "Post"),
    "void": pgettext_lazy("ledger", "Void"),
    "expire": pgettext_lazy("ledger", "Expire"),
    "return": pgettext_lazy("ledger", "Return"),
    "overdraft": pgettext_lazy("ledger", "Overdraft"),
}

TONES = {
    **dict.fromkeys(
        (
            "awarded",
            "passed",
            "green",
            "open",
            "accepted",
            "succeeded",
            "released",
            "valid",
            "whole",
            "eligible",
            "granted",
        ),
        "good",
    ),
    **dict.fromkeys(("running", "in_review", "ranked"), "busy"),
    **dict.fromkeys(
        (
            "submitted",
            "requested",
            "queued",
            "pending",
            "waiting",
            "reserve_list",
            "paused",
            "candidate",
            "waived",
            "asked",
        ),
        "wait",
    ),
    **dict.fromkeys(
        ("ineligible", "rejected", "failed", "red", "not-run", "timed-out", "refused", "lost", "revoked", "broken"),
        "bad",
    ),
}
