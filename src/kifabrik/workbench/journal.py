"""The journal of a run: the manifest, written after every step, and what it says a new start may skip.

Knows steps by name and outputs by digest. A finished step whose outputs are gone or changed counts as not done, and so
do the steps after it.
"""

from pathlib import Path

from kifabrik.core import digests
from kifabrik.core.errors import Conflict
from kifabrik.records.dataset_card import DatasetCard
from kifabrik.records.recipe import Recipe
from kifabrik.records.run_manifest import ComputeRecord, EnergyRecord, Environment, RunManifest, StepRecord
from kifabrik.workbench.run_folder import RunFolder
from kifabrik.workbench.step import StepResult


class Journal:
    """The manifest of one run folder, and its only writer."""

    def __init__(self, folder: RunFolder, manifest: RunManifest) -> None:
        self._folder = folder
        self.manifest = manifest

    @classmethod
    def open(
        cls, folder: RunFolder, *, recipe: Recipe, card: DatasetCard, run_id: str, environment: Environment
    ) -> "Journal":
        """Begin a run folder or go on in it, counting the attempt; a finished and whole run is left as it is.

        Raises Conflict if the folder belongs to another run, recipe or dataset.
        """
        if not folder.manifest.exists():
            begun = RunManifest(
                run_id=run_id,
                recipe=recipe,
                recipe_digest=recipe.digest(),
                dataset_digest=card.dataset_digest,
                dataset_name=card.name,
                environment=environment,
                attempts=1,
                steps=(),
            )
            journal = cls(folder, begun)
            recipe.write(folder.recipe)
            journal._write()
            return journal
        stored = RunManifest.read(folder.manifest)
        _require_same(stored, recipe=recipe, card=card, run_id=run_id, where=str(folder.root))
        journal = cls(folder, stored)
        whole = journal._whole_steps()
        if stored.finished and len(whole) == len(stored.steps):
            return journal
        journal._change(attempts=stored.attempts + 1, steps=whole, environment=environment, finished=False)
        return journal

    def has(self, step: str) -> bool:
        """Say whether a step is finished."""
        return any(record.step == step for record in self.manifest.steps)

    def record(self, record: StepRecord, result: StepResult) -> None:
        """Write that a step is finished, with what the manifest keeps of it."""
        changes: dict[str, object] = {"steps": (*self.manifest.steps, record)}
        if result.model is not None:
            changes["model"] = result.model
        if result.evaluation_digest is not None:
            changes["evaluation_digest"] = result.evaluation_digest
        self._change(**changes)

    def finish(self, *, compute: ComputeRecord, energy: EnergyRecord) -> None:
        """Write that the run is finished."""
        self._change(compute=compute, energy=energy, finished=True)

    def digest_outputs(self, outputs: tuple[Path, ...]) -> dict[str, str]:
        """Name the files a step left, relative to the run folder."""
        found: dict[str, str] = {}
        for output in outputs:
            listing = digests.digest_files(output) if output.is_dir() else {"": digests.digest_file(output)}
            base = output.relative_to(self._folder.root)
            found |= {(base / name).as_posix(): digest for name, digest in listing.items()}
        return found

    def _whole_steps(self) -> tuple[StepRecord, ...]:
        whole: list[StepRecord] = []
        for record in self.manifest.steps:
            if any(not self._is_unchanged(path, digest) for path, digest in record.outputs.items()):
                break
            whole.append(record)
        return tuple(whole)

    def _is_unchanged(self, path: str, digest: str) -> bool:
        file = self._folder.root / path
        return file.is_file() and digests.digest_file(file) == digest

    def _change(self, **changes: object) -> None:
        self.manifest = self.manifest.model_copy(update=changes)
        self._write()

    def _write(self) -> None:
        self.manifest.write(self._folder.manifest)


def _require_same(stored: RunManifest, *, recipe: Recipe, card: DatasetCard, run_id: str, where: str) -> None:
    differing = [
        name
        for name, ours, theirs in (
            ("run", run_id, stored.run_id),
            ("recipe", recipe.digest(), stored.recipe_digest),
            ("dataset", card.dataset_digest, stored.dataset_digest),
        )
        if ours != theirs
    ]
    if differing:
        raise Conflict(
            f"this folder belongs to run {stored.run_id}, which has another {' and '.join(differing)}.",
            where=where,
            remedy="Give the recipe and dataset it was started with, or another folder.",
            code="other-run",
        )
