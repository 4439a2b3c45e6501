"""Keeps the cluster's accounts as the portal's allocations say. Knows which accounts to look at, and when.

Looking at ten thousand accounts takes seconds, so most looks concern only the accounts in which something changed;
all are looked at when the portal's wishes changed, when the controller was started anew (its counters may have fallen
back), and every now and then.
"""

import pwd
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from kifabrik.cluster.slurm import accounts
from kifabrik.cluster.slurm.accounts import Change, Deeds, DesiredAccount, ObservedAccount, Verb
from kifabrik.cluster.slurm.commands import Slurm
from kifabrik.cluster.slurm.profile import SiteProfile
from kifabrik.core.errors import InvalidInput, KifabrikError
from kifabrik.core.findings import Finding, Severity
from kifabrik.core.quantities import hours_from_seconds
from kifabrik.site.desired import Desired, DesiredAllocation
from kifabrik.site.notices import Notices

FULL_SECONDS = 900.0


def user_exists(name: str) -> bool:
    """Say whether this machine knows a user; a cluster's nodes and its login node know the same ones."""
    try:
        pwd.getpwnam(name)
    except (KeyError, ValueError):
        return False
    return True


class AccountKeeping:
    """Compares desired with observed accounts and makes the changes; findings say what could not be made so."""

    def __init__(
        self,
        *,
        slurm: Slurm,
        profile: SiteProfile,
        agent_user: str,
        notices: Notices,
        clock: Callable[[], float] = time.monotonic,
        is_user: Callable[[str], bool] = user_exists,
        full_seconds: float = FULL_SECONDS,
    ) -> None:
        self.digest = ""
        self._slurm = slurm
        self._profile = profile
        self._agent_user = agent_user
        self._notices = notices
        self._clock = clock
        self._is_user = is_user
        self.full_seconds = full_seconds
        self._wanted: dict[str, DesiredAccount] = {}
        self._allocations: dict[str, DesiredAllocation] = {}
        self._next_full = 0.0
        self._booted = ""
        self._failed: dict[Change, KifabrikError] = {}
        self._made: set[str] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """Name all accounts that the portal knows."""
        return tuple(self._wanted)

    def find(self, cluster_account: str) -> str | None:
        """Name the cluster's account as the portal calls it, or None as long as it is not made."""
        if not cluster_account:
            return ""
        name = self._profile.account_name(cluster_account)
        return name if name in self._made else None

    def take(self, desired: Desired) -> None:
        """Take the portal's allocations if it sent them: it does when they are not those of our digest."""
        if desired.allocations is None:
            return
        self._allocations, self._wanted, strange = {}, {}, []
        for allocation in desired.allocations:
            try:
                account = self._read(allocation)
            except InvalidInput as error:
                strange.append(Finding("site.strange-account", Severity.SERIOUS, str(error), where=allocation.id))
                continue
            self._allocations[account.name] = allocation
            self._wanted[account.name] = account
        self._notices.replace("allocations", [*strange, *self._find_unknown_members()])
        self.digest = desired.allocations_digest
        self._next_full = 0.0

    def look_at_everything(self) -> None:
        """Let the next look be a full one."""
        self._next_full = 0.0

    def is_full_look_due(self, booted: str) -> bool:
        """Say whether all accounts are to be looked at: the counters may have changed behind our back."""
        return booted != self._booted or self._clock() >= self._next_full

    def observe(self, names: Collection[str] | None) -> Mapping[str, ObservedAccount]:
        """Look at some accounts, or at all with None. Must come before their sums are read: see `limit_minutes`."""
        chosen = [name for name in self._wanted if names is None or name in names]
        if not chosen:
            return {}
        return accounts.observe(
            self._slurm,
            chosen,
            parent=self._profile.parent_account,
            cluster=self._profile.cluster,
            tres=self._profile.tres,
        )

    def keep(
        self,
        observed: Mapping[str, ObservedAccount],
        names: Collection[str],
        *,
        totals: Mapping[str, int],
        busy: Collection[str],
        booted: str | None,
    ) -> Deeds:
        """Make accounts what they should be; `booted` says that all were looked at, and at which controller.

        Raises Unavailable when accounting is away; the next look then starts over.
        """
        chosen = [
            replace(account, accounted_gpu_seconds=totals.get(name), is_busy=name in busy)
            for name, account in self._wanted.items()
            if name in names
        ]
        parent, cluster, tres = self._profile.parent_account, self._profile.cluster, self._profile.tres
        changes = accounts.plan(chosen, observed, parent=parent, agent_user=self._agent_user) if chosen else ()
        deeds = accounts.apply(self._slurm, changes, parent=parent, cluster=cluster, tres=tres)
        if booted is not None:
            self._booted, self._next_full = booted, self._clock() + self.full_seconds
        self._failed = {change: error for change, error in self._failed.items() if change.account not in names}
        self._failed.update(deeds.failed)
        self._made |= {account.name for account in chosen} - {change.account for change in self._failed}
        self._notices.replace("accounts", _describe_failures(self._failed))
        self._notices.replace("budgets", self._find_overspent(totals))
        return deeds

    def _read(self, allocation: DesiredAllocation) -> DesiredAccount:
        name = self._profile.account_name(allocation.cluster_account)
        accounts.check_account_name(name)
        return DesiredAccount(
            name=name,
            state=allocation.state,
            budget_gpu_seconds=allocation.budget_gpu_seconds,
            accounted_gpu_seconds=None,
            members=frozenset(user for user in allocation.members if self._may_be_member(user)),
        )

    def _may_be_member(self, user: str) -> bool:
        try:
            accounts.check_user_name(user)
        except InvalidInput:
            return False
        return user == self._agent_user or self._is_user(user)

    def _find_unknown_members(self) -> Iterator[Finding]:
        for name, allocation in self._allocations.items():
            for user in allocation.members:
                if user not in self._wanted[name].members:
                    yield Finding(
                        "site.unknown-member",
                        Severity.WARNING,
                        f"{user[:40]!r} is a member of allocation {allocation.id} and no user of this cluster.",
                        where=name,
                        remedy="Make the account of that person on the cluster, or correct the name in the portal.",
                    )

    def _find_overspent(self, totals: Mapping[str, int]) -> Iterator[Finding]:
        for name, account in self._wanted.items():
            over_seconds = totals.get(name, 0) - account.budget_gpu_seconds
            if over_seconds > 0:
                yield Finding(
                    "site.over-budget",
                    Severity.SERIOUS,
                    f"accounting says that {hours_from_seconds(over_seconds):.2f} hours beyond the budget were used.",
                    where=name,
                    remedy="No new job starts in this account. Check that AccountingStorageEnforce has 'safe'.",
                )


def _describe_failures(failed: Mapping[Change, KifabrikError]) -> Sequence[Finding]:
    findings = []
    for change, error in failed.items():
        is_waiting = change.verb is Verb.REMOVE_MEMBER and "active" in error.message
        findings.append(
            Finding(
                "site.member-still-busy" if is_waiting else "site.account-not-changed",
                Severity.INFO if is_waiting else Severity.SERIOUS,
                f"'{change}' waits for the end of that member's jobs."
                if is_waiting
                else f"'{change}': {error.message}",
                where=change.account,
                remedy="" if is_waiting else "'kifabrik site doctor' says what the agent's user may not do.",
            )
        )
    return findings
