"""What PostgreSQL refuses and SQLite would keep, as an error that people can mend. Knows no table."""

from django.utils.translation import gettext as _

from kifabrik.core.errors import InvalidInput


def unstorable() -> InvalidInput:
    """Explain a text that is too long for its column or holds a zero byte, or a number too large."""
    return InvalidInput(
        _("a value is too long, too large, or holds a character that cannot be stored."), remedy=_("Shorten it.")
    )
