"""The language model of py3langid as arrays, laid out for speed once on a machine. Knows its parts, not their use.

To unpack it takes half a second, which each process would need; so the arrays are kept in the user's cache folder and
mapped from there, which all processes share. About 55 MB. What limits the speed is memory: so a weight is one byte, at
steps of some hundredths where the scores of languages differ by tens, and each move holds all that a walk must know.
"""

import shutil
import tempfile
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kifabrik.core.files import cache_folder
from kifabrik.datasets.beginnings import describe_characters

Moves = npt.NDArray[np.uint32]
Features = npt.NDArray[np.int32]
Weights = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.float32]
Numbers64 = npt.NDArray[np.int64]
STATE_BITS = 17
CHUNK = 256  # states that share one of `bases`
WIDTH = 144  # of a row of weights; a number that is known when the loops are compiled makes them faster
_LAYOUT = 2  # other arrays need another number here, or old ones would be used again


@dataclass(frozen=True, slots=True)
class LanguageArrays:
    """An automaton and what its n-grams weigh.

    A move holds the state s to which it leads (the lower bits) and, above, how far the row of that state is from
    `bases[s // CHUNK]`; a row is 256 moves, one for each byte. The first states are the features, in the order of the
    rows of `weights`; then come those that show the feature `borrowed`, then those that show none. `weights` times
    `step` plus `floor` are the log-probabilities of features in the classes (columns), `prior` those of the classes.
    The first classes are the languages `names`, the others the second scripts of the languages at the places `twins`.
    `characters` is what `describe_characters` says.
    """

    moves: Moves
    bases: Moves
    start: Moves
    borrowed: Features
    weights: Weights
    step: Numbers
    floor: Numbers
    prior: Numbers
    names: npt.NDArray[np.str_]
    twins: npt.NDArray[np.int64]
    characters: npt.NDArray[np.uint8]


def load_arrays() -> LanguageArrays:
    """Map the arrays from the cache, or unpack them; a cache that cannot be used is no error."""
    folder = cache_folder() / f"py3langid-{version('py3langid')}-{unicodedata.unidata_version}-{_LAYOUT}"
    try:
        return _read(folder)
    except (OSError, ValueError, EOFError):  # not there, or damaged
        arrays = _unpack()
    with suppress(OSError):
        _write(arrays, folder)
        return _read(folder)
    return arrays


def _unpack() -> LanguageArrays:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415  # not needed where a cache is

    model = LanguageIdentifier.from_model_file(MODEL_FILE)
    rows, outputs = np.asarray(model.tk_row, dtype=np.int64), np.asarray(model.tk_output, dtype=np.int64)
    own, borrowing, silent = _sort_states(rows, outputs)
    states = np.concatenate((own, borrowing, silent))
    numbers = np.empty_like(states)
    numbers[states] = np.arange(len(states))
    firsts = np.minimum.reduceat(rows[states], np.arange(0, len(states), CHUNK))
    entries = (numbers | (rows - firsts[numbers // CHUNK]) << STATE_BITS).astype(np.uint32)
    owners = np.empty(len(own), dtype=np.int32)
    owners[outputs[own]] = np.arange(len(own))
    names, twins, classes = _sort_classes(model.nb_classes)
    likelihoods = model.nb_ptc.astype(np.float32)[outputs[own]][:, classes]
    floor = likelihoods.min(axis=0)
    likelihoods -= floor
    step = likelihoods.max() / np.float32(255)
    weights = np.zeros((len(own), WIDTH), dtype=np.uint8)
    weights[:, : len(classes)] = np.rint(likelihoods / step)
    return LanguageArrays(
        moves=entries[np.asarray(model.tk_nextmove)],
        bases=(firsts << 8).astype(np.uint32),
        start=entries[:1],
        borrowed=owners[outputs[borrowing]],
        weights=weights,
        step=np.asarray(step),
        floor=floor,
        prior=model.nb_pc.astype(np.float32)[classes],
        names=names,
        twins=twins,
        characters=describe_characters(),
    )


def _sort_states(rows: Numbers64, outputs: Numbers64) -> tuple[Numbers64, Numbers64, Numbers64]:
    """Give the first state that shows each feature, the other states that show one, and those that show none.

    Neighbours have neighbouring rows, also where one group follows another.
    """
    features, firsts = np.unique(outputs, return_index=True)
    own = firsts[features >= 0]
    is_own = np.isin(np.arange(len(rows)), own)
    borrowing, silent = np.flatnonzero(~is_own & (outputs >= 0)), np.flatnonzero(outputs < 0)
    own, borrowing, silent = (each[np.argsort(rows[each], kind="stable")] for each in (own, borrowing, silent))
    return own, borrowing[::-1], silent


def _sort_classes(names: Sequence[str]) -> tuple[npt.NDArray[np.str_], Numbers64, Numbers64]:
    """Give the languages, those of the classes that are second scripts, and the places of all classes in that order."""
    languages = list(dict.fromkeys(names))
    firsts = [names.index(each) for each in languages]
    seconds = [place for place in range(len(names)) if place not in firsts]
    twins = np.array([languages.index(names[place]) for place in seconds], dtype=np.int64)
    return np.array(languages), twins, np.array(firsts + seconds)


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
