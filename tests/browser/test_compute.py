"""The pages of compute in a real browser: accessible, curves drawn, and the run page follows a run by itself."""

import pytest
from django.utils import timezone
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from tests.browser.conftest import run_axe
from tests.browser.test_frame import keep, look_at
from tests.portal.compute.factories import (
    HOUR,
    NOW,
    account,
    make_events,
    make_job,
    make_place,
    make_site,
    reserve,
    say,
    start_run,
    tell,
    use,
)
from tests.portal.people.factories import make_user

from kifabrik.core.findings import Finding, Severity
from kifabrik.portal.compute.services import extensions, findings
from kifabrik.portal.compute.services.cluster_users import set_name as name_user
from kifabrik.portal.compute.services.reconciliation import make_daily
from kifabrik.portal.people.permissions import Role
from kifabrik.records.run_state import RunState

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("home")]

LOSSES = [
    {
        "kind": "metric",
        "step": "pretraining",
        "metrics": [{"name": "train_loss", "value": 7.0 - step / 10, "step": step}],
    }
    for step in range(1, 30)
]


def make_running_run(place):
    run = say(place, reserve(place, start_run(place)), RunState.RUNNING)
    rows = [{"kind": "step-started", "step": "pretraining"}, *LOSSES]
    tell(place, run, make_events(*rows, {"kind": "progress", "step": "pretraining", "done": 0.5, "seconds_left": 40}))
    return run


def test_the_pages_of_an_applicant_are_accessible_and_whole(browser, client) -> None:
    place = make_place()
    run = make_running_run(place)
    browser.sign_in(place.manager, client)

    look_at(browser, "/allocations/", name="allocations")
    look_at(browser, f"/allocations/{place.allocation.pk}/", name="allocation")
    look_at(browser, "/runs/", name="runs")
    look_at(browser, f"/runs/{run.pk}/", name="run-running")


def test_a_running_run_shows_its_end_without_a_reload(browser, client) -> None:
    place = make_place()
    run = make_running_run(place)
    browser.sign_in(place.manager, client).open(f"/runs/{run.pk}/")
    browser.wait_for("[data-curve-url] canvas")
    assert "40 s" in browser.driver.find_element(By.TAG_NAME, "main").text

    use(place, run, 300)
    say(place, run, RunState.FAILED, reason="The disk of the node is full.")

    WebDriverWait(browser.driver, 20).until(
        lambda driver: "The disk of the node is full." in driver.find_element(By.TAG_NAME, "main").text
    )
    assert browser.complaints() == []


def test_the_pages_of_an_operator_are_accessible_and_whole(browser, client) -> None:
    place = make_busy_place()
    browser.sign_in(place.operator, client)

    look_at(browser, "/sites/", name="sites")
    look_at(browser, f"/sites/{place.site.pk}/", name="site")
    look_at(browser, f"/sites/{place.site.pk}/reconciliation/", name="site-reconciliation")


def test_the_life_of_an_allocation_is_accessible_and_whole(browser, client) -> None:
    place = make_busy_place()
    where = f"/allocations/{place.allocation.pk}/"
    browser.sign_in(place.manager, client)
    look_at(browser, where, name="allocation-life")
    look_at(browser, f"{where}reconciliation/", name="reconciliation")
    place.manager.language = "de"
    place.manager.save()
    look_at(browser, where, name="allocation-life-german")
    look_at(browser, f"{where}reconciliation/", name="reconciliation-german")
    open_all_details(browser.open(where))
    assert run_axe(browser.driver) == []
    keep(browser, "allocation-forms")

    extensions.ask(by=place.manager, allocation=place.allocation, kind="months", report=REPORT, now=timezone.now())
    browser.sign_in(make_user(roles=[Role.PROGRAMME_OFFICER]), client)
    look_at(browser, where, name="extension-decision")


REPORT = "Two models were trained on the public corpus; a third one is compared with them next. " * 3


def open_all_details(browser) -> None:
    browser.driver.execute_script("document.querySelectorAll('details').forEach((each) => { each.open = true })")


def make_busy_place():
    """An allocation at a machine with units of its own, with jobs of all kinds, and a site with findings."""
    make_site("leo", unit="GPU", system_code="leonardo-booster", devices=64)
    place = make_place(code="leo", system_code="leonardo-booster", gpu_seconds=1248 * HOUR)
    run = say(place, reserve(place, start_run(place, seconds=4000)), RunState.RUNNING)
    use(place, run, 300, ended=False)
    account(
        place,
        make_job(place, job_id="7", gpu_seconds=200 * HOUR, user="ada"),
        make_job(place, job_id="8", gpu_seconds=60, account="physics", user="somebody"),
        make_job(place, job_id="9", gpu_seconds=500, ended=False, state="RUNAWAY"),
        until=NOW,
        now=timezone.now(),
    )
    place.site.refresh_from_db()
    make_daily(site=place.site, now=timezone.now())
    rows = [
        Finding("site.disk", Severity.SERIOUS, "The disk of /scratch is nearly full.", "/scratch", "Make room."),
        Finding("site.clock", Severity.WARNING, "The clock is 4 s behind the portal."),
    ]
    findings.report(by=place.operator, site=place.site, findings=rows, at=timezone.now(), now=timezone.now())
    name_user(by=place.operator, site=place.site, person=place.manager, user_name="ada", now=timezone.now())
    return place
