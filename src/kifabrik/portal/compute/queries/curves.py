"""The figures of a run as curves that a page can draw, and as a table behind them. Knows names of figures, no maker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kifabrik.portal.compute.models import Run
from kifabrik.portal.compute.queries.events import step_label
from kifabrik.records import EventKind
from kifabrik.records.run_state import FINAL

POINTS_MAX = 500
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
    rows = run.events.filter(kind=EventKind.METRIC).order_by("sequence").values_list("event", flat=True)
    for event in rows.iterator():
        for metric in event["metrics"]:
            key = (event["step"], group_of(metric["name"]))
            found.setdefault(key, {}).setdefault(metric["name"], {})[metric["step"]] = metric["value"]
    live = run.state not in FINAL
    return tuple(
        _draw(key, lines, live=live, points=points)
        for key, lines in found.items()
        if step in ("", key[0]) and group in ("", key[1])
    )


def group_of(name: str) -> str:
    """Say on which curve a figure is drawn; one that nobody knows has its own."""
    return next((group for group, (_title, names) in GROUPS.items() if name in names), name)


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
