"""Many at once: one budget is never spent twice, one key never booked twice. Real transactions in threads."""

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from tests.portal.compute.factories import (
    NOW,
    account,
    make_award,
    make_job,
    make_place,
    make_site,
    reserve,
    start_run,
    use,
)
from tests.portal.people.factories import make_user

from kifabrik.core.digests import digest_bytes
from kifabrik.core.errors import Conflict
from kifabrik.ledger.books import check_invariants
from kifabrik.portal.compute.models import (
    Allocation,
    FileHolding,
    JobAccount,
    LedgerTransfer,
    Run,
    StoredFile,
    Usage,
)
from kifabrik.portal.compute.queries.budgets import balance_of, read_transfers
from kifabrik.portal.compute.services import allocations, files, findings
from kifabrik.portal.people.models import AuditEvent
from kifabrik.portal.people.permissions import Role
from kifabrik.portal.people.services.audit import verify_chain

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 6


def together(act, times=THREADS) -> list:
    """Let threads with connections of their own do the same at once; returns results and conflicts."""

    def once(number):
        try:
            return act(number)
        except Conflict as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(once, range(times)))


def refused(answers) -> int:
    return sum(isinstance(answer, Conflict) for answer in answers)


def test_one_budget_is_promised_to_as_many_runs_as_it_holds() -> None:
    place = make_place(gpu_seconds=1000)

    answers = together(lambda _: start_run(place, seconds=300))

    assert refused(answers) == THREADS - 3
    assert Run.objects.count() == 3


def test_reserving_at_once_never_overdraws() -> None:
    place = make_place(gpu_seconds=1000)
    waiting = [start_run(place, seconds=300) for _ in range(3)]
    Run.objects.filter(pk__in=[run.pk for run in waiting]).update(reserved_gpu_seconds=400)

    answers = together(lambda number: reserve(place, waiting[number % 3]))

    booked = balance_of(place.allocation.pk)
    assert (booked.reserved, booked.available) == (800, 200)
    assert refused(answers) == 2
    assert check_invariants(read_transfers(place.allocation.pk)) == ()


def test_the_same_reservation_at_once_is_one() -> None:
    place = make_place(gpu_seconds=1000)
    run = start_run(place, seconds=300)

    answers = together(lambda _: reserve(place, run))

    assert refused(answers) == 0
    assert balance_of(place.allocation.pk).reserved == 300


def test_the_same_usage_at_once_is_booked_once() -> None:
    place = make_place(gpu_seconds=1000)
    run = start_run(place, seconds=300)
    reserve(place, run)

    together(lambda _: use(place, run, 120))

    assert Usage.objects.count() == 1
    assert balance_of(place.allocation.pk).consumed == 120
    assert AuditEvent.objects.filter(verb="run.usage-booked").count() == 1


def test_accepting_an_award_at_once_opens_one_allocation() -> None:
    award = make_award()
    make_site()
    manager = make_user(manages=[award.organisation])

    together(lambda _: allocations.accept_award(by=manager, award=award, now=NOW))

    assert (Allocation.objects.count(), LedgerTransfer.objects.count()) == (1, 1)
    assert verify_chain().is_whole


def test_bringing_the_same_file_at_once_keeps_one() -> None:
    place = make_place()
    data = b"x" * 100_000
    digest = digest_bytes(data)

    def bring(_number):
        return files.store_for_organisation(
            by=place.manager, organisation=place.organisation, digest=digest, source=io.BytesIO(data), now=NOW
        )

    together(bring)

    assert (StoredFile.objects.count(), FileHolding.objects.count()) == (1, 1)


def test_the_same_accounting_at_once_is_booked_once() -> None:
    place, other = make_place(gpu_seconds=1000), make_place(gpu_seconds=1000)
    run = start_run(place, seconds=300)
    reserve(place, run)
    jobs = [make_job(place, run=run, gpu_seconds=100), make_job(other, job_id="2", gpu_seconds=50)]
    jobs += [make_job(place, job_id="3", gpu_seconds=9), make_job(place, job_id="4", account="physics")]

    together(lambda number: account(place, *(jobs if number % 2 else reversed(jobs)), until=NOW))

    assert [balance_of(each.allocation.pk).consumed for each in (place, other)] == [109, 50]
    assert JobAccount.objects.count() == 4
    for each in (place, other):
        assert check_invariants(read_transfers(each.allocation.pk)) == ()
    assert verify_chain().is_whole


def test_accounting_usage_and_decisions_at_once_wait_in_one_order() -> None:
    place = make_place(gpu_seconds=10_000)
    run = start_run(place, seconds=300)
    reserve(place, run)
    officer = make_user(roles=[Role.PROGRAMME_OFFICER])
    acts = [
        lambda: account(place, make_job(place, run=run, gpu_seconds=100, ended=False), until=NOW),
        lambda: use(place, run, 120, ended=False),
        lambda: allocations.pause(by=officer, allocation=place.allocation, reason="the site is moved", now=NOW),
        lambda: allocations.hand_back(
            by=place.manager, allocation=place.allocation, gpu_seconds=10, reason="we need less time", now=NOW
        ),
        lambda: allocations.resume(by=officer, allocation=place.allocation, now=NOW),
        lambda: findings.report(by=place.operator, site=place.site, findings=[], at=NOW, now=NOW),
    ]

    together(lambda number: acts[number % len(acts)](), times=12)

    booked = balance_of(place.allocation.pk)
    assert (booked.consumed, booked.returned) == (120, 20)
    assert check_invariants(read_transfers(place.allocation.pk)) == ()
