"""What the agent has to tell the operator: findings that hold as long as their cause, and events of the last day.

Knows how to collect and post them, not what they are about.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from kifabrik.core.errors import NotFound
from kifabrik.core.findings import Finding, sort_by_weight
from kifabrik.site.client import PortalClient

EVENT_SECONDS = 24 * 3600.0
AGAIN_SECONDS = 3600.0
FINDINGS_A_REQUEST = 500


class Notices:
    """The open findings of a site; `post` brings them to the portal when they changed, else once an hour."""

    def __init__(self, client: PortalClient, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._topics: dict[str, tuple[Finding, ...]] = {}
        self._events: dict[Finding, float] = {}
        self._posted: tuple[Finding, ...] | None = None
        self._posted_at = 0.0

    def replace(self, topic: str, findings: Iterable[Finding]) -> None:
        """Say all that is to be said about a topic now; what was said of it before no longer holds."""
        self._topics[topic] = tuple(findings)

    def add(self, finding: Finding) -> None:
        """Report something that happened; it stays in the list for a day."""
        self._events[finding] = self._clock() + EVENT_SECONDS

    def open_findings(self) -> tuple[Finding, ...]:
        """List what holds now, the heaviest first, each once."""
        now = self._clock()
        self._events = {finding: until for finding, until in self._events.items() if until > now}
        held = [finding for findings in self._topics.values() for finding in findings]
        return sort_by_weight(dict.fromkeys([*held, *self._events]))

    def post(self, *, at: str) -> bool:
        """Bring the list to the portal if it changed or an hour has passed; says whether it went."""
        findings = self.open_findings()[:FINDINGS_A_REQUEST]
        now = self._clock()
        if findings == self._posted and now < self._posted_at + AGAIN_SECONDS:
            return False
        body = {"findings": [finding.as_dict() for finding in findings], "at": at}
        with suppress(NotFound):  # a portal of an earlier version has no place for them
            self._client.post("/site/findings", body, again=True)
        self._posted, self._posted_at = findings, now
        return True
