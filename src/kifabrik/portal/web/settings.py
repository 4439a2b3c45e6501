"""Settings of the portal; every one that a site may change is an environment name KIFABRIK_*, read here and nowhere else."""

import os
import secrets
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.utils.translation import gettext_lazy as _

from kifabrik.core.files import write_text

HOME = Path(os.environ.get("KIFABRIK_HOME", "var")).resolve()
DEBUG = os.environ.get("KIFABRIK_DEBUG", "") == "1"
SERVING_URL = os.environ.get("KIFABRIK_SERVING_URL", "http://127.0.0.1:8001")


def _read_secret(path: Path) -> str:
    """Read the secret key, or make it on first start with mode 0600."""
    if not path.exists():
        write_text(path, secrets.token_urlsafe(64), mode=0o600)
    return path.read_text()


def _read_database(address: str) -> dict[str, object]:
    """Turn `postgresql://user:password@host:port/name` or nothing into Django's database settings."""
    if not address:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": HOME / "portal.sqlite3",
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
            },
        }
    parts = urlsplit(address)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
    }


SECRET_KEY = os.environ.get("KIFABRIK_SECRET_KEY") or _read_secret(HOME / "secret-key")
ALLOWED_HOSTS = os.environ.get("KIFABRIK_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
DATABASES = {"default": _read_database(os.environ.get("KIFABRIK_DATABASE_URL", ""))}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "kifabrik.portal.people",
    "kifabrik.portal.calls",
    "kifabrik.portal.compute",
    "kifabrik.portal.catalogue",
    "kifabrik.portal.exchange",
    "kifabrik.portal.web",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "kifabrik.portal.web.urls"
AUTH_USER_MODEL = "people.User"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
USE_I18N = True
USE_TZ = True
TIME_ZONE = os.environ.get("KIFABRIK_TIME_ZONE", "Europe/Brussels")
STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
STORE = HOME / "store"
RELEASES = HOME / "releases"
KEYS = HOME / "keys"
