"""What was expected of a run against what it took, and what each attempt consumed. Reads papers, measures nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from kifabrik.portal.compute.models import Run
from kifabrik.records import UsageRecord


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure: expected and actual, None where it is not known; `kind` tells the page how to write it."""

    label: str
    expected: float | None
    actual: float | None
    kind: str
    remark: str = ""


def compare(run: Run, *, used_gpu_seconds: int) -> tuple[Compared, ...]:
    """Set the estimate at the start beside usage and manifest."""
    expected, manifest = run.estimate, run.manifest or {}
    compute, energy = manifest.get("compute") or {}, manifest.get("energy") or {}
    is_booked = run.usage.exists()
    return (
        Compared(
            _("Time of devices"), expected.get("gpu_seconds"), used_gpu_seconds if is_booked else None, "device-time"
        ),
        Compared(_("Time limit and working time"), run.time_limit_seconds, compute.get("wall_seconds"), "duration"),
        Compared(_("Tokens trained on"), expected.get("tokens"), compute.get("train_tokens"), "count"),
        Compared(_("Operations (FLOP)"), expected.get("flop"), compute.get("flop"), "flop", compute.get("method", "")),
        Compared(
            _("Energy"),
            expected.get("watt_hours"),
            energy.get("watt_hours"),
            "watt-hours",
            _energy_remark(energy),
        ),
    )


def read_attempts(run: Run) -> Sequence[UsageRecord]:
    """Read what the accounting of the site said about each attempt."""
    return [UsageRecord.model_validate(row.record) for row in run.usage.order_by("at", "key")]


def _energy_remark(energy: Mapping[str, Any]) -> str:
    if not energy:
        return ""
    return f"{energy['method_class']}: {energy['method']}"
