"""Waiting for something to become true, but not for ever."""

import time
from collections.abc import Callable

from kifabrik.cluster.jobs import ENDED, JobRef, JobReport
from kifabrik.cluster.local import LocalExecutor

PATIENCE_SECONDS = 20


def wait(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.03)


def wait_for_end(executor: LocalExecutor, ref: JobRef) -> JobReport:
    wait(lambda: executor.poll([ref])[ref].state in ENDED)
    return executor.poll([ref])[ref]
