"""Energy of a run: the processor's own counter where it can be read, else a model that says it is one. Knows no step.

A counter (RAPL) counts its whole processor package, other people's work included; the method text says so.
"""

from pathlib import Path

from kifabrik.core.quantities import format_count
from kifabrik.records.run_manifest import EnergyRecord
from kifabrik.training.hardware import Hardware

COUNTERS = Path("/sys/class/powercap")
WATTS_PER_CORE = 10.0  # assumption: a busy server core with its share of memory and power supply, about 5 to 15 W
WATTS_PER_ACCELERATOR = 700.0  # assumption: board limit of one H100 or H200 SXM
_MICROJOULES_PER_WATT_HOUR = 3.6e9


class EnergyMeter:
    """Adds up the package counters; `sample` must be called more often than they wrap (many minutes)."""

    def __init__(self, folder: Path = COUNTERS) -> None:
        self._counters = [each for each in sorted(folder.glob("intel-rapl:?")) if _read(each / "energy_uj") is not None]
        self._last = [_read(each / "energy_uj") or 0 for each in self._counters]
        self._microjoules = 0

    @property
    def is_measuring(self) -> bool:
        """Say whether there is a counter that this process may read."""
        return bool(self._counters)

    def sample(self) -> None:
        """Add what the counters moved since the last sample."""
        for place, counter in enumerate(self._counters):
            value = _read(counter / "energy_uj")
            if value is None:
                continue
            moved = value - self._last[place]
            if moved < 0:
                moved += _read(counter / "max_energy_range_uj") or 0
            self._microjoules += max(0, moved)
            self._last[place] = value

    def record(self, *, hardware: Hardware, attempt_seconds: float, total_seconds: float) -> EnergyRecord:
        """Give the energy of all attempts: measured now and scaled to the time of earlier attempts, or modelled."""
        self.sample()
        if not self.is_measuring:
            return _modelled(hardware, total_seconds)
        watt_hours = self._microjoules / _MICROJOULES_PER_WATT_HOUR
        is_whole = total_seconds <= attempt_seconds * 1.01
        scale = 1.0 if is_whole else total_seconds / max(1e-9, attempt_seconds)
        method = "RAPL package counters of the whole processor, work of others included; accelerators not counted"
        return EnergyRecord(
            watt_hours=watt_hours * scale,
            method_class="measured" if is_whole else "estimated",
            method=method if is_whole else f"{method}; scaled from the last attempt to the time of all attempts",
        )


def _modelled(hardware: Hardware, total_seconds: float) -> EnergyRecord:
    watts, parts = (
        hardware.threads * WATTS_PER_CORE,
        f"{format_count(hardware.threads, 'core', 'cores')} x {WATTS_PER_CORE:g} W",
    )
    if hardware.device == "cuda":
        watts, parts = watts + WATTS_PER_ACCELERATOR, f"{parts} + 1 accelerator x {WATTS_PER_ACCELERATOR:g} W"
    return EnergyRecord(
        watt_hours=watts * total_seconds / 3600,
        method_class="modelled",
        method=f"no readable energy counter: {parts} (assumption) x {total_seconds:.0f} s of all attempts",
    )


def _read(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
