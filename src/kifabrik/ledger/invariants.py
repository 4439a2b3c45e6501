"""What must hold for the books at every moment, as findings. Pure; for tests, for the statement page and for audits."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from kifabrik.core.findings import Finding, Severity
from kifabrik.ledger.transfers import Transfer, TransferKind, is_unreserved

_ACCOUNTS = {
    TransferKind.GRANT: {("pool", "budget")},
    TransferKind.RESERVE: {("budget", "reserved")},
    TransferKind.POST: {("reserved", "consumed"), ("budget", "consumed")},
    TransferKind.VOID: {("reserved", "budget")},
    TransferKind.EXPIRE: {("budget", "expired")},
    TransferKind.RETURN: {("budget", "pool")},
}


def check_invariants(transfers: Sequence[Transfer]) -> tuple[Finding, ...]:
    """Check the lines of one allocation or of several, in booking order; no finding means the books are sound."""
    return (*_check_lines(transfers), *_check_keys(transfers), *_check_running(transfers), *_check_settled(transfers))


def _check_lines(transfers: Sequence[Transfer]) -> list[Finding]:
    found = []
    for line in transfers:
        pair = (line.debit.partition(":")[0], line.credit.partition(":")[0])
        if pair not in _ACCOUNTS[line.kind]:
            found.append(_fault("accounts", line, f"a {line.kind} cannot go from {line.debit} to {line.credit}."))
        owners = {account.partition(":")[2] for account in (line.debit, line.credit)} - {""}
        if owners != {line.allocation_id}:
            found.append(_fault("owner", line, "it moves time of another allocation."))
        if line.gpu_seconds < 0 or (line.gpu_seconds == 0 and line.kind is not TransferKind.POST):
            found.append(_fault("amount", line, f"{line.gpu_seconds} s is no amount."))
    return found


def _check_keys(transfers: Sequence[Transfer]) -> list[Finding]:
    counts = Counter(line.key for line in transfers)
    return [_fault("key-twice", line, "its key is booked twice.") for line in transfers if counts[line.key] > 1]


def _check_running(transfers: Sequence[Transfer]) -> list[Finding]:
    """After every line no account but the pool is below zero; a budget only by usage that nothing was reserved for."""
    found = []
    accounts: dict[str, int] = defaultdict(int)
    stated: dict[str, int] = defaultdict(int)
    for line in transfers:
        accounts[line.debit] -= line.gpu_seconds
        accounts[line.credit] += line.gpu_seconds
        if is_unreserved(line):
            stated[line.debit] += line.gpu_seconds
        if line.debit != "pool" and accounts[line.debit] < -stated[line.debit]:
            found.append(_fault("below-zero", line, f"{line.debit} falls to {accounts[line.debit]} s."))
    return found


def _check_settled(transfers: Sequence[Transfer]) -> list[Finding]:
    made = {line.key: line.gpu_seconds for line in transfers if line.kind is TransferKind.RESERVE}
    settled: dict[str, int] = defaultdict(int)
    found = []
    for line in transfers:
        if not line.debit.startswith("reserved:"):
            continue
        settled[line.reservation] += line.gpu_seconds
        if line.reservation not in made:
            found.append(_fault("no-reservation", line, "it settles a reservation that does not exist."))
        elif settled[line.reservation] > made[line.reservation]:
            found.append(_fault("settled-too-much", line, "it takes more than its reservation held."))
    return found


def _fault(code: str, line: Transfer, message: str) -> Finding:
    return Finding(
        f"ledger.{code}",
        Severity.BLOCKING,
        f"line {line.number} ({line.kind}): {message}",
        where=line.key,
        remedy="The books were changed outside the ledger: compare with the audit log and with the site's accounting.",
    )
