"""What agents report: each report once, twice, late and out of order, and never by the agent of another site."""

from datetime import date, timedelta
from itertools import permutations

import pytest
from tests.portal.compute.factories import (
    NOW,
    Place,
    is_missing,
    make_evaluation,
    make_events,
    make_manifest,
    make_place,
    make_usage,
    reserve,
    say,
    start_run,
    tell,
    use,
)
from tests.portal.people.factories import make_user

from kifabrik.core.errors import Conflict, InvalidInput, NotFound, Unavailable
from kifabrik.ledger.books import check_invariants
from kifabrik.portal.compute.models import LedgerTransfer, RunEventRow, Usage
from kifabrik.portal.compute.queries.budgets import balance_of, read_transfers
from kifabrik.portal.compute.queries.files import held_by
from kifabrik.portal.compute.queries.runs import desired_runs
from kifabrik.portal.compute.services import allocations, files, reports, runs, usage
from kifabrik.portal.people.models import AuditEvent
from kifabrik.portal.people.permissions import Role

pytestmark = pytest.mark.django_db


def go(place: Place, **fields):
    """Start a run and let its first attempt run."""
    run = start_run(place, **fields)
    reserve(place, run)
    say(place, run, "submitted")
    return say(place, run, "running")


def verbs(run) -> list[str]:
    return list(AuditEvent.objects.filter(object_id=run.pk).order_by("sequence").values_list("verb", flat=True))


def test_reserving_twice_reserves_once() -> None:
    place = make_place(gpu_seconds=1000)
    run = start_run(place, seconds=600)

    first, second = reserve(place, run), reserve(place, run)

    assert first.attempts == second.attempts == 1
    assert balance_of(place.allocation.pk).reserved == 600
    assert verbs(run) == ["run.requested", "run.reserved"]


def test_attempts_come_one_after_the_other() -> None:
    place = make_place()
    run = start_run(place)

    with pytest.raises(Conflict, match="number 1"):
        reserve(place, run, attempt=2)


def test_a_second_attempt_needs_its_own_time() -> None:
    place = make_place(gpu_seconds=1000)
    run = start_run(place, seconds=600)
    reserve(place, run)

    with pytest.raises(Conflict) as refusal:
        reserve(place, run, attempt=2)
    assert refusal.value.code == "budget-too-small"

    use(place, run, 300)
    assert reserve(place, run, attempt=2).attempts == 2
    assert balance_of(place.allocation.pk).available == 100


def test_a_run_that_is_to_stop_reserves_nothing() -> None:
    place = make_place()
    run = start_run(place)
    runs.cancel(by=place.manager, run=run, now=NOW)

    with pytest.raises(Conflict):
        reserve(place, run)


def test_a_paused_allocation_lets_first_attempts_wait() -> None:
    place = make_place()
    run = start_run(place)
    officer = make_user(roles=[Role.PROGRAMME_OFFICER])
    allocations.pause(by=officer, allocation=place.allocation, reason="maintenance of the site", now=NOW)

    assert desired_runs(place.site) == []
    with pytest.raises(Unavailable):
        reserve(place, run)

    allocations.resume(by=officer, allocation=place.allocation, now=NOW)
    assert [each.pk for each, _ in desired_runs(place.site)] == [run.pk]
    assert reserve(place, run).attempts == 1


def test_states_are_reported_once_each_and_keep_their_moments() -> None:
    place = make_place()
    run = start_run(place)
    reserve(place, run)
    for _ in range(2):
        say(place, run, "submitted")
        say(place, run, "running", at=NOW + timedelta(seconds=5))
        run = say(place, run, "succeeded", at=NOW + timedelta(seconds=65))

    assert (run.state, run.started_at, run.ended_at) == (
        "succeeded",
        NOW + timedelta(seconds=5),
        NOW + timedelta(seconds=65),
    )
    assert verbs(run)[2:] == ["run.submitted", "run.running", "run.succeeded"]


@pytest.mark.parametrize("order", list(permutations(["submitted", "running", "succeeded"])))
def test_reports_in_any_order_end_in_the_same_state(order) -> None:
    place = make_place()
    run = start_run(place)
    reserve(place, run)

    for state in order:
        run = say(place, run, state)

    assert run.state == "succeeded"


def test_a_late_report_about_an_earlier_attempt_says_nothing() -> None:
    place = make_place()
    run = go(place)
    use(place, run, 10)
    reserve(place, run, attempt=2)
    say(place, run, "submitted", attempt=2, job_id="job-2")

    late = say(place, run, "running", attempt=1)

    assert (late.state, late.job_id) == ("submitted", "job-2")


def test_a_new_attempt_takes_a_running_run_back_to_submitted() -> None:
    place = make_place()
    run = go(place)
    use(place, run, 10)
    reserve(place, run, attempt=2)

    assert say(place, run, "submitted", attempt=2, job_id="job-2").state == "submitted"
    assert say(place, run, "running", attempt=2, job_id="job-2").state == "running"


@pytest.mark.parametrize("state", ["submitted", "running", "succeeded", "failed", "timed-out"])
def test_an_attempt_that_reserved_nothing_cannot_run(state) -> None:
    place = make_place()

    with pytest.raises(Conflict, match="reserved no time"):
        say(place, start_run(place), state)


def test_a_running_run_cannot_be_refused() -> None:
    place = make_place()

    with pytest.raises(Conflict, match="cannot become refused"):
        say(place, go(place), "refused")


def test_a_refused_run_gives_its_reservation_back() -> None:
    place = make_place(gpu_seconds=1000)
    run = start_run(place)
    reserve(place, run)

    say(place, run, "refused", job_id="", reason="the dataset has a file with an unsafe name")

    assert balance_of(place.allocation.pk).available == 1000
    assert desired_runs(place.site) == []


def test_usage_is_posted_and_the_rest_comes_back() -> None:
    place = make_place(gpu_seconds=1000)
    run = go(place, seconds=600)

    use(place, run, 250)

    booked = balance_of(place.allocation.pk)
    assert (booked.consumed, booked.reserved, booked.available) == (250, 0, 750)


def test_the_same_usage_twice_is_booked_once_and_another_figure_never() -> None:
    place = make_place(gpu_seconds=1000)
    run = go(place, seconds=600)
    use(place, run, 250)
    lines = LedgerTransfer.objects.count()

    use(place, run, 250)
    with pytest.raises(Conflict, match="250 seconds already"):
        use(place, run, 251)

    assert (LedgerTransfer.objects.count(), Usage.objects.count()) == (lines, 1)


def test_usage_beyond_the_reservation_is_a_stated_overdraft() -> None:
    place = make_place(gpu_seconds=1000)
    run = go(place, seconds=900)

    use(place, run, 1300)

    booked = balance_of(place.allocation.pk)
    assert (booked.consumed, booked.available) == (1300, -300)
    overdraft = LedgerTransfer.objects.get(debit=f"budget:{place.allocation.pk}", kind="post")
    assert overdraft.gpu_seconds == 400
    assert "overdraft" in overdraft.note
    assert check_invariants(read_transfers(place.allocation.pk)) == ()
    with pytest.raises(Conflict):
        start_run(place, seconds=1)


def test_usage_after_a_returned_reservation_is_booked_all_the_same() -> None:
    place = make_place(gpu_seconds=1000)
    run = start_run(place, seconds=900)
    reserve(place, run)
    say(place, run, "cancelled", job_id="")

    use(place, run, 40)

    assert balance_of(place.allocation.pk).consumed == 40
    assert check_invariants(read_transfers(place.allocation.pk)) == ()


def test_no_usage_gives_everything_back() -> None:
    place = make_place(gpu_seconds=1000)
    run = go(place, seconds=900)

    use(place, run, 0)

    assert balance_of(place.allocation.pk).available == 1000


def test_usage_about_another_run_or_attempt_is_refused() -> None:
    place = make_place()
    run, other = go(place), go(place)

    def send(record):
        usage.report_usage(by=place.operator, site=place.site, run_id=run.pk, record=record, now=NOW)

    with pytest.raises(InvalidInput, match="another run"):
        send(make_usage(other))
    with pytest.raises(InvalidInput, match=r"1 attempt only"):
        send(make_usage(run, attempt=2))


def test_events_are_kept_once_each_and_the_first_missing_one_is_named() -> None:
    place = make_place()
    run = go(place)
    events = make_events(*[{"kind": "progress", "step": "pretraining", "done": 0.1}] * 6)

    assert tell(place, run, events[:2]) == 3
    assert tell(place, run, events[4:]) == 3
    assert tell(place, run, events[1:4]) == 7
    assert tell(place, run, events) == 7
    assert RunEventRow.objects.filter(run=run).count() == 6
    assert desired_runs(place.site)[0][1] == 6


def test_a_gap_is_seen_by_the_agent() -> None:
    place = make_place()
    run = go(place)
    events = make_events(*[{"kind": "progress"}] * 4)
    tell(place, run, [events[0], events[3]])

    assert desired_runs(place.site)[0][1] == 1


def test_too_many_events_at_once_are_refused() -> None:
    place = make_place()

    with pytest.raises(InvalidInput):
        tell(place, go(place), make_events({"kind": "progress"}) * 5001)


def bring(place: Place, data: bytes, path="model/model.safetensors") -> dict:
    import io

    from kifabrik.core.digests import digest_bytes

    digest = digest_bytes(data)
    files.store_for_site(site=place.site, digest=digest, source=io.BytesIO(data), now=NOW)
    return {"path": path, "digest": digest, "size_bytes": len(data)}


def send_outputs(place: Place, run, listing, manifest=None, evaluation=None):
    return reports.report_outputs(
        by=place.operator,
        site=place.site,
        run_id=run.pk,
        listing=listing,
        manifest=manifest,
        evaluation=evaluation,
        now=NOW,
    )


def test_outputs_belong_to_the_organisation_of_the_run() -> None:
    place = make_place()
    run = go(place)
    entry = bring(place, b"weights")

    for _ in range(2):
        run = send_outputs(place, run, [entry], make_manifest(run), make_evaluation(run))

    assert run.outputs == [entry]
    assert run.manifest["finished"] is True
    assert held_by(place.organisation, [entry["digest"]]) == {entry["digest"]: 7}
    assert verbs(run).count("run.outputs-reported") == 1


def test_outputs_that_were_not_sent_are_refused_whole() -> None:
    place = make_place()
    run = go(place)
    missing = {"path": "model/x", "digest": "sha256:" + "f" * 64, "size_bytes": 3}

    with pytest.raises(InvalidInput) as refusal:
        send_outputs(place, run, [bring(place, b"weights"), missing])

    assert refusal.value.where == "model/x"
    run.refresh_from_db()
    assert run.outputs == []


def test_the_files_of_another_site_are_no_outputs() -> None:
    place, other = make_place(), make_place(code="cluster")
    entry = bring(other, b"their weights")

    with pytest.raises(InvalidInput):
        send_outputs(place, go(place), [entry])


def test_finished_outputs_do_not_change() -> None:
    place = make_place()
    run = go(place)
    run = send_outputs(place, run, [bring(place, b"weights")], make_manifest(run), make_evaluation(run))

    with pytest.raises(Conflict, match="differ"):
        send_outputs(place, run, [bring(place, b"other weights")], make_manifest(run), make_evaluation(run))


@pytest.mark.parametrize("field", ["run_id", "dataset_digest", "recipe_digest"])
def test_a_manifest_about_something_else_is_refused(field) -> None:
    place = make_place()
    run = go(place)
    wrong = make_manifest(run, **{field: "sha256:" + "0" * 64})

    with pytest.raises(InvalidInput) as refusal:
        send_outputs(place, run, [], wrong)
    assert refusal.value.where == f"manifest.{field}"


def test_the_agent_of_another_site_sees_no_run() -> None:
    place, other = make_place(), make_place(code="cluster")
    run = go(place)

    assert desired_runs(other.site) == []
    acts = [
        lambda: reserve(other, run, 2),
        lambda: say(other, run, "succeeded"),
        lambda: use(other, run, 1),
        lambda: tell(other, run, make_events({"kind": "progress"})),
        lambda: send_outputs(other, run, []),
    ]
    assert all(is_missing(act) for act in acts)
    run.refresh_from_db()
    assert run.state == "running"


def test_a_run_is_wanted_until_usage_and_papers_are_there() -> None:
    place = make_place()
    run = go(place)
    wanted = lambda: [each.pk for each, _ in desired_runs(place.site)]  # noqa: E731

    assert wanted() == [run.pk]
    say(place, run, "succeeded")
    assert wanted() == [run.pk]
    use(place, run, 5)
    assert wanted() == [run.pk]
    send_outputs(place, run, [], make_manifest(run), make_evaluation(run))
    assert wanted() == []


def test_a_failed_run_is_wanted_until_its_usage_is_there() -> None:
    place = make_place()
    run = go(place)
    say(place, run, "failed", reason="the loss became nan")
    assert [each.reason for each, _ in desired_runs(place.site)] == ["the loss became nan"]

    use(place, run, 5)
    assert desired_runs(place.site) == []


def test_an_ended_period_stops_what_goes_on() -> None:
    place = make_place(ends_on=date(2026, 11, 24))
    run = go(place)

    allocations.expire_ended(site=place.site, now=NOW + timedelta(days=1))
    run.refresh_from_db()

    assert run.wanted == "stop"
    with pytest.raises(NotFound):
        reports.reserve(by=place.operator, site=make_place(code="b").site, run_id=run.pk, attempt=2, now=NOW)
