"""REST operations of this chapter."""

from ninja import Router

router = Router(tags=["calls"])
