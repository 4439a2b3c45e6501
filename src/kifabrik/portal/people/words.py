"""The words for roles, scopes and kinds of organisations. Knows no table."""

from django.utils.translation import gettext_lazy as _

from kifabrik.portal.people.permissions import Role, Scope

ROLES = {
    Role.APPLICANT: _("Applicant"),
    Role.REVIEWER: _("Reviewer"),
    Role.OPERATOR: _("Operator"),
    Role.PROGRAMME_OFFICER: _("Programme officer"),
    Role.SUPPORT_EXPERT: _("Support expert"),
    Role.AUDITOR: _("Auditor"),
    Role.VISITOR: _("Visitor"),
}
ROLE_DEEDS = {
    Role.APPLICANT: _("writes proposals, registers datasets, starts runs and releases models for their organisations"),
    Role.REVIEWER: _("judges the proposals assigned to them"),
    Role.OPERATOR: _("checks proposals technically and runs a site"),
    Role.PROGRAMME_OFFICER: _("opens calls, decides on proposals and gives roles"),
    Role.SUPPORT_EXPERT: _("answers questions of the organisations"),
    Role.AUDITOR: _("reads everything and changes nothing"),
    Role.VISITOR: _("sees what is public"),
}
SCOPES = {
    Scope.READ: _("read what I may read"),
    Scope.WRITE: _("change what I may change"),
    Scope.SITE: _("act as the agent of a site"),
}
KINDS = {
    "start-up": _("Start-up"),
    "sme": _("Small or medium-sized enterprise"),
    "large-enterprise": _("Large enterprise"),
    "research": _("Research organisation"),
    "public": _("Public body"),
}
