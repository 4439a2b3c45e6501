"""UsageRecord: what a cluster's accounting says one job consumed."""

from typing import Literal

from pydantic import Field

from kifabrik.records.base import Record


class UsageRecord(Record):
    """Consumption of one attempt of a run; `key` makes booking it twice impossible."""

    schema_version: Literal[1] = 1
    key: str = Field(description="<run>:<attempt>")
    run_id: str
    attempt: int = Field(ge=1)
    cluster: str
    job_id: str
    submitted_at: str
    started_at: str | None
    ended_at: str | None
    devices: int = Field(ge=0, description="accelerators held, or CPU slots on a site without accelerators")
    gpu_seconds: int = Field(ge=0, description="devices x elapsed seconds, rounded up once per job")
    cpu_seconds: float = Field(ge=0)
    peak_memory_bytes: int = Field(ge=0)
    exit_code: int | None
    source: str = Field(description="which accounting said so: local-executor, sacct, ...")
