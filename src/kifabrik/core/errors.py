"""The errors people are meant to read. Knows no transport: the doors map a code to a status or an exit code."""


class KifabrikError(Exception):
    """One clear sentence for a person: what is wrong, where, and what to do.

    `code` is stable and machine-readable; `remedy` says the next step; `where` names file, line or field.
    """

    code = "error"
    exit_code = 1

    def __init__(self, message: str, *, where: str = "", remedy: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.remedy = remedy
        if code:
            self.code = code

    def __str__(self) -> str:
        head = f"{self.where}: {self.message}" if self.where else self.message
        return f"{head} {self.remedy}".strip()


class InvalidInput(KifabrikError):
    """The input is wrong and the person who gave it can mend it."""

    code = "invalid-input"
    exit_code = 2


class NotFound(KifabrikError):
    """What was asked for does not exist, or the asker may not know that it does."""

    code = "not-found"
    exit_code = 3


class Refused(KifabrikError):
    """The actor may not do this."""

    code = "refused"
    exit_code = 4


class Conflict(KifabrikError):
    """The state of things does not allow this now."""

    code = "conflict"
    exit_code = 5


class Unavailable(KifabrikError):
    """Something outside (disk, portal, scheduler) does not answer; trying again later may help."""

    code = "unavailable"
    exit_code = 6
