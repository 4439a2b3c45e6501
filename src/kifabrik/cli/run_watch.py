"""Follows a run at the portal by its events. Knows the API's addresses, not how events are shown."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from kifabrik.records.run_event import RunEvent
from kifabrik.site.client import PortalClient


def follow(
    client: PortalClient,
    run_id: str,
    *,
    show: Callable[[RunEvent], None],
    every_seconds: float,
    is_final: Callable[[str], bool],
) -> Mapping[str, Any]:
    """Show a run's events until its state is final and all are shown; gives the run as the portal last told it."""
    seen = 0
    while True:
        run: Mapping[str, Any] = client.get(f"/runs/{run_id}")
        fresh = [RunEvent.model_validate(row) for row in client.get(f"/runs/{run_id}/events", after=seen)["items"]]
        for event in fresh:
            show(event)
            seen = max(seen, event.sequence)
        if not fresh:
            if is_final(str(run["state"])):
                return run
            time.sleep(every_seconds)
