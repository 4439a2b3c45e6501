"""Makes the cluster's accounts what the portal wants: one below a common parent for each allocation, with its limit.

Slurm's own counter enforces the limit, but the counter is floored to minutes and falls back when slurmctld is killed.
So the limit is set from three numbers: what may be consumed in all, what accounting says was consumed, and what the
counter says now. The plan is pure; `apply` runs it. Knows no portal.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from kifabrik.cluster.slurm.accounting import count_tres
from kifabrik.cluster.slurm.commands import Slurm
from kifabrik.core.errors import InvalidInput, KifabrikError

ACCOUNT_NAME = re.compile(r"^[a-z0-9][a-z0-9-]{0,39}$")
USER_NAME = re.compile(r"^[a-z_][a-z0-9_.-]{0,31}\$?$")
_NAMES_A_CALL = 500
_CHANGES_A_CALL = 50  # slurmdbd takes long over each new association of a large cluster
_DONE_BEFORE = re.compile("Nothing new added|Nothing deleted")


class Verb(StrEnum):
    """What a change does to one account."""

    ADD = "add account"
    ADD_MEMBER = "add member"
    LIMIT = "limit"
    PAUSE = "pause"
    RESUME = "resume"
    REMOVE_MEMBER = "remove member"


@dataclass(frozen=True, slots=True)
class Change:
    """One step from what is to what should be; `value` is a user, or minutes."""

    verb: Verb
    account: str
    value: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.account} {self.value}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredAccount:
    """What an account should be; `accounted_gpu_seconds` is None as long as accounting was not asked.

    In a busy account jobs go on, so that the rounding of limit and counter goes up and down by a minute.
    """

    name: str
    state: Literal["open", "paused", "closed"]
    budget_gpu_seconds: int
    accounted_gpu_seconds: int | None
    members: frozenset[str]
    is_busy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedAccount:
    """What an account is; a limit of None means that there is none."""

    limit_minutes: int | None
    counter_minutes: int = 0
    is_paused: bool = False
    members: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deeds:
    """What `apply` did, and what it could not do, each with its reason."""

    done: tuple[Change, ...] = ()
    failed: Mapping[Change, KifabrikError] = field(default_factory=dict)


def limit_minutes(*, budget_gpu_seconds: int, accounted_gpu_seconds: int, counter_minutes: int) -> int:
    """Say the limit that leaves what is left: whole minutes of the rest, on top of what the counter has seen.

    Slurm compares limit - counter, both in whole minutes, with the minutes a job asks for. So a job never gets more
    than is left, and less than a minute of it stays unusable. Read the counter before accounting: whatever runs in
    between makes the limit smaller, never larger.
    """
    left_seconds = max(0, budget_gpu_seconds - accounted_gpu_seconds)
    return left_seconds // 60 + counter_minutes


def plan(
    desired: Iterable[DesiredAccount], observed: Mapping[str, ObservedAccount], *, parent: str, agent_user: str
) -> tuple[Change, ...]:
    """List the steps from what is to what should be, accounts before members, members before limits are lifted.

    A new account is paused until it has its limit, so that at no moment anybody can spend without one. A closed
    account takes no new jobs and has no members, but jobs that run may end. Accounts that nobody desires are let be.
    """
    changes: list[Change] = [] if parent in observed else [Change(Verb.ADD, parent)]
    for account in desired:
        check_account_name(account.name)
        for user in account.members:
            check_user_name(user)
        changes.extend(_plan_one(account, observed.get(account.name), agent_user=agent_user))
    order = list(Verb)
    return tuple(sorted(changes, key=lambda change: order.index(change.verb)))


def check_account_name(name: str) -> None:
    """Raise InvalidInput for a name that could mean something else to sacctmgr."""
    if not ACCOUNT_NAME.match(name):
        raise InvalidInput("an account's name has small letters, digits and hyphens only, 40 at most.", where=name[:80])


def check_user_name(name: str) -> None:
    """Raise InvalidInput for a name that is no plain user name, or could mean something else to sacctmgr."""
    if not USER_NAME.match(name):
        raise InvalidInput("this is no user name of a cluster.", where=name[:80])


def observe(slurm: Slurm, names: Sequence[str], *, parent: str, cluster: str, tres: str) -> dict[str, ObservedAccount]:
    """Look at the accounts of these names and their parent; those that do not exist are not in the answer."""
    wanted = {parent, *names}
    chosen = sorted(wanted) if len(wanted) <= _NAMES_A_CALL else []  # one question about all is quicker than many
    counters = _read_counters(slurm, chosen, tres=tres)
    observed = _read_accounts(slurm, chosen, cluster=cluster, tres=tres, counters=counters)
    return {name: account for name, account in observed.items() if name in wanted}


def apply(slurm: Slurm, changes: Sequence[Change], *, parent: str, cluster: str, tres: str) -> Deeds:
    """Make changes, many accounts in one command where they change alike; each may be made again without harm.

    A change that Slurm refuses does not hold up the others. Raises Unavailable when slurmdbd is away.
    """
    done: list[Change] = []
    failed: dict[Change, KifabrikError] = {}
    for words, together in _commands(changes, parent=parent, cluster=cluster, tres=tres):
        try:
            slurm.write("sacctmgr", "--immediate", "--quiet", *words)
        except InvalidInput as error:
            if _DONE_BEFORE.search(error.message):
                continue
            failed.update(dict.fromkeys(together, error))
        else:
            done.extend(together)
    return Deeds(done=tuple(done), failed=failed)


def _plan_one(account: DesiredAccount, seen: ObservedAccount | None, *, agent_user: str) -> Iterator[Change]:
    name = account.name
    if seen is None:
        yield Change(Verb.ADD, name)
        seen = ObservedAccount(limit_minutes=None, is_paused=True)
    wanted = {agent_user, *(account.members if account.state != "closed" else ())}
    yield from (Change(Verb.ADD_MEMBER, name, user) for user in sorted(wanted - seen.members))
    yield from (Change(Verb.REMOVE_MEMBER, name, user) for user in sorted(seen.members - wanted))
    limit = seen.limit_minutes
    if account.accounted_gpu_seconds is not None:
        limit = limit_minutes(
            budget_gpu_seconds=account.budget_gpu_seconds,
            accounted_gpu_seconds=account.accounted_gpu_seconds,
            counter_minutes=seen.counter_minutes,
        )
        is_rounding = account.is_busy and seen.limit_minutes == limit - 1
        if limit != seen.limit_minutes and not is_rounding:
            yield Change(Verb.LIMIT, name, str(limit))
    is_to_pause = account.state != "open" or limit is None
    if is_to_pause is not seen.is_paused:
        yield Change(Verb.PAUSE if is_to_pause else Verb.RESUME, name)


def _read_accounts(
    slurm: Slurm, names: Sequence[str], *, cluster: str, tres: str, counters: Mapping[str, int]
) -> dict[str, ObservedAccount]:
    fields = "Account,User,Partition,GrpTRESMins,GrpSubmitJobs,GrpJobs"
    some = (f"account={','.join(names)}",) if names else ()
    # Without these two words slurmdbd works out what each account inherits, which takes a hundred times as long.
    where = ("WOPInfo", "WOPLimits", "where", f"cluster={cluster}", *some, f"format={fields}")
    accounts: dict[str, tuple[str, str, str]] = {}
    members: dict[str, set[str]] = defaultdict(set)
    for line in slurm.read("sacctmgr", "--noheader", "--parsable2", "show", "association", *where):
        account, user, partition, limits, submits, jobs = line.split("|")
        if not user:
            accounts[account] = (limits, submits, jobs)
        elif not partition:
            members[account].add(user)
    return {
        name: ObservedAccount(
            limit_minutes=count_tres(limits, tres) if f"{tres}=" in limits else None,
            counter_minutes=counters.get(name, 0),
            is_paused=submits == "0" and jobs == "0",
            members=frozenset(members[name]),
        )
        for name, (limits, submits, jobs) in accounts.items()
    }


def _read_counters(slurm: Slurm, names: Sequence[str], *, tres: str) -> dict[str, int]:
    """Read what slurmctld has counted for accounts, in whole minutes, floored."""
    where = (f"--accounts={','.join(names)}" if names else "--all", "--format=Account,User,GrpTRESRaw")
    counters: dict[str, int] = {}
    for line in slurm.read("sshare", "--noheader", "--parsable2", *where):
        account, user, counted = line.split("|")
        if not user:
            counters[account.strip()] = count_tres(counted, tres)
    return counters


def _commands(
    changes: Sequence[Change], *, parent: str, cluster: str, tres: str
) -> Iterator[tuple[tuple[str, ...], tuple[Change, ...]]]:
    """Put changes together that one command can make: the same verb and value."""
    alike: dict[tuple[Verb, str, bool], list[Change]] = defaultdict(list)
    for change in changes:
        alike[change.verb, change.value, change.account == parent].append(change)
    for (verb, value, is_parent), together in alike.items():
        for part in _chunks(together, _CHANGES_A_CALL):
            names = ",".join(change.account for change in part)
            yield (
                _words(verb, names, value, parent="root" if is_parent else parent, cluster=cluster, tres=tres),
                tuple(part),
            )


def _words(verb: Verb, names: str, value: str, *, parent: str, cluster: str, tres: str) -> tuple[str, ...]:
    about = (f"parent={parent}", "description=allocation", "organization=kifabrik")
    one = ("where", f"name={names}", f"cluster={cluster}")
    match verb:
        case Verb.ADD if parent == "root":
            return ("add", "account", f"name={names}", f"cluster={cluster}", *about)
        case Verb.ADD:  # paused until it has its limit
            return ("add", "account", f"name={names}", f"cluster={cluster}", *about, "GrpJobs=0", "GrpSubmitJobs=0")
        case Verb.ADD_MEMBER:
            return ("add", "user", f"name={value}", f"cluster={cluster}", f"account={names}")
        case Verb.REMOVE_MEMBER:
            return ("remove", "user", "where", f"name={value}", f"cluster={cluster}", f"account={names}")
        case Verb.LIMIT:
            return ("modify", "account", *one, "set", f"GrpTRESMins={tres}={value}")
        case Verb.PAUSE | Verb.RESUME:
            number = "0" if verb is Verb.PAUSE else "-1"
            return ("modify", "account", *one, "set", f"GrpJobs={number}", f"GrpSubmitJobs={number}")


def _chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
