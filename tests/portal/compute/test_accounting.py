"""What a cluster's accounting says is booked to the second, once, in whatever order it comes, whoever began the job."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.portal.compute.factories import (
    NOW,
    account,
    make_job,
    make_place,
    make_site,
    reserve,
    say,
    start_run,
    use,
)

from kifabrik.core.errors import Conflict, InvalidInput
from kifabrik.ledger.books import check_invariants
from kifabrik.ledger.reconciliation import Reason
from kifabrik.portal.compute.models import JobAccount, LedgerTransfer, Reconciliation, Usage
from kifabrik.portal.compute.queries.accounting import silent_jobs
from kifabrik.portal.compute.queries.budgets import balance_of, open_reservations, read_transfers
from kifabrik.portal.compute.queries.reconciliation import persisting, reconcile_allocation, reconcile_site
from kifabrik.portal.compute.services import allocations
from kifabrik.portal.compute.services.reconciliation import make_daily
from kifabrik.portal.people.models import AuditEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    return make_place(gpu_seconds=10_000)


def go(place, **fields):
    run = start_run(place, **fields)
    reserve(place, run)
    say(place, run, "running")
    return run


def consumed(place) -> int:
    assert check_invariants(read_transfers(place.allocation.pk)) == ()
    return balance_of(place.allocation.pk).consumed


def test_a_job_by_hand_is_booked_without_a_reservation(place) -> None:
    done = account(place, make_job(place, gpu_seconds=740))

    assert (done.changed, done.posted, consumed(place)) == (1, 740, 740)
    line = LedgerTransfer.objects.get(kind="post")
    assert (line.reservation, line.run_id) == (None, "")
    assert "not started from here" in line.note


def test_a_job_of_a_run_is_booked_against_its_reservation_while_it_runs(place) -> None:
    run = go(place, seconds=900)

    account(place, make_job(place, run=run, gpu_seconds=100, ended=False))
    account(place, make_job(place, run=run, gpu_seconds=250, ended=False))

    booked = balance_of(place.allocation.pk)
    assert (booked.consumed, booked.reserved, booked.available) == (250, 650, 9100)
    use(place, run, 300)
    booked = balance_of(place.allocation.pk)
    assert (booked.consumed, booked.reserved, booked.available) == (300, 0, 9700)
    assert not open_reservations().exists()


def test_usage_and_accounting_of_one_attempt_are_one_use(place) -> None:
    run = go(place, seconds=900)
    use(place, run, 300)

    account(place, make_job(place, run=run, gpu_seconds=300))

    assert consumed(place) == 300


def test_a_running_attempt_that_its_agent_reports_grows(place) -> None:
    run = go(place, seconds=900)

    for seconds in (60, 120, 90, 120):  # one comes late, one comes twice
        use(place, run, seconds, ended=False)
    assert (consumed(place), Usage.objects.get().is_final) == (120, False)

    use(place, run, 200)
    use(place, run, 150, ended=False)
    assert (consumed(place), Usage.objects.get().is_final) == (200, True)
    with pytest.raises(Conflict):
        use(place, run, 201)


def test_the_next_attempt_ends_one_that_nobody_saw_end(place) -> None:
    run = go(place, seconds=900)
    use(place, run, 60, ended=False)

    reserve(place, run, attempt=2)

    booked = balance_of(place.allocation.pk)
    assert (booked.consumed, booked.reserved) == (60, 900)


def test_the_end_of_a_run_makes_its_last_usage_final(place) -> None:
    run = go(place, seconds=900)
    say(place, run, "failed")

    use(place, run, 60, ended=False)

    assert balance_of(place.allocation.pk).reserved == 0


def test_the_same_rows_again_change_nothing(place) -> None:
    rows = [make_job(place, job_id=str(number), gpu_seconds=number) for number in range(5)]
    account(place, *rows, *rows)
    lines = LedgerTransfer.objects.count()

    done = account(place, *reversed(rows))

    assert (done.changed, LedgerTransfer.objects.count(), consumed(place)) == (0, lines, 10)
    assert AuditEvent.objects.filter(verb="site.accounting-imported").count() == 1


def test_a_late_row_of_the_same_job_never_shrinks_it(place) -> None:
    account(place, make_job(place, gpu_seconds=500))

    account(place, make_job(place, gpu_seconds=200, ended=False))

    assert consumed(place) == 500
    assert JobAccount.objects.get().state == "COMPLETED"


def test_a_requeued_job_goes_on_growing(place) -> None:
    account(place, make_job(place, gpu_seconds=273))

    account(place, make_job(place, gpu_seconds=385, ended=False, restarts=1, state="REQUEUED"))

    assert (consumed(place), JobAccount.objects.get().ended_at) == (385, None)


def test_a_job_number_that_comes_again_is_another_job(place) -> None:
    account(place, make_job(place, gpu_seconds=10))

    account(place, make_job(place, gpu_seconds=20, submitted_at=(NOW + timedelta(seconds=5)).isoformat()))

    assert consumed(place) == 30


def test_a_job_that_changes_its_account_stays_with_the_first(place) -> None:
    other = make_place(gpu_seconds=10_000)
    account(place, make_job(place, gpu_seconds=10))

    account(place, make_job(other, gpu_seconds=25))

    assert (consumed(place), consumed(other)) == (25, 0)


def test_two_jobs_of_one_attempt_are_both_booked(place) -> None:
    run = go(place, seconds=900)
    use(place, run, 50)

    account(
        place,
        make_job(place, job_id="23", run=run, gpu_seconds=30),
        make_job(place, job_id="24", run=run, gpu_seconds=50),
    )

    assert consumed(place) == 80
    (line,) = reconcile_allocation(place.allocation).lines
    assert (line.seconds, line.reason) == (0, Reason.LOST_AND_RERUN)


def test_a_job_over_budget_is_booked_in_full(place) -> None:
    account(place, make_job(place, gpu_seconds=12_000))

    assert (consumed(place), balance_of(place.allocation.pk).available) == (12_000, -2000)


def test_a_job_after_the_end_is_booked_and_said(place) -> None:
    account(place, make_job(place, gpu_seconds=100, ended=False))
    allocations.expire_ended(site=place.site, now=NOW + timedelta(days=90))

    ended = (NOW + timedelta(days=91)).isoformat()
    account(place, make_job(place, gpu_seconds=150, ended_at=ended), now=NOW + timedelta(days=92))

    assert (consumed(place), balance_of(place.allocation.pk).available) == (150, -50)
    assert [line.reason for line in reconcile_site(place.site).lines] == [Reason.AFTER_EXPIRY]


def test_a_name_does_not_bill_the_run_of_somebody_else(place) -> None:
    """A job's name is written by its user: it counts for a run only if the run's own allocation pays."""
    victim = make_place(gpu_seconds=10_000)
    run = go(victim, seconds=900)

    account(place, make_job(place, run=run, gpu_seconds=700))
    account(place, make_job(place, job_id="2", run=run, gpu_seconds=700, account="somebody-else"))

    assert (consumed(place), consumed(victim)) == (700, 0)


def test_a_foreign_account_is_listed_and_not_booked(place) -> None:
    account(place, make_job(place, gpu_seconds=99, account="physics"))

    assert LedgerTransfer.objects.filter(kind="post").count() == 0
    found = reconcile_site(place.site)
    assert (found.difference, [line.reason for line in found.lines]) == (0, [Reason.FOREIGN])
    assert reconcile_allocation(place.allocation).lines == ()


def test_a_site_may_call_its_accounts_otherwise(place) -> None:
    tail = place.allocation.pk.removeprefix("alloc-")

    account(place, make_job(place, gpu_seconds=40, account=f"proj-{tail}"))

    assert consumed(place) == 40


def test_an_allocation_of_another_site_is_not_billed(place) -> None:
    other = make_place(code="cluster")

    account(place, make_job(other, gpu_seconds=40))

    assert consumed(other) == 0


def test_a_thousand_rows_are_the_most_at_once(place) -> None:
    rows = [make_job(place, job_id=str(number)) for number in range(1001)]

    with pytest.raises(InvalidInput, match="At most 1000 rows"):
        account(place, *rows)
    assert not JobAccount.objects.exists()


def test_the_resume_point_only_moves_on_and_never_beyond_now(place) -> None:
    for moved, until in ((NOW - timedelta(hours=2), NOW - timedelta(hours=2)), (NOW, NOW + timedelta(days=1))):
        account(place, until=until)
        place.site.refresh_from_db()
        assert place.site.accounted_until == moved
    account(place, until=NOW - timedelta(hours=9))
    place.site.refresh_from_db()
    assert place.site.accounted_until == NOW


def test_two_gcds_are_one_billed_gpu() -> None:
    make_site("lumi", unit="GPU", system_code="lumi-g", devices=16)
    place = make_place(code="lumi", system_code="lumi-g")

    account(place, make_job(place, gpu_seconds=601), make_job(place, job_id="2", gpu_seconds=601))

    assert consumed(place) == 2 * 301
    assert reconcile_allocation(place.allocation).difference == 0


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    reports=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 500), st.booleans()), min_size=1, max_size=12
    ),
    data=st.data(),
)
def test_any_order_of_rows_gives_the_same_books(reports, data) -> None:
    """Rows of few jobs in two orders, some of them twice: the same consumption, equal to the largest of each job."""
    totals = []
    # A job's use follows its starts and its end; what contradicts that no accounting writes.
    rows = {(job, starts, seconds + 1000 * starts + 500 * ended, ended) for job, starts, seconds, ended in reports}
    for order in (sorted(rows), data.draw(st.permutations(sorted(rows)))):
        place = make_place(gpu_seconds=1000)
        for job, starts, seconds, ended in (*order, *order[:2]):
            number = f"{place.allocation.pk}_{job}"
            account(place, make_job(place, job_id=number, restarts=starts, gpu_seconds=seconds, ended=ended))
        totals.append(consumed(place))
    expected = {}
    for job, _starts, seconds, _ended in rows:
        expected[job] = max(expected.get(job, 0), seconds)
    assert totals == [sum(expected.values())] * 2


def test_what_accounting_takes_back_stays_booked_and_is_shown_as_runaway(place) -> None:
    account(place, make_job(place, gpu_seconds=500, ended=False))

    account(place, make_job(place, gpu_seconds=0))  # the fix of runaway jobs sets the end to the start

    assert consumed(place) == 500
    (line,) = reconcile_allocation(place.allocation).lines
    assert (line.seconds, line.reason) == (-500, Reason.RUNAWAY)


def test_a_job_that_the_cluster_lost_sight_of_runs_no_more_although_less_of_it_counts(place) -> None:
    running, lost = (
        make_job(place, gpu_seconds=n, ended=False, state=s) for n, s in ((500, "RUNNING"), (0, "RUNAWAY"))
    )
    account(place, running)

    account(place, lost)
    account(place, running)  # comes once more, too late

    assert (JobAccount.objects.get().state, consumed(place)) == ("RUNAWAY", 500)
    (line,) = reconcile_allocation(place.allocation).lines
    assert (line.seconds, line.reason) == (-500, Reason.RUNAWAY)


def test_the_end_of_a_job_counts_whatever_the_cluster_said_of_it_meanwhile(place) -> None:
    account(place, make_job(place, gpu_seconds=0, ended=False, state="RUNAWAY"))

    account(place, make_job(place, gpu_seconds=700))
    account(place, make_job(place, gpu_seconds=0, ended=False, state="RUNAWAY"))

    assert (JobAccount.objects.get().state, consumed(place)) == ("COMPLETED", 700)


def test_jobs_of_which_nothing_was_said_for_an_hour_are_asked_about(place) -> None:
    account(place, make_job(place, job_id="lost", gpu_seconds=0, ended=False, state="RUNAWAY"))
    account(place, make_job(place, job_id="over"))
    account(place, make_job(place, job_id="waits", gpu_seconds=0, ended=False, state="PENDING", started_at=None))
    account(place, make_job(place, job_id="runs", ended=False), now=NOW + timedelta(minutes=30))
    other = make_place(code="other")
    account(other, make_job(other, job_id="elsewhere", ended=False))

    assert silent_jobs(place.site, now=NOW + timedelta(minutes=59)) == []
    assert silent_jobs(place.site, now=NOW + timedelta(minutes=61)) == ["lost"]
    assert silent_jobs(place.site, now=NOW + timedelta(minutes=91)) == ["runs", "lost"]

    account(place, make_job(place, job_id="lost", gpu_seconds=0))  # the fix of runaways set its end to its start
    assert silent_jobs(place.site, now=NOW + timedelta(minutes=61)) == []


def test_a_job_that_the_cluster_lost_sight_of_is_shown(place) -> None:
    account(place, make_job(place, gpu_seconds=500, ended=False))

    account(place, make_job(place, gpu_seconds=500, ended=False, state="RUNAWAY"))

    (line,) = reconcile_allocation(place.allocation).lines
    assert (line.seconds, line.reason) == (0, Reason.RUNAWAY)


def test_usage_that_accounting_never_mentions_is_found(place) -> None:
    run = go(place, seconds=900)
    use(place, run, 300)
    account(place, make_job(place, job_id="9", gpu_seconds=1), until=NOW, now=NOW)
    place.allocation.site.refresh_from_db()
    (early, _by_hand) = sorted(reconcile_allocation(place.allocation).lines, key=lambda line: line.seconds)
    assert (early.seconds, early.reason) == (-300, Reason.NOT_YET_REPORTED)

    account(place, until=NOW + timedelta(days=1), now=NOW + timedelta(days=1))
    place.allocation.site.refresh_from_db()
    (late, _by_hand) = sorted(reconcile_allocation(place.allocation).lines, key=lambda line: line.seconds)
    assert late.reason is Reason.NEVER_REPORTED


def test_a_site_without_accounting_is_compared_with_what_its_agent_says(place) -> None:
    run = go(place, seconds=900)
    use(place, run, 300)

    found = reconcile_allocation(place.allocation)

    assert (found.booked, found.accounted, found.lines) == (300, 300, ())


def test_a_day_is_reconciled_once_and_a_lasting_difference_is_named(place) -> None:
    run = go(place, seconds=900)
    use(place, run, 300)
    account(place, until=NOW)
    place.site.refresh_from_db()

    report = make_daily(site=place.site, now=NOW)
    assert (report.difference, make_daily(site=place.site, now=NOW)) == (-300, None)
    assert list(persisting(place.manager)) == []

    place.site.refresh_from_db()
    make_daily(site=place.site, now=NOW + timedelta(days=1))
    assert [line.run_id for line in persisting(place.manager)] == [run.pk]
    assert list(persisting(make_place(code="other").manager)) == []
    assert Reconciliation.objects.count() == 2


def test_a_job_that_runs_for_days_is_no_lasting_difference(place) -> None:
    run = go(place, seconds=900)
    account(place, until=NOW)
    for days, seconds in ((0, 300), (1, 600)):
        use(place, run, seconds, ended=False)
        place.site.refresh_from_db()
        make_daily(site=place.site, now=NOW + timedelta(days=days))

    assert [report.difference for report in Reconciliation.objects.all()] == [-600, -300]
    assert list(persisting(place.manager)) == []


def test_two_hundred_mixed_jobs_reconcile_to_the_second(place) -> None:
    runs = [go(place, seconds=40) for _ in range(20)]
    rows = [make_job(place, job_id=f"9_{number}", gpu_seconds=number) for number in range(180)]
    rows += [make_job(place, job_id=f"r{number}", run=run, gpu_seconds=30) for number, run in enumerate(runs)]
    account(place, *(row.model_copy(update={"ended_at": None, "gpu_seconds": row.gpu_seconds // 2}) for row in rows))
    for run in runs:
        use(place, run, 30)
    account(place, *reversed(rows))

    found = reconcile_site(place.site)

    assert (found.subjects, found.difference) == (200, 0)
    assert found.booked == sum(row.gpu_seconds for row in rows) == consumed(place)


def test_posts_of_before_learn_whose_they_are(place) -> None:
    """An attempt that was booked before posts could grow goes on where it stood."""
    run = go(place, seconds=200)
    use(place, run, 300)
    for line in LedgerTransfer.objects.filter(kind="post"):
        old = f"post:{run.pk}:1" + (":overdraft" if line.debit.startswith("budget") else "")
        LedgerTransfer.objects.filter(pk=line.pk).update(key=old, subject="")

    import_module("kifabrik.portal.compute.migrations.0003_subjects_of_posts").name_subjects(apps, None)
    account(place, make_job(place, run=run, gpu_seconds=310))

    assert set(LedgerTransfer.objects.filter(kind="post").values_list("subject", flat=True)) == {f"{run.pk}:1"}
    assert consumed(place) == 310
