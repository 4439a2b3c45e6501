"""One way to cut a list into pages, for pages and API alike. Knows no table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)
PAGE_SIZE = 50
PAGE_SIZE_MAX = 200


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list; `number` counts from 1."""

    rows: Sequence[Row]
    number: int
    size: int
    total: int

    @property
    def pages(self) -> int:
        """How many pages there are; an empty list has one."""
        return max(1, -(-self.total // self.size))

    @property
    def previous(self) -> int | None:
        """The number of the page before, if there is one."""
        return self.number - 1 if self.number > 1 else None

    @property
    def next(self) -> int | None:
        """The number of the page after, if there is one."""
        return self.number + 1 if self.number < self.pages else None


def cut_page(rows: QuerySet[Row], *, number: int | str | None = 1, size: int = PAGE_SIZE) -> Page[Row]:
    """Read one page; a number outside the list is moved to the nearest page, a size is held to PAGE_SIZE_MAX."""
    size = min(max(1, size), PAGE_SIZE_MAX)
    total = rows.count()
    last = max(1, -(-total // size))
    try:
        wished = int(number or 1)
    except ValueError:
        wished = 1
    current = min(max(1, wished), last)
    start = (current - 1) * size
    return Page(rows=list(rows[start : start + size]), number=current, size=size, total=total)
