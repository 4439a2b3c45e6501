"""The kinds of ledger transfer. The rules about them stand in `books.py`."""

from enum import StrEnum


class TransferKind(StrEnum):
    """Reserve and settle, as in two-phase transfers: what is reserved is posted or voided, what is left expires."""

    GRANT = "grant"
    RESERVE = "reserve"
    POST = "post"
    VOID = "void"
    EXPIRE = "expire"
