import json
from datetime import timedelta

import pytest
from tests.workbench.conftest import NOW

from kifabrik.core.errors import Unavailable
from kifabrik.records.run_event import EventKind
from kifabrik.workbench import events
from kifabrik.workbench.events import EventLog, active_seconds


def test_events_are_numbered_lines_and_reach_the_listener(tmp_path) -> None:
    heard = []
    log = EventLog(tmp_path / "events.jsonl", now=lambda: NOW, listen=heard.append)

    log.write(kind=EventKind.ATTEMPT)
    log.write(kind=EventKind.METRIC, step="pretraining", values={"train_loss": 2.5}, training_step=7)

    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [line["sequence"] for line in lines] == [1, 2] == [event.sequence for event in heard]
    assert lines[1]["metrics"] == [{"name": "train_loss", "step": 7, "value": 2.5}]
    assert lines[1]["at"] == "2026-11-24T12:00:00.000Z"


@pytest.mark.parametrize("torn", [b'{"sequence":3,"at":"2026', b'{"sequence":3}', b"\xff"])
def test_a_torn_last_line_is_cut_off_and_the_count_goes_on(tmp_path, torn) -> None:
    path = tmp_path / "events.jsonl"
    log = EventLog(path, now=lambda: NOW)
    log.write(kind=EventKind.ATTEMPT)
    log.write(kind=EventKind.STEP_STARTED, step="dataset")
    with path.open("ab") as stream:
        stream.write(torn)

    again = EventLog(path, now=lambda: NOW)
    again.write(kind=EventKind.ATTEMPT)

    assert [event.sequence for event in events.read(path)] == [1, 2, 3]
    assert [event.sequence for event in events.read(path, after=2)] == [3]


def test_a_full_disk_is_one_sentence(tmp_path) -> None:
    log = EventLog(tmp_path / "events.jsonl", now=lambda: NOW)
    (tmp_path / "events.jsonl").symlink_to("/dev/full")

    with pytest.raises(Unavailable, match="the disk is full"):
        log.write(kind=EventKind.ATTEMPT)


def test_the_time_of_all_attempts_leaves_out_the_waits_between_them(tmp_path) -> None:
    moments = (NOW + timedelta(minutes=minutes) for minutes in (0, 2, 60, 61, 65))
    log = EventLog(tmp_path / "events.jsonl", now=moments.__next__)
    for kind in (EventKind.ATTEMPT, EventKind.PROGRESS, EventKind.ATTEMPT, EventKind.PROGRESS, EventKind.PROGRESS):
        log.write(kind=kind)

    assert active_seconds(tmp_path / "events.jsonl") == (2 + 5) * 60
