"""AccountedJob: what a cluster's accounting says one job consumed so far, whoever started it. Knows no scheduler."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from kifabrik.records.base import Record


def _as_utc(text: str) -> str:
    """Write a moment in one way only, because it is part of a job's identity."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("a moment is written in ISO 8601") from error
    if moment.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    return moment.astimezone(UTC).isoformat()


_COUNT_MAX, _SECONDS_MAX = 2**31 - 1, 2**53  # what tables and JSON hold exactly
Word = Annotated[str, StringConstraints(max_length=64, pattern=r"^[^\x00-\x1f]*$")]
Moment = Annotated[str, StringConstraints(max_length=40), AfterValidator(_as_utc)]


class AccountedJob(Record):
    """One job of a cluster; (cluster, job_id, submitted_at) is its identity, because job numbers come again.

    A job that has not ended for good has no `ended_at`: running, waiting, or waiting again after it was requeued.
    """

    schema_version: Literal[1] = 1
    cluster: Word = Field(min_length=1)
    job_id: str = Field(pattern=r"^[A-Za-z0-9_.+\[\]-]{1,64}$", description="as the cluster's accounting names it")
    submitted_at: Moment
    key: str = Field(
        default="",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,120}:[1-9][0-9]{0,5})?$",
        description="<run>:<attempt> if the job is an attempt of a run, else empty",
    )
    account: Word = Field(description="the cluster account that pays")
    user: Word = ""
    state: str = Field(
        pattern=r"^[A-Z][A-Z_]{0,39}$",
        description="the cluster's own word; RUNAWAY if accounting believes it alive and the controller does not",
    )
    started_at: Moment | None = None
    ended_at: Moment | None = None
    devices: int = Field(
        default=0, ge=0, le=_COUNT_MAX, description="held now or last: accelerators, or CPUs on a site without them"
    )
    gpu_seconds: int = Field(
        ge=0, le=_SECONDS_MAX, description="devices x elapsed seconds, over every start of the job"
    )
    cpu_seconds: float = Field(default=0.0, ge=0, le=_SECONDS_MAX)
    restarts: int = Field(default=0, ge=0, le=_COUNT_MAX, description="how often it was requeued and started again")
    exit_code: int | None = Field(default=None, ge=-_COUNT_MAX, le=_COUNT_MAX)
