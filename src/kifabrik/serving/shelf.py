"""Which models there are: folders given by name and folders that appear under a watched one. Loads them when asked for.

A folder is listed only after it was admitted, and admitted again when it is loaded, so that nothing changes between.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kifabrik.core import model_files
from kifabrik.core.errors import InvalidInput, KifabrikError, NotFound
from kifabrik.records.passport import Passport
from kifabrik.serving.engine import Engine

LOOK_SECONDS = 1.0
ENGINES_MAX = 4

log = logging.getLogger("kifabrik.serving")
Admit = Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Served:
    """One model that can be asked: its name for clients, its folder, when it was made (seconds since 1970)."""

    name: str
    folder: Path
    made_at: int


class Shelf:
    """Keeps names and loaded engines; any thread may ask."""

    def __init__(self, releases: Sequence[Path] = (), *, watch: Path | None = None, admit: Admit | None = None) -> None:
        self._admit_too = admit
        self._watch = watch
        self._lock = threading.RLock()
        self._looked_at = float("-inf")
        self._refused: dict[Path, int] = {}
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._given: dict[str, Served] = {}
        self._found: dict[str, Served] = {}
        for folder in releases:
            served = self._take(folder.absolute())
            if served.name in self._given:
                raise InvalidInput(f"two folders hold the model {served.name}.", where=str(folder))
            self._given[served.name] = served

    def list(self) -> tuple[Served, ...]:
        """List what can be asked, by name."""
        with self._lock:
            self._look()
            both = {**self._found, **self._given}
            return tuple(both[name] for name in sorted(both))

    def find(self, name: str) -> Served:
        """Find a model by name, looking again if it is not known; raises NotFound."""
        with self._lock:
            for at_once in (False, True):
                self._look(at_once=at_once)
                served = self._given.get(name) or self._found.get(name)
                if served is not None:
                    return served
        raise NotFound(f"the model '{name}' does not exist here.", where="model", code="model_not_found")

    def load(self, served: Served) -> Engine:
        """Give the engine of a model, loading it on first use; the one used longest ago makes room."""
        with self._lock:
            engine = self._engines.get(served.name)
            if engine is None:
                self._admit(served.folder)
                engine = self._engines[served.name] = Engine(served.folder / "model")
                log.info("loaded model=%s folder=%s", served.name, served.folder)
            self._engines.move_to_end(served.name)
            while len(self._engines) > ENGINES_MAX:
                self._engines.popitem(last=False)
            return engine

    def _look(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if self._watch is None or (not at_once and now - self._looked_at < LOOK_SECONDS):
            return
        known = {served.folder: served for served in self._found.values()}
        found: dict[str, Served] = {}
        for folder in _release_folders(self._watch):
            served = known.get(folder) or self._try_to_take(folder)
            if served is not None:
                found.setdefault(served.name, served)
        for name in self._found.keys() - found.keys():
            self._engines.pop(name, None)
            log.info("gone model=%s", name)
        self._found = found
        self._looked_at = time.monotonic()

    def _try_to_take(self, folder: Path) -> Served | None:
        """Take a watched folder, or remember that this state of it was refused; the others are served all the same."""
        try:
            stamp = folder.stat().st_mtime_ns
            if self._refused.get(folder) == stamp:
                return None
            served = self._take(folder)
        except (KifabrikError, OSError) as error:
            self._refused[folder] = stamp
            log.warning("refused folder=%s %s", folder, error)
            return None
        log.info("found model=%s folder=%s", served.name, folder)
        return served

    def _take(self, folder: Path) -> Served:
        self._admit(folder)
        passport = folder / "passport.json"
        made_at = int((folder / "model").stat().st_mtime)
        if not passport.exists():
            return Served(folder.name, folder, made_at)
        read = Passport.read(passport)
        return Served(f"{read.model_name}:{read.release_version}", folder, made_at)

    def _admit(self, folder: Path) -> None:
        """Raise InvalidInput for a folder that holds no safe model, and whatever the caller's own check raises."""
        for finding in model_files.check(folder / "model"):
            place = folder / "model" if finding.where == "model" else folder / "model" / finding.where
            raise InvalidInput(finding.message, where=str(place), remedy=finding.remedy)
        if self._admit_too is not None:
            self._admit_too(folder)


def _release_folders(watch: Path) -> Iterator[Path]:
    """Walk the folders with a model, at most two levels below; names with a leading dot are somebody's drafts."""
    for first in _plain_folders(watch):
        if (first / "model").is_dir():
            yield first
        else:
            yield from (second for second in _plain_folders(first) if (second / "model").is_dir())


def _plain_folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
