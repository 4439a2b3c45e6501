"""The audit log: append-only, chained, and every kind of tampering named at its first bad line."""

import subprocess
from shutil import which

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.transaction import TransactionManagementError
from tests.portal.people.factories import make_organisation, make_user, tamper

from kifabrik.portal.people.models import AuditEvent
from kifabrik.portal.people.queries.audit import events_about
from kifabrik.portal.people.services import audit

pytestmark = pytest.mark.django_db


@pytest.fixture
def log(now):
    user, organisation = make_user(name="Ada"), make_organisation()
    with transaction.atomic():
        return [
            audit.append(
                by=user, verb=f"thing.made-{n}", what=organisation, organisation=organisation, details={"n": n}, now=now
            )
            for n in range(1, 6)
        ]


def sql(statement, *values):
    """Speak to the database below the ORM."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_a_whole_chain_verifies(log) -> None:
    report = audit.verify_chain()

    assert (report.is_whole, report.rows, report.head) == (True, 5, log[-1].digest)
    assert [event.sequence for event in log] == [1, 2, 3, 4, 5]
    assert log[0].previous_digest == audit.NOTHING_BEFORE
    assert log[1].previous_digest == log[0].digest


def test_an_empty_log_is_whole() -> None:
    assert audit.verify_chain().is_whole


def test_a_changed_line_is_named(log) -> None:
    tamper("UPDATE people_auditevent SET actor = 'Eve' WHERE sequence = 3")

    assert audit.verify_chain().first_bad == 3
    assert audit.verify_chain().reason == "its content was changed"


def test_a_removed_line_is_named(log) -> None:
    tamper("DELETE FROM people_auditevent WHERE sequence = 2")

    assert audit.verify_chain().first_bad == 2


def test_a_line_changed_with_its_digest_breaks_the_next(log) -> None:
    row = AuditEvent.objects.filter(sequence=3).values_list(*audit._COLUMNS).get()
    forged = audit._digest((*row[:2], "Eve", *row[3:]))
    tamper("UPDATE people_auditevent SET actor = 'Eve', digest = %s WHERE sequence = 3", forged)

    assert audit.verify_chain().first_bad == 4
    assert audit.verify_chain().reason == "it does not name the digest of the line before"


def test_a_log_cut_off_is_found_by_its_noted_head(log) -> None:
    tamper("DELETE FROM people_auditevent WHERE sequence > 3")

    assert audit.verify_chain().is_whole
    assert audit.verify_chain(expected_head=log[-1].digest).first_bad == 4
    assert audit.verify_chain(expected_head=log[2].digest).is_whole


def test_lines_cannot_be_changed_or_deleted_through_the_orm(log) -> None:
    with pytest.raises(TypeError, match="append-only"):
        AuditEvent.objects.filter(sequence=1).update(actor="Eve")
    with pytest.raises(TypeError, match="append-only"):
        AuditEvent.objects.all().delete()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE people_auditevent SET actor = 'Eve' WHERE sequence = 3",
        "UPDATE people_auditevent SET sequence = 9 WHERE sequence = 5",
        "DELETE FROM people_auditevent WHERE sequence = 5",
        "DELETE FROM people_auditevent",
    ],
)
def test_the_database_itself_refuses_to_change_or_remove_a_line(log, statement) -> None:
    with pytest.raises(DatabaseError, match="the audit log is append-only"), transaction.atomic():
        sql(statement)

    assert audit.verify_chain(expected_head=log[-1].digest).rows == 5


def test_a_line_is_not_replaced_by_one_of_its_number(log) -> None:
    columns = "sequence, at, actor, actor_id, verb, object_kind, object_id, organisation_id, details, previous_digest"
    values = columns.replace(" actor,", " 'Eve',")
    line = f"people_auditevent ({columns}, digest) SELECT {values}, 'x' FROM people_auditevent WHERE sequence = 3"
    replace = {
        "sqlite": f"INSERT OR REPLACE INTO {line}",
        "postgresql": f"INSERT INTO {line} ON CONFLICT (sequence) DO UPDATE SET actor = EXCLUDED.actor",
    }

    with pytest.raises(DatabaseError, match="the audit log is append-only"), transaction.atomic():
        sql(replace[connection.vendor])

    assert audit.verify_chain().is_whole


@pytest.mark.postgres
def test_the_table_is_not_emptied_at_once(log) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no TRUNCATE")
    with pytest.raises(DatabaseError, match="the audit log is append-only"), transaction.atomic():
        sql("TRUNCATE people_auditevent")

    assert audit.verify_chain(expected_head=log[-1].digest).is_whole


def test_an_object_is_not_changed_or_deleted_through_the_orm(log) -> None:
    log[2].actor = "Eve"

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        log[2].save()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        log[2].delete()

    assert audit.verify_chain(expected_head=log[-1].digest).is_whole


@pytest.mark.django_db(transaction=True)
def test_the_owner_of_the_database_may_lift_the_guard_for_one_transaction(now, log) -> None:
    """As docs/settings.md says; the chain tells of it afterwards."""
    if connection.vendor != "postgresql":
        pytest.skip("how it is done with SQLite is shown with its own program below")
    with transaction.atomic():
        sql("ALTER TABLE people_auditevent DISABLE TRIGGER USER")
        sql("UPDATE people_auditevent SET actor = '' WHERE sequence = 3")
        sql("ALTER TABLE people_auditevent ENABLE TRIGGER USER")

    assert audit.verify_chain().first_bad == 3
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        sql("UPDATE people_auditevent SET actor = '' WHERE sequence = 4")


@pytest.mark.skipif(which("sqlite3") is None, reason="the program sqlite3 is not installed")
@pytest.mark.django_db(transaction=True)
def test_the_program_of_sqlite_may_lift_the_guard_for_itself(now, log) -> None:
    """As docs/settings.md says; the chain tells of it afterwards."""
    if connection.vendor != "sqlite":
        pytest.skip("how it is done with PostgreSQL is shown above")

    def ask(*lines: str) -> str:
        words = ["sqlite3", str(connection.settings_dict["NAME"])]
        return subprocess.run(words, input="\n".join(lines), capture_output=True, text=True, check=False).stderr

    assert "append-only" in ask("UPDATE people_auditevent SET actor = '' WHERE sequence = 3;")
    assert ask(".dbconfig enable_trigger off", "UPDATE people_auditevent SET actor = '' WHERE sequence = 3;") == ""
    assert audit.verify_chain().first_bad == 3
    assert "append-only" in ask("UPDATE people_auditevent SET actor = '' WHERE sequence = 4;")


@pytest.mark.django_db(transaction=True)
def test_a_line_needs_the_transaction_of_its_write(now) -> None:
    organisation = make_organisation()

    with pytest.raises(TransactionManagementError):
        audit.append(by=None, verb="thing.made", what=organisation, now=now)
    with transaction.atomic():
        audit.append(by=None, verb="thing.made", what=organisation, now=now)

    assert AuditEvent.objects.count() == 1


def test_fractions_in_details_survive_every_engine(now) -> None:
    event = audit.append(by=None, verb="x", what=make_organisation(), details={"f": 1e22, "g": [0.1]}, now=now)

    assert AuditEvent.objects.get(pk=event.pk).details == {"f": "1e+22", "g": ["0.1"]}
    assert audit.verify_chain().is_whole


def test_the_story_of_one_object_leaves_out_the_others(log, now) -> None:
    other = make_organisation()
    audit.append(by=None, verb="thing.other", what=other, now=now)

    assert [event.verb for event in events_about("organisation", other.pk)] == ["thing.other"]
    assert events_about("user", other.pk).count() == 0
