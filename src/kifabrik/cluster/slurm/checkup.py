"""What an operator of Slurm forgets: settings without which budgets do not hold or usage is not counted, as findings.

Every check reads; none changes anything. What could not be asked is a finding too. Knows no portal.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from kifabrik.cluster.slurm.accounting import choose_fields
from kifabrik.cluster.slurm.commands import Slurm
from kifabrik.cluster.slurm.profile import SiteProfile
from kifabrik.core.errors import KifabrikError
from kifabrik.core.findings import Finding, Severity

VERSIONS_KNOWN = ((22, 5), (25, 11))
CRED_EXPIRE_SECONDS = 120  # Slurm's own default
_CONF = "slurm.conf"
_DBD = "slurmdbd.conf"
_NAMES_NO_DURATION = {"NONE", "", "(null)", "0"}
Check = Callable[[], Iterable[Finding]]


def examine(slurm: Slurm, profile: SiteProfile, *, user: str) -> tuple[Finding, ...]:
    """Look at a cluster as the agent's `user` sees it."""
    try:
        version = slurm.version()
        settings = slurm.configuration()
    except KifabrikError as error:
        return (Finding("slurm.silent", Severity.BLOCKING, error.message, where="slurmctld", remedy=error.remedy),)
    checks: tuple[tuple[str, Check], ...] = (
        ("version", lambda: _check_version(version, settings)),
        ("cluster", lambda: _check_cluster(settings, profile)),
        ("accounting", lambda: _check_accounting(slurm, settings, profile)),
        ("enforcement", lambda: _check_enforcement(settings)),
        ("decay", lambda: _check_decay(slurm, settings, profile)),
        ("job marks", lambda: _check_marks(settings)),
        ("partition", lambda: _check_partition(slurm, profile)),
        ("rights", lambda: _check_rights(slurm, settings, user, parent=profile.parent_account)),
        ("history", lambda: _check_history(slurm)),
    )
    return tuple(finding for about, check in checks for finding in _try(about, check))


def _try(about: str, check: Check) -> list[Finding]:
    try:
        return list(check())
    except KifabrikError as error:
        return [Finding("slurm.not-checked", Severity.NOT_CHECKED, error.message, where=about, remedy=error.remedy)]


def _check_version(version: tuple[int, int], settings: Mapping[str, str]) -> Iterator[Finding]:
    name = settings.get("SLURM_VERSION", ".".join(map(str, version)))
    first, last = VERSIONS_KNOWN
    if first <= version <= last:
        yield _good("slurm.version", f"Slurm {name} answers.")
        return
    known = f"{first[0]}.{first[1]:02} to {last[0]}.{last[1]:02}"
    yield Finding(
        "slurm.version",
        Severity.WARNING,
        f"Slurm {name} is outside of the releases whose fields were read: {known}.",
        remedy="Try a small run and compare its usage with 'sacct' before people depend on it.",
    )


def _check_cluster(settings: Mapping[str, str], profile: SiteProfile) -> Iterator[Finding]:
    name = settings.get("ClusterName", "")
    if name != profile.cluster:
        yield Finding(
            "slurm.cluster-name",
            Severity.BLOCKING,
            f"the profile speaks of cluster {profile.cluster!r} and this is {name!r}.",
            where="site.yaml: cluster",
            remedy=f"Write 'cluster: {name}', or set SLURM_CONF to the other cluster's.",
        )


def _check_accounting(slurm: Slurm, settings: Mapping[str, str], profile: SiteProfile) -> Iterator[Finding]:
    kind = settings.get("AccountingStorageType", "")
    if "slurmdbd" not in kind:
        yield Finding(
            "slurm.no-accounting",
            Severity.BLOCKING,
            f"accounting is not kept (AccountingStorageType={kind}).",
            where=_CONF,
            remedy="Set AccountingStorageType=accounting_storage/slurmdbd and start slurmdbd.",
        )
        return
    choose_fields(slurm.sacct_fields())
    slurm.read("sacctmgr", "--noheader", "--parsable2", "show", "cluster", "format=cluster")
    yield _good("slurm.accounting", "Accounting answers and has the fields that are needed.")
    tracked = settings.get("AccountingStorageTRES", "").split(",")
    if not any(name == profile.tres or name.startswith(f"{profile.tres}:") for name in tracked):
        yield Finding(
            "slurm.not-tracked",
            Severity.BLOCKING,
            f"accounting does not count {profile.tres}, so every job would look free of charge.",
            where=_CONF,
            remedy=f"Add AccountingStorageTRES={profile.tres} and restart slurmctld.",
        )


def _check_enforcement(settings: Mapping[str, str]) -> Iterator[Finding]:
    enforced = set(settings.get("AccountingStorageEnforce", "").lower().split(","))
    lacking = [word for word in ("associations", "limits", "safe") if word not in enforced]
    if not lacking:
        yield _good("slurm.enforcement", "Budgets are enforced, and a job starts only if its whole time fits.")
        return
    yield Finding(
        "slurm.not-enforced",
        Severity.BLOCKING if set(lacking) & {"associations", "limits"} else Severity.SERIOUS,
        f"AccountingStorageEnforce lacks {', '.join(lacking)}."
        + (
            " Without 'safe' jobs start that cannot end within the budget, and are killed late."
            if "safe" in lacking
            else ""
        ),
        where=_CONF,
        remedy="Set AccountingStorageEnforce=associations,limits,qos,safe and restart slurmctld.",
    )


def _check_decay(slurm: Slurm, settings: Mapping[str, str], profile: SiteProfile) -> Iterator[Finding]:
    if "multifactor" not in settings.get("PriorityType", ""):
        yield Finding(
            "slurm.no-counter",
            Severity.BLOCKING,
            f"{settings.get('PriorityType')} counts no use, so no budget is enforced.",
            where=_CONF,
            remedy="Set PriorityType=priority/multifactor; its weights may all be 0.",
        )
        return
    half_life = settings.get("PriorityDecayHalfLife", "")
    reset = settings.get("PriorityUsageResetPeriod", "").upper()
    fades = bool(half_life.strip("0:-")) or reset not in _NAMES_NO_DURATION
    if not fades:
        yield _good("slurm.decay", "What was used is never forgotten.")
        return
    if profile.qos and "NoDecay" in " ".join(_ask_qos(slurm, profile.qos)):
        yield _good("slurm.decay", f"Use fades, but not in the quality of service {profile.qos}.")
        return
    yield Finding(
        "slurm.use-fades",
        Severity.SERIOUS,
        f"the scheduler forgets use (PriorityDecayHalfLife={half_life}, PriorityUsageResetPeriod={reset}).",
        where=_CONF,
        remedy="Set both to 0 and NONE. Else the agent corrects the limits, and between two corrections jobs may get "
        "a little more than is left.",
    )


def _ask_qos(slurm: Slurm, name: str) -> list[str]:
    return slurm.read("sacctmgr", "--noheader", "--parsable2", "show", "qos", "where", f"name={name}", "format=Flags")


def _check_marks(settings: Mapping[str, str]) -> Iterator[Finding]:
    if "job_comment" not in settings.get("AccountingStoreFlags", ""):
        yield Finding(
            "slurm.no-comments",
            Severity.WARNING,
            "accounting does not keep comments; a job that was submitted just before a crash of the agent is then "
            "known by its name only.",
            where=_CONF,
            remedy="Add AccountingStoreFlags=job_comment and restart slurmctld.",
        )
    match = re.search(r"cred_expire=(\d+)", settings.get("AuthInfo", ""))
    seconds = int(match[1]) if match else CRED_EXPIRE_SECONDS
    if seconds >= CRED_EXPIRE_SECONDS:
        yield Finding(
            "slurm.slow-requeue",
            Severity.INFO,
            f"a job that gave way to another one waits {seconds} seconds before it starts again.",
            where=_CONF,
            remedy="AuthInfo=cred_expire=30 makes that shorter, if the clocks of all nodes agree to a few seconds.",
        )


def _check_partition(slurm: Slurm, profile: SiteProfile) -> Iterator[Finding]:
    chosen = (f"--partition={profile.partition}",) if profile.partition else ()
    rows = [line.split("|") for line in slurm.read("sinfo", "--noheader", "--format=%R|%D|%G", *chosen)]
    if not rows:
        yield Finding(
            "slurm.no-partition",
            Severity.BLOCKING,
            f"there is no partition {profile.partition!r}.",
            where="site.yaml: partition",
            remedy="'sinfo -s' lists them.",
        )
        return
    if profile.tres == "cpu":
        return
    most = max(_count_gres(gres, profile.gres) for *_, gres in rows)
    if most < profile.devices_per_node:
        yield Finding(
            "slurm.too-few-devices",
            Severity.BLOCKING,
            f"the profile says {profile.devices_per_node} x {profile.gres} a node, and no node has more than {most}.",
            where="site.yaml: devices_per_node, gres",
            remedy="'sinfo -o \"%P %G\"' shows what the nodes have.",
        )


def _count_gres(text: str, wanted: str) -> int:
    """Count one kind in sinfo's `gpu:h100:4(S:0-1),gpu:a100:2`."""
    total = 0
    for part in re.sub(r"\([^)]*\)", "", text).split(","):
        name, _colon, count = part.rpartition(":")
        if (name == wanted or name.startswith(f"{wanted}:")) and count.isdecimal():
            total += int(count)
    return total


def _check_rights(slurm: Slurm, settings: Mapping[str, str], user: str, *, parent: str) -> Iterator[Finding]:
    if user in {"root", settings.get("SlurmUser", "").split("(")[0]}:
        yield Finding(
            "slurm.too-many-rights",
            Severity.INFO,
            f"the agent runs as {user}, who may do everything in Slurm; an ordinary user who is an operator is enough.",
            remedy="See 'Rights' in docs/operating.md.",
        )
        return
    words = ("--noheader", "--parsable2", "show", "user", f"name={user}", "format=AdminLevel")
    levels = {line.strip() for line in slurm.read("sacctmgr", *words)}
    if not levels & {"Operator", "Administrator"}:
        yield Finding(
            "slurm.no-rights",
            Severity.BLOCKING,
            f"{user} may not make accounts and set limits.",
            where="slurmdbd",
            remedy=f"Let an administrator run: sacctmgr -i add account name={parent} parent=root; "
            f"sacctmgr -i add user name={user} account={parent} adminlevel=Operator; "
            f"sacctmgr -i modify user where name={user} set adminlevel=Operator",
        )


def _check_history(slurm: Slurm) -> Iterator[Finding]:
    lines = slurm.read("sacctmgr", "--noheader", "show", "configuration")
    pairs = (line.split("=", 1) for line in lines if "=" in line)
    settings = {name.strip(): value.strip() for name, value in pairs}
    kept = settings.get("PurgeJobAfter", "NONE")
    if kept.upper() not in _NAMES_NO_DURATION:
        yield Finding(
            "slurm.history-is-purged",
            Severity.WARNING,
            f"accounting forgets jobs ({kept}). Limits are worked out from the jobs that accounting knows.",
            where=_DBD,
            remedy="Keep jobs for longer than the longest allocation lives, or do not set PurgeJobAfter.",
        )


def _good(code: str, message: str) -> Finding:
    return Finding(code, Severity.INFO, message)
