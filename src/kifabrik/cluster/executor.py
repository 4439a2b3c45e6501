"""The one interface to a cluster. Knows jobs and usage, not how a cluster runs them."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from kifabrik.cluster.jobs import JobRef, JobReport, JobSpec
from kifabrik.records.usage_record import UsageRecord


class Executor(Protocol):
    """Submit, find, poll, cancel, usage. Every call may be repeated, also after the caller was killed in the middle.

    All may raise Unavailable when the cluster does not answer; the caller tries again later.
    """

    def submit(self, job: JobSpec) -> JobRef:
        """Bring a job to the cluster once: a known key gives the job it already has. Raises InvalidInput."""
        ...

    def find(self, key: str) -> JobRef | None:
        """Find the job of a key, or None if there never was one here."""
        ...

    def poll(self, refs: Iterable[JobRef]) -> Mapping[JobRef, JobReport]:
        """Say where jobs stand; a job that nobody knows any more is LOST. Waiting jobs are moved on as room allows."""
        ...

    def cancel(self, ref: JobRef) -> None:
        """Ask for the end of a job; it ends soon after, and poll then says so. An ended job stays as it is."""
        ...

    def usage(self, ref: JobRef) -> UsageRecord:
        """Say what a job consumed until now, or in all once it ended. Raises NotFound for an unknown job."""
        ...
