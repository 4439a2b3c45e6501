"""Was the held-out text trained on? Counts documents that the training text holds for the most part."""

import numpy as np

from kifabrik.evaluation.subject import NotRun, Outcome, Subject, Test
from kifabrik.records.evaluation_report import Verdict

RED_SHARE = 0.05


def run(subject: Subject) -> Outcome:
    """Count dirty documents."""
    overlap = subject.overlap
    checked = int(overlap.is_checked.sum())
    if not checked:
        raise NotRun(f"no held-out document is longer than {overlap.length} tokens, so nothing could be compared.")
    dirty = int(overlap.is_dirty.sum())
    share = dirty / checked
    verdict = Verdict.RED if share > RED_SHARE else Verdict.GREEN
    consists, them = ("consists", "it") if dirty == 1 else ("consist", "them")
    reason = (
        f"{dirty} of {checked} held-out documents {consists} to 80 % or more of passages of {overlap.length} tokens "
        f"that the training text holds too; the other tests leave {them} out."
    )
    details: dict[str, float | str] = {
        "n_gram_tokens": overlap.length,
        "dirty_documents": dirty,
        "too_short_documents": len(subject.held_out) - checked,
        "covered_share_mean": float(np.nanmean(overlap.covered_shares)),
    }
    return Outcome(verdict=verdict, reason=reason, n=checked, statistic=share, details=details)


TEST = Test(
    name="contamination",
    title="The held-out text was not trained on",
    version=1,
    unit="share of held-out documents",
    threshold=f"more than {RED_SHARE:.0%} of the held-out documents are dirty",
    reference="G2; dirty documents as in Touvron et al. 2023, Llama 2, A.6",
    run=run,
)
