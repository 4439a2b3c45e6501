"""Lets the database itself refuse to change or remove a line of the audit log, whoever asks.

A later migration that makes SQLite build this table anew drops its triggers: it must call `guard` once more.
"""

from django.db import migrations

_REFUSAL = "the audit log is append-only: its lines are never changed or removed (see docs/settings.md)"

GUARD = {
    "sqlite": (
        f"""CREATE TRIGGER audit_event_unchanged BEFORE UPDATE ON people_auditevent
            BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END""",
        f"""CREATE TRIGGER audit_event_kept BEFORE DELETE ON people_auditevent
            BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END""",
        # INSERT OR REPLACE removes lines without asking the trigger above.
        f"""CREATE TRIGGER audit_event_not_replaced BEFORE INSERT ON people_auditevent
            WHEN EXISTS (SELECT 1 FROM people_auditevent WHERE sequence = NEW.sequence OR digest = NEW.digest)
            BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END""",
    ),
    "postgresql": (
        f"""CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$""",
        """CREATE TRIGGER audit_event_unchanged BEFORE UPDATE OR DELETE ON people_auditevent
           FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()""",
        """CREATE TRIGGER audit_event_kept BEFORE TRUNCATE ON people_auditevent
           FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()""",
    ),
}
LIFT = {
    "sqlite": (
        "DROP TRIGGER audit_event_unchanged",
        "DROP TRIGGER audit_event_kept",
        "DROP TRIGGER audit_event_not_replaced",
    ),
    "postgresql": (
        "DROP TRIGGER audit_event_unchanged ON people_auditevent",
        "DROP TRIGGER audit_event_kept ON people_auditevent",
        "DROP FUNCTION refuse_audit_change()",
    ),
}


def guard(_apps, schema_editor):
    """Make the triggers."""
    for statement in GUARD[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def lift(_apps, schema_editor):
    """Take the triggers away."""
    for statement in LIFT[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):

    dependencies = [
        ('people', '0002_sign_in_failures'),
    ]

    operations = [migrations.RunPython(guard, lift, elidable=False)]
