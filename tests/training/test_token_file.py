import json

import numpy as np
import pytest

from kifabrik.core.errors import InvalidInput
from kifabrik.training import token_file
from kifabrik.training.windows import Windows, spread


@pytest.mark.parametrize(("vocabulary", "dtype"), [(65_536, "uint16"), (65_537, "uint32")])
def test_the_number_format_fits_the_vocabulary(tmp_path, vocabulary, dtype) -> None:
    token_file.write(tmp_path / "train", [(5, [1, 2, 3]), (2, [vocabulary - 1])], vocabulary=vocabulary)

    stored = token_file.read(tmp_path / "train")

    assert stored.tokens.dtype == dtype
    assert stored.tokens.tolist() == [1, 2, 3, vocabulary - 1]
    assert stored.starts.tolist() == [0, 3, 4]
    assert stored.sizes == token_file.TokenFileSizes(dtype, 4, 2, 7)


def test_an_empty_file_can_be_written_and_read(tmp_path) -> None:
    token_file.write(tmp_path / "held-out", [], vocabulary=400)

    assert token_file.read(tmp_path / "held-out").tokens.tolist() == []


def test_a_failure_while_writing_leaves_no_token_file(tmp_path) -> None:
    def documents():
        yield 1, [1]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        token_file.write(tmp_path / "train", documents(), vocabulary=400)

    assert not (tmp_path / "train.bin").exists()


def test_windows_depend_on_seed_and_step_alone() -> None:
    tokens = np.arange(1000, dtype=np.uint16)
    forwards = Windows(tokens, context_tokens=16, batch_sequences=4, seed=3)
    backwards = Windows(tokens, context_tokens=16, batch_sequences=4, seed=3)

    steps = range(40)

    assert [forwards.batch(step).tolist() for step in steps] == [
        backwards.batch(step).tolist() for step in reversed(steps)
    ][::-1]


def test_an_epoch_sees_every_window_once() -> None:
    windows = Windows(np.arange(1000, dtype=np.uint16), context_tokens=16, batch_sequences=61, seed=3)

    rows = windows.batch(0)

    firsts = sorted(rows[:, 0].tolist())
    assert np.diff(firsts).tolist() == [16] * 60
    assert rows.shape == (61, 17)


def test_too_little_text_is_refused_with_the_number_needed() -> None:
    with pytest.raises(InvalidInput, match="at least 65"):
        Windows(np.arange(64, dtype=np.uint16), context_tokens=32, batch_sequences=1, seed=3)


def test_spread_windows_are_empty_when_there_is_too_little() -> None:
    assert spread(np.arange(10, dtype=np.uint16), context_tokens=32, sequences_max=4).shape == (0, 33)


def test_sizes_are_plain_json(tmp_path) -> None:
    token_file.write(tmp_path / "train", [(5, [1, 2])], vocabulary=400)

    assert json.loads((tmp_path / "train.json").read_text())["tokens"] == 2
