"""The audit log: append-only, chained, and every kind of tampering named at its first bad line."""

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from tests.portal.people.factories import make_organisation, make_user

from kifabrik.portal.people.models import AuditEvent
from kifabrik.portal.people.queries.audit import events_about
from kifabrik.portal.people.services import audit

pytestmark = pytest.mark.django_db


@pytest.fixture
def log(now):
    user, organisation = make_user(name="Ada"), make_organisation()
    return [
        audit.append(
            by=user, verb=f"thing.made-{n}", what=organisation, organisation=organisation, details={"n": n}, now=now
        )
        for n in range(1, 6)
    ]


def sql(statement, *values):
    """Tamper below the ORM, as somebody with the database would."""
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
    sql("UPDATE people_auditevent SET actor = 'Eve' WHERE sequence = 3")

    assert audit.verify_chain().first_bad == 3
    assert audit.verify_chain().reason == "its content was changed"


def test_a_removed_line_is_named(log) -> None:
    sql("DELETE FROM people_auditevent WHERE sequence = 2")

    assert audit.verify_chain().first_bad == 2


def test_a_line_changed_with_its_digest_breaks_the_next(log) -> None:
    row = AuditEvent.objects.filter(sequence=3).values_list(*audit._COLUMNS).get()
    forged = audit._digest((*row[:2], "Eve", *row[3:]))
    sql("UPDATE people_auditevent SET actor = 'Eve', digest = %s WHERE sequence = 3", forged)

    assert audit.verify_chain().first_bad == 4
    assert audit.verify_chain().reason == "it does not name the digest of the line before"


def test_a_log_cut_off_is_found_by_its_noted_head(log) -> None:
    sql("DELETE FROM people_auditevent WHERE sequence > 3")

    assert audit.verify_chain().is_whole
    assert audit.verify_chain(expected_head=log[-1].digest).first_bad == 4
    assert audit.verify_chain(expected_head=log[2].digest).is_whole


def test_lines_cannot_be_changed_or_deleted_through_the_orm(log) -> None:
    with pytest.raises(TypeError, match="append-only"):
        AuditEvent.objects.filter(sequence=1).update(actor="Eve")
    with pytest.raises(TypeError, match="append-only"):
        AuditEvent.objects.all().delete()


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
