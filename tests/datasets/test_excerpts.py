"""The words around a finding: exact on multi-byte text, within limits on hostile shards."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kifabrik.core.errors import Unavailable
from kifabrik.datasets.excerpts import AROUND, PLACES_MAX, Excerpt, Place, read_excerpts


def write(path, texts: dict[str, str], *, group=2):
    rows = {"id": list(texts), "source": list(texts), "text": list(texts.values()), "format": ["txt"] * len(texts)}
    pq.write_table(pa.table(rows), path, row_group_size=group, compression="zstd")
    return path


def test_places_are_found_in_several_shards_and_offsets_count_characters(tmp_path) -> None:
    first = write(tmp_path / "a.parquet", {f"doc{n}": f"Nr. {n}: schön 🌍 mail@example.org, danke" for n in range(5)})
    second = write(tmp_path / "b.parquet", {"other": "x" * 200 + "NEEDLE" + "y" * 200})
    mail = Place("doc3", 15, 31)
    needle = Place("other", 200, 206)

    found = read_excerpts([first, second], [mail, needle, Place("nobody", 0, 1)])

    assert found[mail] == Excerpt("Nr. 3: schön 🌍 ", "mail@example.org", ", danke")
    assert found[needle] == Excerpt("…" + "x" * AROUND, "NEEDLE", "y" * AROUND + "…")
    assert len(found) == 2


@pytest.mark.parametrize(("start", "end"), [(-1, 3), (3, 3), (5, 4), (0, 999), (40, 50)])
def test_places_outside_of_the_text_are_left_out(tmp_path, start, end) -> None:
    shard = write(tmp_path / "a.parquet", {"doc": "a short text"})

    assert read_excerpts([shard], [Place("doc", start, end)]) == {}


def test_a_damaged_shard_is_said_and_its_cause_is_logged(tmp_path, caplog) -> None:
    shard = tmp_path / "a.parquet"
    shard.write_bytes(b"PAR1" + b"\xff" * 200 + b"PAR1")

    with pytest.raises(Unavailable, match="could not be read"):
        read_excerpts([shard], [Place("doc", 0, 1)])

    assert "ArrowInvalid" in caplog.text or "OSError" in caplog.text


def test_a_shard_without_the_columns_is_said(tmp_path) -> None:
    pq.write_table(pa.table({"other": ["a"]}), tmp_path / "a.parquet")

    with pytest.raises(Unavailable):
        read_excerpts([tmp_path / "a.parquet"], [Place("doc", 0, 1)])


def test_nothing_asked_starts_no_process(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("kifabrik.datasets.excerpts._ask", lambda *_: pytest.fail("a process was started"))

    assert read_excerpts([tmp_path], []) == {}
    assert read_excerpts([], [Place("doc", 0, 1)]) == {}


def test_only_some_places_are_read_at_once(tmp_path) -> None:
    shard = write(tmp_path / "a.parquet", {"doc": "a" * 200})

    found = read_excerpts([shard], [Place("doc", n, n + 1) for n in range(100)])

    assert len(found) == PLACES_MAX
