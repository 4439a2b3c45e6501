"""The machine of a site as the reference data know it, and amounts in its own unit. Writes nothing."""

from kifabrik.funding.reference import System, systems
from kifabrik.funding.units import MachineAmount, machine_amount
from kifabrik.portal.compute.models import Site


def system_of(site: Site) -> System | None:
    """Find the machine of a site; None for one that the reference data do not know."""
    return systems().get(site.system_code)


def amount_at(site: Site, gpu_seconds: int) -> MachineAmount | None:
    """Write an amount of time as the site counts it; None where it counts as the books do."""
    return machine_amount(gpu_seconds, system_of(site))
