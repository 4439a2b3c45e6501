"""What a run has told so far: its events in order, its steps, the time left, what the model wrote. Knows rows only."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Max, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kifabrik.portal.compute.models import Run, RunEventRow
from kifabrik.records import EventKind
from kifabrik.records.run_state import FINAL

STEPS = {
    "dataset": gettext_lazy("Check the dataset"),
    "tokenizer": gettext_lazy("Make the tokenizer"),
    "encoding": gettext_lazy("Encode the text"),
    "pretraining": gettext_lazy("Pre-training"),
    "fine-tuning": gettext_lazy("Fine-tuning"),
    "packaging": gettext_lazy("Packaging"),
    "evaluation": gettext_lazy("Evaluation"),
}
_LINES = [
    EventKind.ATTEMPT,
    EventKind.STEP_STARTED,
    EventKind.STEP_ENDED,
    EventKind.CHECKPOINT,
    EventKind.WARNING,
    EventKind.FAILED,
    EventKind.FINISHED,
]


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of a run for its strip: `state` is done, now or todo."""

    label: str
    state: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands: its steps, the one it is in, the share done of that step and the seconds it expects."""

    steps: tuple[StepView, ...]
    label: str
    done: float | None
    seconds_left: float | None
    is_active: bool

    @property
    def percent(self) -> int | None:
        """The share done in whole percent, for people."""
        return None if self.done is None else int(self.done * 100)


@dataclass(frozen=True, slots=True)
class Sample:
    """Text that the model wrote during one step."""

    label: str
    text: str
    at: str


def next_sequence(run_id: str) -> int:
    """Say which event is missing first: one after the last of the unbroken row that starts at 1."""
    rows = RunEventRow.objects.filter(run=run_id)
    known = rows.aggregate(count=Count("pk"), last=Max("sequence"))
    if known["count"] == (known["last"] or 0):
        return int(known["count"]) + 1
    expected = 1
    for sequence in rows.order_by("sequence").values_list("sequence", flat=True).iterator():
        if sequence != expected:
            break
        expected += 1
    return expected


def list_events(run: Run, *, after: int = 0) -> QuerySet[RunEventRow]:
    """List the events after a sequence number, in order."""
    return run.events.filter(sequence__gt=after).order_by("sequence")


def log_lines(run: Run, *, count: int = 100) -> Sequence[RunEventRow]:
    """Read the newest events that people read as a log (no figures, no progress), newest first."""
    return list(run.events.filter(kind__in=[str(kind) for kind in _LINES]).order_by("-sequence")[:count])


def samples(run: Run, *, count: int = 6) -> tuple[Sample, ...]:
    """Read the newest texts that the model wrote, newest first."""
    rows = run.events.filter(kind=EventKind.SAMPLE).order_by("-sequence")[:count]
    return tuple(Sample(step_label(row.event["step"]), row.event["message"], row.event["at"]) for row in rows)


def read_progress(run: Run) -> Progress:
    """Derive from the events where a run stands."""
    ended = set(run.events.filter(kind=EventKind.STEP_ENDED).values_list("event__step", flat=True))
    telling = [EventKind.STEP_STARTED, EventKind.PROGRESS, EventKind.STEP_ENDED]
    last = run.events.filter(kind__in=[str(kind) for kind in telling]).order_by("-sequence").first()
    names = [name for name in STEPS if name != "fine-tuning" or run.recipe.get("fine_tuning")]
    is_active = run.state not in FINAL
    current = last.event["step"] if last is not None and is_active and last.kind != EventKind.STEP_ENDED else ""
    steps = tuple(
        StepView(step_label(name), "now" if name == current else "done" if name in ended else "todo") for name in names
    )
    if last is None or not current:
        done = len(ended & set(names)) / len(names) if not is_active else None
        return Progress(steps, "", done, None, is_active)
    return Progress(steps, step_label(current), last.event["done"], last.event["seconds_left"], is_active)


def step_label(step: str) -> str:
    """Write the name of a step in the reader's language; one that nobody knows keeps its name."""
    return str(STEPS.get(step, step)) if step else _("Run")
