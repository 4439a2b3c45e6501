"""Lists of the API: always cut into pages, always the same five keys. Knows no table."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from django.db.models import Model
from ninja import Schema
from pydantic import create_model

from kifabrik.portal.doors.paging import Page

Row = TypeVar("Row", bound=Model)


@cache
def listing(schema: type[Schema]) -> Any:
    """Make the answer type of a list of `schema`: items, total, page, pages, size."""
    fields: dict[str, Any] = {
        "items": (list[schema], ...),  # type: ignore[valid-type]  # a type made while running
        "total": (int, ...),
        "page": (int, ...),
        "pages": (int, ...),
        "size": (int, ...),
    }
    return create_model(f"{schema.__name__}List", __base__=Schema, **fields)


def answer_page(page: Page[Row], to_schema: Callable[[Row], object]) -> dict[str, object]:
    """Write one page in the shape of `listing`, each row through `to_schema`."""
    return {
        "items": [to_schema(row) for row in page.rows],
        "total": page.total,
        "page": page.number,
        "pages": page.pages,
        "size": page.size,
    }
