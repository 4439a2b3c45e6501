"""GPU time in the words of a machine: what its site counts, and what its scheduler calls a device. Pure.

The books count seconds of a billed GPU. A scheduler may call less than that a device (on LUMI a GCD, two of which are
one billed GPU), and a site may count node-hours or core-hours. The factors are reference data.
"""

from dataclasses import dataclass

from kifabrik.core.quantities import hours_from_seconds
from kifabrik.funding.reference import System


@dataclass(frozen=True, slots=True)
class MachineAmount:
    """An amount of time as the site of a machine counts it."""

    amount: float
    unit: str


def billed_seconds(device_seconds: int, system: System | None) -> int:
    """Turn seconds of the scheduler's devices into GPU seconds, rounded up once; unknown machines count one for one."""
    per_gpu = system.scheduler_devices_per_gpu if system else 1
    return -(-device_seconds // per_gpu)


def device_seconds(gpu_seconds: int, system: System | None) -> int:
    """Turn GPU seconds into seconds of the scheduler's devices."""
    return gpu_seconds * (system.scheduler_devices_per_gpu if system else 1)


def machine_amount(gpu_seconds: int, system: System | None) -> MachineAmount | None:
    """Write GPU seconds as the machine's site counts them; None where it counts GPU-hours or CPU-hours as we do."""
    if system is None or system.site_unit == f"{system.unit}-hour":
        return None
    return MachineAmount(hours_from_seconds(gpu_seconds) * system.site_units_per_gpu_hour, system.site_unit)
