"""Brings datasets to the site by content: a cache of files, and folders made of them in one step. Knows no job."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from kifabrik.core import digests, files
from kifabrik.core.errors import InvalidInput
from kifabrik.records import Recipe
from kifabrik.site.client import PortalClient
from kifabrik.site.desired import InputFile


class Staging:
    """Keeps `files/` (each file once, named by its digest) and `datasets/` (folders as the runs see them)."""

    def __init__(self, home: Path, client: PortalClient) -> None:
        self._home = home
        self._files = home / "files"
        self._datasets = home / "datasets"
        self._client = client

    def stage(self, inputs: Sequence[InputFile]) -> Path:
        """Return the folder that holds the inputs, made whole or not at all; a folder made before is used again.

        Raises InvalidInput for unsafe paths, Unavailable while the portal or the disk does not allow it.
        """
        listing = _check_paths(inputs)
        folder = dataset_folder(self._home, inputs)
        if folder.is_dir():
            with suppress(OSError):
                os.utime(folder)  # so that `pruning` knows when it was used last
            return folder
        for digest in sorted(set(listing.values())):
            self._client.download_file(digest, self._cached(digest))
        self._build(folder, listing)
        return folder

    def write_recipe(self, recipe: Recipe, folder: Path) -> Path:
        """Lay a recipe into its run folder; raises Unavailable if the disk does not allow it."""
        path = folder / "recipe.json"
        recipe.write(path)
        return path

    def _cached(self, digest: str) -> Path:
        name = digest.removeprefix("sha256:")
        return self._files / name[:2] / name

    def _build(self, folder: Path, listing: dict[str, str]) -> None:
        with files.explain_disk_errors(folder):
            self._datasets.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(dir=self._datasets, prefix=".draft-"))
            try:
                for path, digest in listing.items():
                    place = draft / path
                    place.parent.mkdir(parents=True, exist_ok=True)
                    _link(self._cached(digest), place)
                draft.chmod(0o755)
                with suppress(OSError):  # the folder stands already, made before a kill or by another process
                    draft.rename(folder)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
            files.fsync_folder(self._datasets)


def dataset_folder(home: Path, inputs: Sequence[InputFile]) -> Path:
    """Name the folder of a dataset, whether it is there or not; raises InvalidInput for unsafe paths."""
    return home / "datasets" / digests.digest_listing(_check_paths(inputs)).removeprefix("sha256:")


def dataset_folders(home: Path) -> Sequence[Path]:
    """List the folders of datasets, and the drafts of some that a kill left."""
    return [path for path in sorted((home / "datasets").glob("*")) if path.is_dir()]


def cached_files(home: Path) -> Sequence[Path]:
    """List the cached files, and what was received of some."""
    return [path for path in sorted((home / "files").glob("*/*")) if path.is_file()]


def _link(cached: Path, place: Path) -> None:
    """Show a cached file under its name without copying it, read-only; copy where links are not possible."""
    cached.chmod(0o444)
    try:
        os.link(cached, place)
    except OSError:
        shutil.copyfile(cached, place)


def _check_paths(inputs: Sequence[InputFile]) -> dict[str, str]:
    listing: dict[str, str] = {}
    for entry in inputs:
        steps = PurePosixPath(entry.path)
        is_plain = entry.path == steps.as_posix() and entry.path != "." and "\\" not in entry.path
        if not is_plain or steps.is_absolute() or ".." in steps.parts or entry.path in listing:
            raise InvalidInput("the dataset has a file with an unsafe or doubled name.", where=entry.path[:200])
        listing[entry.path] = entry.digest
    if not listing:
        raise InvalidInput("the dataset has no files.", where="inputs")
    return listing
