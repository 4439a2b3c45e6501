"""What a person decides about their own account."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from kifabrik.core.errors import InvalidInput
from kifabrik.portal.people.models import User
from kifabrik.portal.people.services import audit

LANGUAGES = frozenset({"en", "de"})


@transaction.atomic
def choose_language(*, by: User, language: str, now: datetime) -> User:
    """Speak this language to a person from now on; raises InvalidInput for one the portal does not speak."""
    if language not in LANGUAGES:
        raise InvalidInput(
            _("the portal does not speak this language."), where="language", remedy=_("Choose en or de.")
        )
    if by.language != language:
        by.language = language
        by.save(update_fields=["language"])
        audit.append(by=by, verb="profile.language-chosen", what=by, details={"language": language}, now=now)
    return by


@transaction.atomic
def rename(*, by: User, name: str, now: datetime) -> User:
    """Change the name others see; raises InvalidInput for an empty one."""
    name = name.strip()
    if not name:
        raise InvalidInput(_("a name is needed."), where="name", remedy=_("Write the name that others should see."))
    if by.name != name:
        by.name = name
        by.save(update_fields=["name"])
        audit.append(by=by, verb="profile.renamed", what=by, now=now)
    return by
