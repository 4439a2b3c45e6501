"""The language model of py3langid as arrays, unpacked once on a machine. Knows its parts, not what they are for.

Unpacking takes half a second, which each process would need; so the arrays are kept in the user's cache folder and
mapped from there, which all processes share. About 70 MB. Weights are kept as 16 bits, because memory is what limits
the speed, at steps some thousand times finer than what decides.
"""

import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass, fields
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from kifabrik.core.files import cache_folder

Moves = npt.NDArray[np.uint32]
Features = npt.NDArray[np.int32]
Weights = npt.NDArray[np.int16]
_LARGEST = np.iinfo(np.int16).max
_LAYOUT = 1  # other arrays need another number here, or old ones would be used again


@dataclass(frozen=True, slots=True)
class LanguageArrays:
    """An automaton and what its n-grams weigh.

    From state s, byte b leads to state `moves[rows[s] + b]`; `outputs[s]` is the feature that state s shows, or -1.
    `weights` times `step` are the log-probabilities of features (rows) in the classes `names` (columns), `prior` those
    of the classes.
    """

    moves: Moves
    rows: npt.NDArray[np.int64]
    outputs: Features
    weights: Weights
    step: npt.NDArray[np.float32]
    prior: npt.NDArray[np.float32]
    names: npt.NDArray[np.str_]


def load_arrays() -> LanguageArrays:
    """Map the arrays from the cache, or unpack them; a cache that cannot be used is no error."""
    folder = cache_folder() / f"py3langid-{version('py3langid')}-{_LAYOUT}"
    try:
        return _read(folder)
    except (OSError, ValueError, EOFError):  # not there, or damaged
        arrays = _unpack()
    with suppress(OSError):
        _write(arrays, folder)
        return _read(folder)
    return arrays


def _unpack() -> LanguageArrays:
    model = LanguageIdentifier.from_model_file(MODEL_FILE)
    weights = model.nb_ptc.astype(np.float32)
    step = np.abs(weights).max() / np.float32(_LARGEST)
    return LanguageArrays(
        moves=np.array(model.tk_nextmove, dtype=np.uint32),
        rows=np.asarray(model.tk_row, dtype=np.int64) << 8,
        outputs=np.asarray(model.tk_output, dtype=np.int32),
        weights=np.clip(np.rint(weights / step), -_LARGEST, _LARGEST).astype(np.int16),
        step=np.asarray(step, dtype=np.float32),
        prior=model.nb_pc.astype(np.float32),
        names=np.array(model.nb_classes),
    )


def _read(folder: Path) -> LanguageArrays:
    arrays = {each.name: np.load(folder / f"{each.name}.npy", mmap_mode="r") for each in fields(LanguageArrays)}
    return LanguageArrays(**arrays)


def _write(arrays: LanguageArrays, folder: Path) -> None:
    """Write all arrays or none; whoever comes first wins, and a damaged folder makes room."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, ignore_cleanup_errors=True) as draft:
        for each in fields(LanguageArrays):
            np.save(Path(draft) / f"{each.name}.npy", getattr(arrays, each.name))
        shutil.rmtree(folder, ignore_errors=True)
        Path(draft).rename(folder)
