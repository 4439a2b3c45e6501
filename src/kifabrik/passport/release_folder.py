"""Builds the folder that leaves the house: model, card, papers, bill of materials, passport. Knows no signature.

Everything is written into a folder beside the target and renamed into place, so that no half release ever stands there.
"""

import json
import shutil
from datetime import datetime
from pathlib import Path

from kifabrik.core import digests, files, model_files
from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.passport import mlbom, model_card
from kifabrik.passport.assemble import assemble
from kifabrik.passport.papers import ReleasePapers, require_agreement
from kifabrik.records import Passport

MODEL_FOLDER = "model"
README = "README.md"
EVALUATION = "evaluation.json"
MANIFEST = "manifest.json"
DATASET_CARD = "dataset-card.json"
RECIPE = "recipe.json"
MLBOM = "mlbom.cdx.json"
PASSPORT = "passport.json"


def build(folder: Path, *, papers: ReleasePapers, model_folder: Path, now: datetime) -> Passport:
    """Write a release folder, unsigned; raises Conflict if papers or model files do not belong together.

    The gate is recorded as it stands, red too: whether a red release may be published is the caller's question.
    """
    require_agreement(papers)
    _require_model(papers, model_folder)
    if folder.exists():
        raise Conflict("there is something here already.", where=str(folder), remedy="Give a folder that is free.")
    half = folder.with_name(f".{folder.name}.half")
    with files.explain_disk_errors(folder):
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        try:
            passport = _fill(half, papers, model_folder, now)
            half.rename(folder)
            files.fsync_folder(folder.parent)
        except BaseException:
            shutil.rmtree(half, ignore_errors=True)
            raise
    return passport


def _fill(folder: Path, papers: ReleasePapers, model_folder: Path, now: datetime) -> Passport:
    for name in papers.model.files:
        target = folder / MODEL_FOLDER / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(model_folder / name, target)
    papers.evaluation.write(folder / EVALUATION)
    papers.run.write(folder / MANIFEST)
    papers.dataset.write(folder / DATASET_CARD)
    papers.run.recipe.write(folder / RECIPE)
    draft = assemble(papers, files={}, now=now)
    files.write_text(folder / README, model_card.render(draft, summary=papers.summary))
    bill = json.dumps(mlbom.render(draft), sort_keys=True, indent=2, ensure_ascii=False)
    files.write_text(folder / MLBOM, bill + "\n")
    passport = assemble(papers, files=digests.digest_files(folder), now=now)
    passport.write(folder / PASSPORT)
    return passport


def _require_model(papers: ReleasePapers, model_folder: Path) -> None:
    """Raise unless the folder holds exactly the files of the run's model, all of an allowed kind."""
    found = digests.digest_files(model_folder)
    declared = papers.model.files
    for name in sorted({*found, *declared}):
        if found.get(name) != declared.get(name):
            raise Conflict(
                "is not the file that the run recorded.",
                where=f"{model_folder.name}/{name}",
                remedy="Take the model folder of this very run.",
                code="model-changed",
            )
    if digests.digest_listing(found) != papers.model.model_digest:
        raise Conflict("the model's digest does not fit its files.", where=papers.run.run_id, code="model-changed")
    for finding in model_files.check(model_folder):
        raise InvalidInput(finding.message, where=finding.where, remedy=finding.remedy, code=finding.code)
