"""The settings: where things lie, that every name a site may set is documented, and what https switches on."""

import os
import re
import subprocess
import sys
from pathlib import Path

from kifabrik.portal.web import settings as module

ROOT = Path(__file__).parents[3]
NAME = re.compile(r"KIFABRIK_[A-Z][A-Z_]*[A-Z]")


def names_in(*places: Path) -> set[str]:
    files = [file for place in places for file in ([place] if place.is_file() else place.rglob("*.py"))]
    return {name for file in files for name in NAME.findall(file.read_text())}


def test_tests_have_a_home_of_their_own(settings) -> None:
    assert Path(os.environ["KIFABRIK_HOME"]).resolve() == settings.HOME
    assert "kifabrik-tests-" in str(settings.HOME)


def test_every_environment_name_is_documented_and_every_documented_one_exists() -> None:
    assert names_in(ROOT / "docs" / "settings.md") == names_in(ROOT / "src")


def read_settings(home: Path, expression: str, **environment: str) -> str:
    code = f"from kifabrik.portal.web import settings as s; print({expression})"
    variables = {"KIFABRIK_HOME": str(home), "PATH": "", "PYTHONPATH": str(ROOT / "src"), **environment}
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_https_makes_cookies_secure_and_keeps_browsers_on_it(tmp_path) -> None:
    expression = "s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS > 0"

    assert read_settings(tmp_path, expression, KIFABRIK_HTTPS="1") == "True True True True"
    assert read_settings(tmp_path, expression) == "False False False False"


def test_the_secret_key_is_made_once_and_is_private(tmp_path) -> None:
    first = read_settings(tmp_path, "s.SECRET_KEY")

    assert len(first) > 60
    assert read_settings(tmp_path, "s.SECRET_KEY") == first
    assert (tmp_path / "secret-key").stat().st_mode & 0o777 == 0o600


def test_a_database_address_is_read_with_its_password(tmp_path) -> None:
    address = "postgresql://kif:p%40ss@db.example:5433/factory"

    database = module._read_database(address)

    wanted = {"NAME": "factory", "USER": "kif", "PASSWORD": "p@ss", "HOST": "db.example", "PORT": "5433"}
    assert {key: database[key] for key in wanted} == wanted


def test_nothing_inline_and_nothing_from_elsewhere_is_allowed(settings) -> None:
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]

    assert directives["default-src"] == ["'self'"]
    assert not any("unsafe" in source for sources in directives.values() for source in sources)
    assert "script-src" not in directives
