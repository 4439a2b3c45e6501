"""The figures of a run as curves that a page can draw, and as a table behind them. Knows names of figures, no maker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.functions import DenseRank
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kifabrik.portal.compute.models import Run, RunEventRow
from kifabrik.portal.compute.models.runs import STREAM_MAX
from kifabrik.portal.compute.queries.events import step_label
from kifabrik.records.run_state import FINAL

POINTS_MAX = 500
LARGEST_STEP = 2**63 - 1  # of what a database can keep
QUALITY = ("loss", "bits-per-byte")  # what people look at first
_TABLE_ROWS = 12
GROUPS = {
    "loss": (gettext_lazy("Loss"), ("train_loss", "held_out_loss", "held_back_completion_loss")),
    "bits-per-byte": (gettext_lazy("Bits per byte"), ("held_out_bits_per_byte",)),
    "speed": (gettext_lazy("Speed"), ("tokens_per_second",)),
    "learning-rate": (gettext_lazy("Learning rate"), ("learning_rate",)),
}
LABELS = {
    "train_loss": gettext_lazy("training loss"),
    "held_out_loss": gettext_lazy("loss on held-out text"),
    "held_back_completion_loss": gettext_lazy("loss on held-back answers"),
    "held_out_bits_per_byte": gettext_lazy("bits per byte on held-out text"),
    "tokens_per_second": gettext_lazy("tokens per second"),
    "learning_rate": gettext_lazy("learning rate"),
}
Points = Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a curve; `values` stand above the `steps` of the whole curve, None where it has no figure."""

    name: str
    label: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """Some figures over training steps; `live` says that more may come."""

    step: str
    group: str
    title: str
    x_label: str
    steps: tuple[int, ...]
    series: tuple[Series, ...]
    live: bool

    def table(self, rows: int = _TABLE_ROWS) -> list[tuple[int, tuple[float | None, ...]]]:
        """Pick some rows, the first and the last among them, for people who do not see the plot."""
        lines = [(x, tuple(each.values[at] for each in self.series)) for at, x in enumerate(self.steps)]
        return [lines[at] for at in _pick(len(lines), rows)]


def read_curves(run: Run, *, step: str = "", group: str = "", points: int = POINTS_MAX) -> tuple[Curve, ...]:
    """Read the curves of a run, thinned to at most `points` figures a line; empty names ask for all of them.

    An attempt that went on from a checkpoint tells some steps again: what was told last counts.
    """
    found: dict[tuple[str, str], dict[str, dict[int, float]]] = {}
    for event in _thinned_events(run, step=step, points=points).values_list("event", flat=True):
        for metric in event["metrics"]:
            key = (event["step"], group_of(metric["name"]))
            found.setdefault(key, {}).setdefault(metric["name"], {})[metric["step"]] = metric["value"]
    live = run.state not in FINAL
    return tuple(
        _draw(key, lines, live=live, points=points)
        for key, lines in found.items()
        if step in ("", key[0]) and group in ("", key[1])
    )


def stream_name(step: str, names: Sequence[str]) -> str:
    """Name the events that tell the same figures of the same step, of which a curve needs every n-th only."""
    return f"{step}|{','.join(names)}"[:STREAM_MAX]


def group_of(name: str) -> str:
    """Say on which curve a figure is drawn; one that nobody knows has its own."""
    return next((group for group, (_title, names) in GROUPS.items() if name in names), name)


def _thinned_events(run: Run, *, step: str, points: int) -> QuerySet[RunEventRow]:
    """Choose the events that a plot shows, by their training steps alone; only these are read, in their order."""
    rows = run.events.exclude(stream="")
    if step:
        rows = rows.filter(stream__startswith=stream_name(step, ()))
    counts = rows.order_by().values_list("stream").annotate(Count("training_step", distinct=True))
    chosen = Q(pk=None)
    for stream, count in counts:
        chosen |= Q(stream=stream, rank__in=[at + 1 for at in _pick(count, points)])
    rank = Window(DenseRank(), partition_by=F("stream"), order_by=F("training_step").asc())
    wanted = rows.order_by().annotate(rank=rank).filter(chosen)
    return run.events.filter(pk__in=wanted.values("pk")).order_by("sequence")


def _draw(key: tuple[str, str], lines: Mapping[str, Points], *, live: bool, points: int) -> Curve:
    step, group = key
    thinned = {name: _thin(line, points) for name, line in lines.items()}
    steps = sorted({x for line in thinned.values() for x in line})
    series = tuple(
        Series(name, str(LABELS.get(name, name)), tuple(line.get(x) for x in steps)) for name, line in thinned.items()
    )
    title = GROUPS[group][0] if group in GROUPS else group
    return Curve(step, group, f"{step_label(step)}: {title}", _("step"), tuple(steps), series, live)


def _thin(line: Points, points: int) -> Points:
    """Keep evenly spread figures, the first and the last among them; kept figures are as they were measured."""
    steps = sorted(line)
    return {steps[at]: line[steps[at]] for at in _pick(len(steps), points)}


def _pick(count: int, wanted: int) -> Sequence[int]:
    if count <= wanted:
        return range(count)
    return sorted({round(at * (count - 1) / (wanted - 1)) for at in range(wanted)})
