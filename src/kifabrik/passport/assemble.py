"""Puts the passport together from records alone. Knows how the papers refer to each other, not where they lie."""

from collections.abc import Mapping
from datetime import datetime

from kifabrik.passport import completeness, gate
from kifabrik.passport.papers import ReleasePapers, require_agreement
from kifabrik.passport.reference import law
from kifabrik.records import Passport


def assemble(papers: ReleasePapers, *, files: Mapping[str, str], now: datetime) -> Passport:
    """Make the passport; raises Conflict if the papers do not speak of the same run, dataset and model.

    `files` maps each path of the release folder to its digest; the gate is judged on the day of `now`.
    """
    require_agreement(papers)
    reference = law()
    run = papers.run
    return Passport(
        model_name=papers.model_name,
        release_version=papers.release_version,
        made_at=now.isoformat(),
        law_as_of=reference.as_of.isoformat(),
        organisation=papers.organisation,
        licence=run.recipe.licence,
        intended_use=run.recipe.intended_use,
        award=papers.award,
        usage=papers.usage,
        dataset=papers.dataset,
        run=run,
        evaluation=papers.evaluation,
        gate=gate.judge(papers.evaluation, waivers=papers.waivers, today=now.date()),
        decisions=papers.decisions,
        evidence=completeness.check(papers, reference=reference, now=now),
        files=dict(files),
    )
