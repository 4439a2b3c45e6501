"""Settings of the portal. What a site may change is an environment name KIFABRIK_*, read here; see docs/settings.md."""

import os
import secrets
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from kifabrik.core.files import write_text

HOME = Path(os.environ.get("KIFABRIK_HOME", "var")).resolve()
DEBUG = os.environ.get("KIFABRIK_DEBUG", "") == "1"
HTTPS = os.environ.get("KIFABRIK_HTTPS", "") == "1"
COLLECTED_STATIC = os.environ.get("KIFABRIK_COLLECTED_STATIC", "") == "1"
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
            # Tests run on a file too: a database in memory locks tables in another way, and threads could not be tried.
            "TEST": {"NAME": HOME / "test-portal.sqlite3"},
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
    "ninja",
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
    "csp.middleware.CSPMiddleware",
    "kifabrik.portal.web.middleware.PermissionsPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "kifabrik.portal.web.middleware.PersonMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "kifabrik.portal.web.middleware.HouseErrorMiddleware",
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
                "kifabrik.portal.web.navigation.navigation",
            ]
        },
    }
]
ROOT_URLCONF = "kifabrik.portal.web.urls"
AUTH_USER_MODEL = "people.User"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
FORMAT_MODULE_PATH = ["kifabrik.portal.web.formats"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = os.environ.get("KIFABRIK_TIME_ZONE", "Europe/Brussels")
STATIC_URL = "/static/"
# By default whitenoise reads the files where they are installed; a busy site collects them once, with hashed names.
STATIC_ROOT = HOME / "static" if COLLECTED_STATIC else None
WHITENOISE_USE_FINDERS = not COLLECTED_STATIC
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if COLLECTED_STATIC
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# What a browser may do with our pages: nothing from elsewhere, no inline script or style, no frame around us.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],  # Pico draws its check marks as data images
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_NAME = "kifabrik_session"
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "kifabrik_csrf"
CSRF_COOKIE_HTTPONLY = True  # scripts read the token from the page's head
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "kifabrik.portal.web.views.refuse_forged_form"
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("KIFABRIK_TRUSTED_ORIGINS", "").split(",") if origin]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("KIFABRIK_LOG_LEVEL", "INFO")},
    "loggers": {
        "django": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "httpx": {"level": "WARNING"},  # one line for each request says nothing
    },
}
STORE = HOME / "store"
FILE_BYTES_MAX = int(os.environ.get("KIFABRIK_FILE_BYTES_MAX", str(20 * 10**9)))
RELEASES = HOME / "releases"
KEYS = HOME / "keys"
