"""Canonical JSON, digests, identifiers, quantities and writing that leaves nothing half done."""

import errno
import importlib
import json
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kifabrik.core import canonical, digests, files, quantities
from kifabrik.core.errors import Conflict, Unavailable
from kifabrik.core.findings import Finding, Severity, has_blocking, sort_by_weight
from kifabrik.core.ids import new_id
from kifabrik.core.imports import hiding
from kifabrik.core.states import require_move
from kifabrik.funding.states import MOVES, ProposalState

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(JSON)
def test_canonical_json_reads_back_to_the_same_value(value: object) -> None:
    assert json.loads(canonical.encode(value)) == value


@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_the_order_of_keys_does_not_change_a_digest(value: dict[str, int]) -> None:
    turned = dict(reversed(list(value.items())))

    assert canonical.digest(turned) == canonical.digest(value)


def test_canonical_json_refuses_what_json_cannot_say() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical.encode(float("nan"))


def test_a_folder_is_named_by_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.txt").write_text("text")
    before = digests.digest_listing(digests.digest_files(tmp_path))

    (tmp_path / "a" / "b.txt").rename(tmp_path / "a" / "c.txt")

    assert digests.digest_listing(digests.digest_files(tmp_path)) != before
    assert digests.PATTERN.match(before)


def test_identifiers_name_their_kind_and_do_not_repeat() -> None:
    made = {new_id("run") for _ in range(2000)}

    assert len(made) == 2000
    assert all(name.startswith("run-") and len(name) == 22 for name in made)


@given(st.integers(1, 10_000), st.sampled_from(["s", "min", "h", "d"]))
def test_durations_are_read_in_every_unit(amount: int, unit: str) -> None:
    length = {"s": timedelta(seconds=1), "min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}

    assert quantities.parse_duration(f"{amount} {unit}") == amount * int(length[unit].total_seconds())


@pytest.mark.parametrize("text", ["75", "75 hrs", "-3 s", "", "s", "1,5 h"])
def test_a_duration_without_a_known_unit_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"min"):
        quantities.parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59.6, "1 min"), (185, "3 min 5 s"), (7800, "2 h 10 min"), (7200, "2 h")]
)
def test_durations_are_written_for_people(seconds: float, text: str) -> None:
    assert quantities.format_duration(seconds) == text


@given(st.integers(0, 10**12))
def test_gpu_hours_and_seconds_turn_into_each_other(gpu_seconds: int) -> None:
    assert quantities.seconds_from_hours(quantities.hours_from_seconds(gpu_seconds)) == gpu_seconds


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "record.json"
    files.write_text(path, "old")

    def fail(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(Unavailable, match="the disk is full"):
        files.write_text(path, "new")

    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["record.json"]


def test_secret_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    files.write_text(tmp_path / "secret", "x", mode=0o600)

    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_a_torn_last_line_waits_for_its_end(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"a":1}\n{"b":')

    lines, offset = files.read_whole_lines(path)
    path.write_bytes(b'{"a":1}\n{"b":2}\n')
    rest, end = files.read_whole_lines(path, offset_bytes=offset)

    assert (lines, rest, end) == ([b'{"a":1}'], [b'{"b":2}'], 16)


def test_findings_are_sorted_by_weight_and_travel_as_json() -> None:
    light = Finding(code="a", severity=Severity.INFO, message="Fine.")
    heavy = Finding(code="b", severity=Severity.BLOCKING, message="Stop.", where="file:3", remedy="Mend it.")

    assert sort_by_weight([light, heavy]) == (heavy, light)
    assert Finding.from_dict(json.loads(canonical.encode(heavy.as_dict()))) == heavy
    assert has_blocking([light]) is False
    assert has_blocking([light, heavy]) is True


def test_a_forbidden_move_names_the_allowed_ones() -> None:
    require_move(MOVES, now=ProposalState.DRAFT, to=ProposalState.SUBMITTED, what="The proposal")

    with pytest.raises(Conflict, match="cannot become awarded; from here it can become: submitted, withdrawn"):
        require_move(MOVES, now=ProposalState.DRAFT, to=ProposalState.AWARDED, what="The proposal")
    with pytest.raises(Conflict, match="this is final"):
        require_move(MOVES, now=ProposalState.REJECTED, to=ProposalState.DRAFT, what="The proposal")


def test_a_hidden_package_is_not_found_and_others_are() -> None:
    sys.modules.pop("colorsys", None)
    with hiding("colorsys", "json"):
        with pytest.raises(ImportError, match="colorsys"):
            importlib.import_module("colorsys")
        assert importlib.import_module("json")  # what is imported already stays
        importlib.import_module("sched")
    assert importlib.import_module("colorsys")
