"""A signed release from a finished run folder, with no portal: the passport then says that no award stands behind it.

Knows the run folder and the passport room; the gate is as strict as the portal's.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from kifabrik.core.errors import Conflict
from kifabrik.datasets import folder as dataset_folder
from kifabrik.passport import gate, release_folder, signing
from kifabrik.passport.keys import KeyPair
from kifabrik.passport.papers import ReleasePapers
from kifabrik.records import EvaluationReport, Passport, RunManifest
from kifabrik.records.evaluation_report import Verdict, Waiver
from kifabrik.workbench.run_folder import RunFolder


def make_release(
    run: Path,
    *,
    dataset: Path,
    out: Path,
    name: str,
    organisation: str,
    waivers: Sequence[Waiver],
    key: KeyPair,
    now: datetime,
) -> Passport:
    """Build and sign a release folder; raises Conflict for an unfinished run, papers that disagree or a red gate."""
    paths = RunFolder(run)
    manifest = RunManifest.read(paths.manifest)
    papers = ReleasePapers(
        model_name=name or manifest.recipe.name,
        release_version="1",
        organisation=organisation,
        dataset=dataset_folder.read_card(dataset),
        run=manifest,
        evaluation=EvaluationReport.read(paths.evaluation),
        waivers=tuple(waivers),
    )
    verdict = gate.judge(papers.evaluation, waivers=papers.waivers, today=now.date()).verdict
    if verdict is not Verdict.GREEN:
        raise Conflict(
            f"the gate is red: {', '.join(gate.red_tests(papers.evaluation))}.",
            where=str(run),
            remedy="Mend the cause with a new run, or answer for it by name with --waive TEST --by NAME --reason TEXT.",
            code="gate-red",
        )
    passport = release_folder.build(out, papers=papers, model_folder=paths.model, now=now)
    signing.sign(out, key=key)
    return passport
