"""Rows of findings: each line is the JSON of one row, whatever signs the names of files hold."""

import io
import json

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from kifabrik.datasets.finding_rows import RowWriter

names = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(["a.jsonl:7", 'a"b.txt', "a\\b", "ü\n:3"])


@given(st.lists(st.tuples(names, st.integers(0, 2**40), st.sampled_from(["", "DE"]), st.integers(1, 3))))
def test_every_line_reads_back_to_its_row(rows: list[tuple[str, int, str, int]]) -> None:
    documents, starts, countries, tiers = ([row[place] for row in rows] for place in range(4))
    hits = pa.table(
        {
            "start": pa.array(starts, pa.int64()),
            "end": pa.array([start + 5 for start in starts], pa.int64()),
            "kind": pa.array(["email"] * len(rows), pa.string()).dictionary_encode(),
            "country": pa.array(countries, pa.string()).dictionary_encode(),
            "tier": pa.array(tiers, pa.int8()),
            "digest": pa.array(["hmac-sha256:00ff"] * len(rows), pa.string()),
        }
    )
    stream = io.BytesIO()
    writer = RowWriter(stream)

    writer.write_all(hits, pa.chunked_array([documents], pa.string()))

    assert writer.rows == len(rows)
    assert [list(json.loads(line).values()) for line in stream.getvalue().split(b"\n")[:-1]] == [
        [document, start, start + 5, "email", country, tier, "hmac-sha256:00ff"]
        for document, start, country, tier in rows
    ]
