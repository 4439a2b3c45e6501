"""What every test may ask for. Sets the portal's home to a folder that goes away, before Django reads its settings."""

import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module

import django
import pytest
from build_messages import compile_catalogues
from django.db import connection
from django.utils import translation

_HOME = tempfile.TemporaryDirectory(prefix="kifabrik-tests-")
os.environ["KIFABRIK_HOME"] = _HOME.name
os.environ["KIFABRIK_DATA_KEY_FILE"] = f"{_HOME.name}/data.key"  # not the key of whoever runs the tests
# Named here and not in pyproject.toml, because pytest-django would read the settings before this file.
os.environ["DJANGO_SETTINGS_MODULE"] = "kifabrik.portal.web.settings"
compile_catalogues()  # so that German tests see the words as they are written now
django.setup()


@pytest.fixture(autouse=True)
def _speak_english():
    """A request leaves the language of its reader behind; the next test begins in that of the settings."""
    yield
    translation.deactivate()


@pytest.fixture
def now() -> datetime:
    """A Tuesday at ten in the morning, Brussels time."""
    return datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def home(settings, tmp_path):
    """A home of the portal for one test alone: store, releases and keys lie below it."""
    settings.HOME = tmp_path
    settings.STORE = tmp_path / "store"
    settings.RELEASES = tmp_path / "releases"
    settings.KEYS = tmp_path / "keys"
    return tmp_path


@pytest.fixture(scope="session", autouse=True)
def _wiping_lifts_the_guard_of_the_audit_log() -> Iterator[None]:
    """After a test with real transactions Django empties every table, which the audit log's triggers would refuse."""
    triggers = import_module("kifabrik.portal.people.migrations.0003_append_only_audit")
    kind = type(connection.ops)
    wipe = kind.execute_sql_flush

    def wipe_all(self, sql_list):
        vendor = self.connection.vendor
        wipe(self, [*triggers.LIFT[vendor], *sql_list, *triggers.GUARD[vendor]])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "execute_sql_flush", wipe_all)
        yield
