"""The words of every verb of the audit log. Knows no workflow."""

from django.utils.translation import gettext_lazy as _

VERBS = {
    "profile.language-chosen": _("Language chosen"),
    "profile.renamed": _("Name changed"),
    "token.created": _("Access token made"),
    "token.revoked": _("Access token revoked"),
}
