"""Hostile safetensors headers are refused before any library parses them; sound ones are read like the library does."""

import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.passport.factories import make_safetensors

from kifabrik.core import model_files, safetensors_header
from kifabrik.core.errors import InvalidInput


def entry(dtype="F32", shape=(1,), begin=0, end=4):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def raw_pairs(*pairs):
    return ("{" + ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in pairs) + "}").encode()


HOSTILE = {
    "giant length": struct.pack("<Q", 2**63) + b"{}",
    "length past the end": struct.pack("<Q", 100) + b"{}",
    "header over 8 MiB": struct.pack("<Q", 8 * 1024 * 1024 + 1) + b" " * (8 * 1024 * 1024 + 1),
    "overlap": make_safetensors({"a": entry(end=4), "b": entry(begin=2, end=6)}, bytes(6)),
    "hole": make_safetensors({"a": entry(), "b": entry(begin=8, end=12)}, bytes(12)),
    "out of range": make_safetensors({"a": entry(end=4)}, b""),
    "shape overflow": make_safetensors({"a": entry(shape=(2**40, 2**40))}, bytes(4)),
    "shape of another size": make_safetensors({"a": entry(shape=(2,))}, bytes(4)),
    "negative shape": make_safetensors({"a": entry(shape=(-1, -1))}, bytes(4)),
    "deep nesting": make_safetensors(b'{"a":' + b"[" * 100_000),
    "deep nesting, closed": make_safetensors(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "trailing bytes": make_safetensors({"a": entry()}, bytes(5)),
    "duplicate name": make_safetensors(raw_pairs(("a", entry()), ("a", entry())), bytes(4)),
    "duplicate field": make_safetensors(
        b'{"a":{"dtype":"F32","dtype":"U8","shape":[1],"data_offsets":[0,4]}}', bytes(4)
    ),
    "path as a name": make_safetensors({"../../etc/x": entry()}, bytes(4)),
    "800,000 empty tensors": make_safetensors(
        b"{" + b",".join(b'"%d":{}' % number for number in range(800_000)) + b"}"
    ),
    "100,001 tensors": make_safetensors(b"{" + b",".join(b'"%d":0' % number for number in range(100_001)) + b"}"),
    "unknown type": make_safetensors({"a": entry(dtype="PICKLE")}, bytes(4)),
    "another field": make_safetensors({"a": {**entry(), "code": "x"}}, bytes(4)),
    "not an object": make_safetensors([1, 2]),
    "not JSON": make_safetensors(b"{'a': 1}"),
    "not UTF-8": make_safetensors(b"\xff\xfe{}"),
    "infinite number": make_safetensors(b'{"a":{"dtype":"F32","shape":[Infinity],"data_offsets":[0,4]}}', bytes(4)),
    "number of 5,000 digits": make_safetensors(
        b'{"a":{"dtype":"F32","shape":[' + b"9" * 5000 + b'],"data_offsets":[0,4]}}'
    ),
    "boolean offset": make_safetensors(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[false,true]}}', bytes(1)),
    "metadata that is no text": make_safetensors({"__metadata__": {"a": 1}, "a": entry()}, bytes(4)),
    "empty file": b"",
    "pickle": b"\x80\x04\x95" + bytes(40),
    "zip": b"PK\x03\x04" + bytes(40),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_header_is_refused_in_one_sentence(tmp_path, name):
    path = tmp_path / "model.safetensors"
    path.write_bytes(HOSTILE[name])

    with pytest.raises(InvalidInput) as caught:
        safetensors_header.read(path)

    assert caught.value.where == str(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_sound_header_is_read(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(
        make_safetensors(
            {
                "__metadata__": {"format": "pt"},
                "b.weight": entry("BF16", (2, 3), 4, 16),
                "a": entry(),
                "empty": entry("I64", (0, 5), 16, 16),
                "scalar": entry("U8", (), 16, 17),
            },
            bytes(17),
        )
    )

    entries = {each.name: each for each in safetensors_header.read(path)}

    assert entries["b.weight"].shape == (2, 3)
    assert (entries["b.weight"].begin, entries["b.weight"].end) == (4, 16)
    assert set(entries) == {"a", "b.weight", "empty", "scalar"}


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_and_nothing_else(data):
    from pathlib import Path

    try:
        entries = safetensors_header.parse(data, data_bytes=0, path=Path("x"))
    except InvalidInput:
        return
    assert isinstance(entries, tuple)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["F32", "U8"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["dtype", "shape", "data_offsets", "__metadata__", "a", "b"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(JSON, st.integers(0, 16))
def test_any_json_is_read_or_refused_and_what_is_read_fits_the_file(value, data_bytes):
    from pathlib import Path

    try:
        entries = safetensors_header.parse(json.dumps(value).encode(), data_bytes=data_bytes, path=Path("x"))
    except InvalidInput:
        return
    assert sum(each.end - each.begin for each in entries) == data_bytes


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(safetensors_header.DTYPE_BYTES)), st.lists(st.integers(0, 4), max_size=3))
    )
)
def test_what_the_library_writes_is_always_accepted(shapes):
    from math import prod
    from pathlib import Path

    header, at = {}, 0
    for number, (dtype, shape) in enumerate(shapes):
        size = prod(shape) * safetensors_header.DTYPE_BYTES[dtype]
        header[f"layer.{number}"] = entry(dtype, shape, at, at + size)
        at += size

    assert len(safetensors_header.parse(json.dumps(header).encode(), data_bytes=at, path=Path("x"))) == len(shapes)


def test_a_model_folder_may_hold_weights_and_text_only(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(make_safetensors({"a": entry()}, bytes(4)))
    (tmp_path / "config.json").write_text("{}")
    assert model_files.check(tmp_path) == ()

    (tmp_path / "modeling.py").write_text("import os")
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    (tmp_path / "vocab.json").write_bytes(b"\x80\x04hidden pickle")
    (tmp_path / "notes.docx").write_bytes(b"x")
    (tmp_path / "link.json").symlink_to(tmp_path / "config.json")

    found = {finding.where: finding.code for finding in model_files.check(tmp_path)}

    assert found == {
        "modeling.py": "model.code",
        "pytorch_model.bin": "model.pickle",
        "vocab.json": "model.disguised",
        "notes.docx": "model.unknown-file",
        "link.json": "model.link",
    }


def test_a_model_folder_without_weights_or_none_at_all_is_a_finding(tmp_path):
    (tmp_path / "config.json").write_text("{}")

    assert [each.code for each in model_files.check(tmp_path)] == ["model.no-weights"]
    assert [each.code for each in model_files.check(tmp_path / "none")] == ["model.missing"]
