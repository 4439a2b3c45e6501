"""Several processes extend the chain of the audit log at once: no line is lost, doubled or out of order."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.db import connection, transaction
from tests.portal.people.factories import SINCE, make_organisation

from kifabrik.portal.people.models import AuditEvent
from kifabrik.portal.people.services import audit

SOURCE = Path(__file__).parents[3] / "src"
START = "import django; django.setup()\n"
APPEND = """
from datetime import UTC, datetime
from django.db import transaction
from kifabrik.portal.people.models import Organisation
from kifabrik.portal.people.services import audit
for number in range(40):
    with transaction.atomic():
        audit.append(by=None, verb="thing.made", what=Organisation(id="org-x"), now=datetime.now(UTC))
"""


def python(code: str, home: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "KIFABRIK_HOME": str(home), "PYTHONPATH": str(SOURCE), "KIFABRIK_DATABASE_URL": ""}
    return subprocess.Popen(
        [sys.executable, "-c", START + code], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


@pytest.mark.slow
def test_processes_on_sqlite_take_turns(tmp_path) -> None:
    made = python("from django.core.management import call_command; call_command('migrate', verbosity=0)", tmp_path)
    assert made.communicate() == ("", "")

    writers = [python(APPEND, tmp_path) for _ in range(3)]
    assert [writer.communicate()[1] for writer in writers] == ["", "", ""]

    report = "from kifabrik.portal.people.services.audit import verify_chain as v; print(v().rows, v().is_whole)"
    assert python(report, tmp_path).communicate()[0] == "120 True\n"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_transactions_on_postgresql_take_turns() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("the same is shown for SQLite above; PostgreSQL is tried by tests/with_postgres.py")
    organisation = make_organisation()

    def write() -> None:
        for _ in range(20):
            with transaction.atomic():
                audit.append(by=None, verb="thing.made", what=organisation, now=SINCE)
        connection.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert AuditEvent.objects.count() == 80
    assert audit.verify_chain().is_whole
