"""The portal with 10,000 allocations and 100,000 accounted jobs: pages, an idle question of an agent, a whole import.

    python benchmarks/many_allocations.py [allocations] [jobs]

A fresh home in a temporary folder, SQLite, all in this process; each figure is the median of five, the import is one.
Beside the time by the clock stands that of the processor, which says more on a busy machine.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

HOME = tempfile.TemporaryDirectory(prefix="kifabrik-benchmark-")
os.environ["KIFABRIK_HOME"] = HOME.name
os.environ["DJANGO_SETTINGS_MODULE"] = "kifabrik.portal.web.settings"

import django  # noqa: E402  # after its settings are named

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402

from kifabrik.ledger import books as rules  # noqa: E402
from kifabrik.portal.calls.models import Award, Call, Decision, Proposal  # noqa: E402
from kifabrik.portal.compute.models import Allocation, ClusterUser, LedgerTransfer, Site  # noqa: E402
from kifabrik.portal.compute.queries.accounting import cluster_account  # noqa: E402
from kifabrik.portal.compute.queries.reconciliation import reconcile_site  # noqa: E402
from kifabrik.portal.people.models import Membership, Organisation, RoleAssignment, User  # noqa: E402
from kifabrik.portal.people.permissions import Role, Scope  # noqa: E402
from kifabrik.portal.people.services import tokens  # noqa: E402

NOW = datetime.now(tz=UTC)
ROWS = 1000


def fill(count: int) -> tuple[Site, User, list[Allocation]]:
    """Write sites, people and open allocations, each with a grant, a reservation, a post and a void."""
    site = Site.objects.create(
        code="big", name="Big", system_code="leonardo-booster", unit="GPU", devices=4096, created_at=NOW
    )
    operator = User.objects.create_user(email="op@example.eu", name="Operator", password="x", joined_at=NOW)
    for role, at in ((Role.OPERATOR, "big"), (Role.PROGRAMME_OFFICER, ""), (Role.AUDITOR, "")):
        RoleAssignment.objects.create(user=operator, role=role, site_code=at, since_at=NOW)
    call = Call.objects.create(
        id="call", title_en="C", title_de="C", mode_code="regular", mode_version="1", mode_rules={},
        system_codes=["leonardo-booster"], capacity_gpu_seconds=10**12, opens_at=NOW, created_at=NOW,
    )  # fmt: skip
    organisations = Organisation.objects.bulk_create(
        [
            Organisation(legal_name=f"Organisation {n}", kind="sme", country="DE", created_at=NOW)
            for n in range(count // 5)
        ]
    )
    people = User.objects.bulk_create(
        [User(email=f"p{n}@example.eu", name=f"Person {n}", joined_at=NOW) for n in range(len(organisations))]
    )
    pairs = list(zip(people, organisations, strict=True))
    Membership.objects.bulk_create([Membership(user=p, organisation=o, since_at=NOW) for p, o in pairs])
    ClusterUser.objects.bulk_create(
        [ClusterUser(site=site, person=p, user_name=f"u{n}", set_at=NOW) for n, p in enumerate(people)]
    )
    owners = [organisations[n % len(organisations)] for n in range(count)]
    proposals = Proposal.objects.bulk_create(
        [
            Proposal(
                call=call, organisation=o, principal_investigator=operator, title=f"Proposal {n}", state="awarded",
                created_at=NOW, changed_at=NOW, submitted_at=NOW, decided_at=NOW,
            )
            for n, o in enumerate(owners)
        ]
    )  # fmt: skip
    decisions = Decision.objects.bulk_create(
        [Decision(proposal=p, outcome="awarded", reasons="r", letter_en="y", letter_de="j", at=NOW) for p in proposals]
    )
    awards = Award.objects.bulk_create(
        [
            Award(
                decision=d, proposal=d.proposal, organisation=d.proposal.organisation, system_code="leonardo-booster",
                gpu_seconds=10**6, starts_on=date(2026, 1, 1), ends_on=date(2030, 1, 1),
            )
            for d in decisions
        ]
    )  # fmt: skip
    rows = Allocation.objects.bulk_create(
        [
            Allocation(
                award=a, organisation=a.organisation, site=site, starts_on=a.starts_on, ends_on=a.ends_on, opened_at=NOW
            )
            for a in awards
        ]
    )
    LedgerTransfer.objects.bulk_create([line for row in rows for line in book(row)], batch_size=5000)
    return site, operator, rows


def book(allocation: Allocation) -> list[LedgerTransfer]:
    """Give an allocation the lines of one run by the rules of the ledger."""
    key = allocation.pk
    lines: tuple[rules.Transfer, ...] = rules.grant((), key=f"g:{key}", allocation_id=key, gpu_seconds=10**6, at=NOW)
    lines += rules.reserve(lines, key=f"r:{key}", allocation_id=key, gpu_seconds=9000, at=NOW)
    lines += rules.post(lines, subject=f"s:{key}", allocation_id=key, gpu_seconds=7000, at=NOW, reservation=f"r:{key}")
    made: dict[str, LedgerTransfer] = {}
    for line in lines:
        made[line.key] = LedgerTransfer(
            key=line.key, allocation=allocation, number=line.number, kind=line.kind, debit=line.debit,
            credit=line.credit, gpu_seconds=line.gpu_seconds, subject=line.subject, at=line.at,
            reservation=made.get(line.reservation),
        )  # fmt: skip
    return list(made.values())


def measure(words: str, act: Callable[[], object], times: int = 5) -> None:
    """Print the median times of something."""
    act()
    say(words, [clock(act) for _ in range(times)])


def clock(act: Callable[[], object]) -> tuple[float, float]:
    """Do something; returns seconds by the clock and of the processor."""
    begun = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - begun[0], time.process_time() - begun[1]


def say(words: str, seconds: Sequence[tuple[float, float]]) -> None:
    """Print one line: by the clock, of the processor."""
    wall, processor = (statistics.median(each) for each in zip(*seconds, strict=True))
    print(f"{words:<64}{wall:8.3f} s {processor:8.3f} s", flush=True)


def main(count: int, jobs: int) -> None:
    """Fill the portal, look at it, import the accounting, compare."""
    settings.ALLOWED_HOSTS = ["*"]
    call_command("migrate", verbosity=0)
    site, operator, allocations = fill(count)
    client = Client()
    client.force_login(operator)
    token = tokens.create(by=operator, name="a", scopes={Scope.SITE}, site_code="big", now=NOW).secret
    bearer = {"Authorization": f"Bearer {token}"}

    def get(path: str, **headers: str):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 200, answer.content[:500]
        return answer

    door = "/api/v1/site/desired?allocations_known="
    first = get(door, **bearer).json()
    assert len(first["allocations"]) == count
    measure(f"page /allocations/ with {count} allocations", lambda: get("/allocations/"))
    measure("page /sites/ ", lambda: get("/sites/"))
    measure("page /sites/big/", lambda: get("/sites/big/"))
    measure("page /", lambda: get("/"))
    measure("GET /site/desired, all allocations", lambda: get(door, **bearer))
    measure("GET /site/desired, digest known", lambda: get(door + first["allocations_digest"], **bearer))

    body = ""

    def post() -> None:
        answer = client.post("/api/v1/site/accounting", body, content_type="application/json", headers=bearer)
        assert answer.status_code == 200, answer.content[:500]

    times = []
    for start in range(0, jobs, ROWS):
        rows = [row(n, allocations) for n in range(start, start + ROWS)]
        body = json.dumps({"rows": rows, "until": NOW.isoformat()})
        times.append(clock(post))
    say(f"POST /site/accounting, {ROWS} new rows", times)
    say(f"the same for {jobs} rows in all", [(sum(wall for wall, _ in times), sum(cpu for _, cpu in times))])
    measure("POST /site/accounting, 1000 rows again", post)
    site.refresh_from_db()
    measure(f"reconciliation of the site, {jobs} jobs", lambda: reconcile_site(site), times=3)
    measure("page /sites/big/reconciliation/", lambda: get("/sites/big/reconciliation/"), times=3)
    measure("page /allocations/ after the import", lambda: get("/allocations/"))
    measure("page of one allocation after the import", lambda: get(f"/allocations/{allocations[0].pk}/"))
    measure(
        "GET /site/desired, digest known, after the import", lambda: get(door + first["allocations_digest"], **bearer)
    )


def row(number: int, allocations: list[Allocation]) -> dict[str, object]:
    """Write one job of accounting; neighbours belong to fifty allocations."""
    at = NOW.isoformat()
    return {
        "cluster": "big", "job_id": str(number), "submitted_at": at, "user": "u1", "state": "COMPLETED",
        "account": cluster_account(allocations[number // ROWS % 20 * 50 + number % 50].pk),
        "started_at": at, "ended_at": at, "devices": 4, "gpu_seconds": 10,
    }  # fmt: skip


if __name__ == "__main__":
    main(*(int(word) for word in (*sys.argv[1:], *("10000", "100000")[len(sys.argv) - 1 :])))
