"""What an agent does on a Slurm site beside looking after runs: accounting to the portal, budgets to the cluster.

Knows the order of the questions, which the exactness of the limits hangs on; the parts know the rest.
"""

import logging
import time
from collections.abc import Callable, Iterable

from kifabrik.cluster.slurm.accounting_import import Accounting, look_at_controller
from kifabrik.cluster.slurm.commands import Slurm
from kifabrik.cluster.slurm.profile import SiteProfile
from kifabrik.core.findings import Finding, Severity
from kifabrik.site.accounting import AccountingImport
from kifabrik.site.accounts import AccountKeeping, user_exists
from kifabrik.site.client import PortalClient
from kifabrik.site.desired import Desired
from kifabrik.site.notices import Notices

LOOK_SECONDS = 30.0
CHECKUP_SECONDS = 6 * 3600.0

log = logging.getLogger("kifabrik.site")


class SlurmRounds:
    """Keeps accounts and accounting of a Slurm site; `attend` is called in every round and mostly does nothing."""

    def __init__(
        self,
        *,
        client: PortalClient,
        slurm: Slurm,
        profile: SiteProfile,
        agent_user: str,
        notices: Notices,
        clock: Callable[[], float] = time.monotonic,
        is_user: Callable[[str], bool] = user_exists,
        look_seconds: float = LOOK_SECONDS,
        check_up: Callable[[], Iterable[Finding]] = tuple,
    ) -> None:
        self._slurm = slurm
        self._clock = clock
        self.look_seconds = look_seconds
        self._next_look = 0.0
        self._notices = notices
        self._check_up = check_up
        self._next_checkup = 0.0
        self.accounts = AccountKeeping(
            slurm=slurm, profile=profile, agent_user=agent_user, notices=notices, clock=clock, is_user=is_user
        )
        self.accounting = AccountingImport(
            client=client,
            accounting=Accounting(slurm, cluster=profile.cluster, tres=profile.tres, user=agent_user),
            profile=profile,
            notices=notices,
            clock=clock,
        )

    @property
    def allocations_known(self) -> str:
        """Name the state of the allocations that the agent knows, so that the portal need not send them again."""
        return self.accounts.digest

    def look_again(self, *, at_everything: bool = False) -> None:
        """Let the next round look at the cluster, whether it is due or not."""
        self._next_look = 0.0
        if at_everything:
            self.accounts.look_at_everything()

    def attend(self, desired: Desired) -> tuple[str, ...]:
        """Do what is due. Raises Unavailable when the cluster or the portal is away: the next round tries again.

        Counters are read before accounting, so that what runs in between makes a limit smaller, never larger.
        """
        self._check_now_and_then()
        self.accounts.take(desired)
        if self._clock() < self._next_look and desired.allocations is None:
            return ()
        controller = look_at_controller(self._slurm)
        is_full = self.accounts.is_full_look_due(controller.booted)
        observed = self.accounts.observe(None) if is_full else {}
        touched = self.accounting.look(
            controller,
            accounts=self.accounts.names,
            accounting_since=desired.accounting_since,
            asked=desired.silent_jobs,
        )
        names = set(self.accounts.names) if is_full else touched
        if not is_full:
            observed = self.accounts.observe(names)
        fresh = self.accounting.refresh_totals(names, is_full=is_full)
        deeds = self.accounts.keep(
            observed,
            fresh,
            totals=self.accounting.totals,
            busy=self.accounting.busy,
            booted=controller.booted if is_full else None,
        )
        self._next_look = self._clock() + self.look_seconds
        return tuple(str(change) for change in deeds.done)

    def _check_now_and_then(self) -> None:
        """Look for what changed in the cluster's settings since the operator looked; what is in order is not told."""
        if self._clock() >= self._next_checkup:
            found = [finding for finding in self._check_up() if finding.severity is not Severity.INFO]
            self._notices.replace("doctor", found)
            self._next_checkup = self._clock() + CHECKUP_SECONDS
