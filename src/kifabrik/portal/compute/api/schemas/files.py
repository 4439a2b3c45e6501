"""The shape in which a stored file answers programs."""

from ninja import Schema


class FileOut(Schema):
    """A stored file."""

    digest: str
    size_bytes: int
