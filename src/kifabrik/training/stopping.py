"""How work is asked to stop, and the error that says that it did. Knows no signal."""

from collections.abc import Callable

from kifabrik.core.errors import KifabrikError

ShouldStop = Callable[[], bool]


class Stopped(KifabrikError):
    """The work was asked to stop, saved what it had and ended; a new start goes on from there.

    The exit code is EX_TEMPFAIL of sysexits.h: not a failure of the work, try again.
    """

    code = "stopped"
    exit_code = 75


def never() -> bool:
    """Go on to the end."""
    return False
