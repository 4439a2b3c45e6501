"""Which access mode an amount of work belongs into. Knows the modes' sizes, not who asks."""

from kifabrik.funding import reference
from kifabrik.funding.reference.rows import AccessMode, System


def size_in_unit(gpu_hours: float, mode: AccessMode, *, system: System | None) -> float:
    """Turn GPU-hours into the unit of a mode; without a known system a node counts as one device."""
    if mode.unit == "gpu-hour":
        return gpu_hours
    return gpu_hours / (system.gpu_hours_per_node_hour if system else 1)


def fits(gpu_hours: float, mode: AccessMode, *, system: System | None) -> bool:
    """Say whether an amount lies within the sizes of a mode."""
    return mode.size_min <= size_in_unit(gpu_hours, mode, system=system) <= mode.size_max


def modes_of(track: str) -> list[AccessMode]:
    """List the modes of a track, the smallest first."""
    return sorted(
        (mode for mode in reference.access_modes().values() if mode.track == track), key=lambda mode: mode.size_max
    )


def mode_for(gpu_hours: float, *, track: str, system: System | None) -> AccessMode | None:
    """Find the smallest mode of a track whose sizes hold an amount; None in a gap between modes and beyond all."""
    return next((mode for mode in modes_of(track) if fits(gpu_hours, mode, system=system)), None)


def science_mode() -> AccessMode:
    """The mode for universities, research centres and public bodies."""
    return reference.access_modes()["ai-for-science"]
