"""What is made once on a machine is made again where its cache is damaged, and in each process where there is none."""

import os
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from kifabrik.datasets.language_arrays import LanguageArrays, load_arrays


def same(one: LanguageArrays, other: LanguageArrays) -> bool:
    return all(np.array_equal(getattr(one, each.name), getattr(other, each.name)) for each in fields(LanguageArrays))


def test_the_language_model_is_unpacked_once_and_again_if_a_file_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = load_arrays()
    (weights,) = tmp_path.rglob("weights.npy")
    written = weights.stat().st_mtime_ns
    assert same(load_arrays(), first)
    assert weights.stat().st_mtime_ns == written

    whole = weights.read_bytes()
    weights.unlink()
    assert same(load_arrays(), first)
    weights.unlink()
    weights.write_bytes(whole[:1000])
    assert same(load_arrays(), first)
    assert weights.read_bytes() == whole


def test_what_older_versions_compiled_goes_after_a_month(tmp_path: Path) -> None:
    compiled = tmp_path / "kifabrik" / "compiled"
    for name, days in {"old": 31, "young": 29}.items():
        (compiled / name).mkdir(parents=True)
        (compiled / name / "loop.nbc").touch()
        at = time.time() - days * 86_400
        os.utime(compiled / name, (at, at))
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    code = "import kifabrik.datasets.compiled"
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)

    left = {folder.name for folder in compiled.iterdir()}
    assert "young" in left
    assert "old" not in left
    assert len(left) == 2, "the folder of this version is there"


def test_without_a_folder_for_caches_everything_works(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    code = (
        "from kifabrik.datasets.language import identify\n"
        "from kifabrik.datasets.words import split_words\n"
        "from kifabrik.datasets.detectors.scanner import Scanner\n"
        "print(identify('The council has adopted the new budget.', is_code=False), split_words(['Ein Wort']).lengths)\n"
        "print(Scanner().scan(['anna@firma.de'], is_code=[False], languages=['de'])[0][0].kind)\n"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(blocked)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "en [3 4]\nemail\n", done.stderr
    assert blocked.read_bytes() == b""
