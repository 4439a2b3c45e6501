"""A signed release from a finished run folder, with no portal: the passport then says that no award stands behind it.

Knows the run folder and the passport room; the gate is as strict as the portal's.
"""

from collections.abc import Sequence
from datetime import date, datetime
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
    _require_green(papers, today=now.date(), where=str(run))
    passport = release_folder.build(out, papers=papers, model_folder=paths.model, now=now)
    signing.sign(out, key=key)
    return passport


def _require_green(papers: ReleasePapers, *, today: date, where: str) -> None:
    """Raise Conflict that names the tests nobody has answered for, and the words with which somebody may."""
    judged = gate.judge(papers.evaluation, waivers=papers.waivers, today=today)
    if judged.verdict is Verdict.GREEN:
        return
    answered = {waiver.test for waiver in judged.waivers}
    red = [test for test in gate.red_tests(papers.evaluation) if test not in answered]
    fixed = [test for test in red if test in gate.NEVER_WAIVED]
    words = " ".join(f"--waive {test}" for test in red)
    raise Conflict(
        f"the gate is red: {', '.join(red)}.",
        where=where,
        remedy=f"Mend the cause with a new run; nobody can answer for {', '.join(fixed)}."
        if fixed
        else f"Mend the cause with a new run, or answer for it by name with {words} --by NAME --reason TEXT.",
        code="gate-red",
    )
