"""Django settings. What differs between sites comes from the environment, all of it optional:

HUB_DATA       folder of the database, the attachments, the secret key and temporary files
DATABASE_URL   PostgreSQL instead of SQLite, e.g. postgres://user@host/name
HUB_HOSTS      names under which the hub is reached, comma-separated; loopback names always work
HUB_ORIGINS    origins trusted for the staff site behind a proxy, e.g. https://hub.example.cn
HUB_GATEWAY    1 when a gateway on this machine ends TLS: the client certificate is then taken from
               its header X-Client-Certificate (PEM, percent-encoded), and from loopback only
HUB_SUITE      2 to have the terminals seal with the national suite where they can (default 1)
HUB_RATE       requests a second that one terminal may make for long (default 100)
HUB_CARD_AUTHORITY  who holds the keys of the region's social cards, as module:Class of its key
               system (hub/cards/authority.py); `reference` for rehearsal, with a made-up key; empty:
               resetting a card's password is not offered
HUB_S3_BUCKET  attachments go to this bucket of an S3-compatible store instead of the folder;
               HUB_S3_ENDPOINT and HUB_S3_PREFIX besides, credentials as the AWS tools read them
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import dj_database_url

from hub import limits
from hub.secret import secret_key

PROJECT = Path(__file__).resolve().parent

# Only this account of this machine may read what citizens handed in.
PRIVATE_FOLDER_MODE = 0o700
PRIVATE_FILE_MODE = 0o600

HUB_DATA = Path(os.environ.get("HUB_DATA") or PROJECT.parent / "var" / "hub").resolve()
HUB_DATA.mkdir(mode=PRIVATE_FOLDER_MODE, parents=True, exist_ok=True)
ATTACHMENTS = HUB_DATA / "attachments"
INCOMING = HUB_DATA / "incoming"  # attachments that are not whole yet
KEYS = HUB_DATA / "keys"
SEAL_SUITE_FIRST = 2 if os.environ.get("HUB_SUITE") == "2" else 1
RATE_A_SECOND = float(os.environ.get("HUB_RATE") or 100)
# For the processes that `serve` starts: a descriptor of memory in which they count together.
RATES_SHARED_NAME = "HUB_RATES_SHARED"
RATES_SHARED = int(os.environ[RATES_SHARED_NAME]) if RATES_SHARED_NAME in os.environ else None
CARD_AUTHORITY = os.environ.get("HUB_CARD_AUTHORITY", "")
S3_BUCKET = os.environ.get("HUB_S3_BUCKET", "")
S3_ENDPOINT = os.environ.get("HUB_S3_ENDPOINT", "")
S3_PREFIX = os.environ.get("HUB_S3_PREFIX", "attachments/")
TIDY_EVERY_S = 3600.0
GATEWAY = os.environ.get("HUB_GATEWAY") == "1"


def _listed(name: str) -> list[str]:
    return [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]


def _certified_names() -> list[str]:
    """What the server's certificate names besides this machine, as `hub init --name` left it."""
    try:
        return (KEYS / "names").read_text(encoding="ascii").split()
    except FileNotFoundError:
        return []


SECRET_KEY = secret_key(HUB_DATA / "secret_key")
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", *_listed("HUB_HOSTS"), *_certified_names()]
CSRF_TRUSTED_ORIGINS = _listed("HUB_ORIGINS")

INSTALLED_APPS = [
    "hub.staff.apps.StaffConfig",  # before the admin: its templates win
    "hub.staff.apps.StaffSiteConfig",
    "hub.guard",
    "hub.terminals",
    "hub.applications",
    "hub.pickups",
    "hub.cards",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "hub.middleware.AccessLog",
    "hub.middleware.ApiDoor",
    "django.middleware.security.SecurityMiddleware",
    "hub.middleware.ContentPolicy",
    "hub.middleware.Sessions",
    "django.middleware.common.CommonMiddleware",
    "hub.middleware.Forms",
    "hub.middleware.Users",
    "hub.middleware.Messages",
    "hub.middleware.Frames",
    "hub.staff.middleware.NewPasswordFirst",
]

ROOT_URLCONF = "hub.urls"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# A writer waits this long for another one before the terminal is told to come again.
SQLITE_BUSY_S = 20
DATABASE_KEEP_S = 600
PREPARED_AFTER = 5  # times that a connection has seen a statement


def _database() -> dict[str, Any]:
    url = os.environ.get("DATABASE_URL")
    if url:
        database = dict(dj_database_url.parse(url, conn_max_age=DATABASE_KEEP_S))
        if database["ENGINE"] == "django.db.backends.postgresql":
            database["OPTIONS"] = {
                # The server logs a failed statement; its values then travel apart and stay out.
                "server_side_binding": True,
                # Those that come again and again are planned once: a third of a batch's statements'
                # time. A pooler that mixes sessions' transactions would have to know of them.
                "prepare_threshold": PREPARED_AFTER,
                **database.get("OPTIONS", {}),
            }
        return database
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": HUB_DATA / "hub.sqlite3",
        "CONN_MAX_AGE": DATABASE_KEEP_S,
        "OPTIONS": {
            "timeout": SQLITE_BUSY_S,
            # A transaction that reads first and writes later could not wait for its turn.
            "transaction_mode": "IMMEDIATE",
            # An acknowledged item survives a power cut of the hub: FULL, not NORMAL.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
    }


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "staff.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "admin:login"

LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"  # as shown to staff; kept and sent in UTC
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"

SESSION_COOKIE_AGE = 8 * 3600  # one working day
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_SAMESITE = "Strict"
# The server speaks TLS, or a gateway before it does.
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
if GATEWAY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# The doors have narrower limits of their own (hub/limits.py); nothing is larger than a batch.
DATA_UPLOAD_MAX_MEMORY_SIZE = limits.BATCH_BYTES

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"()": "hub.logs.NoValues"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "plain"},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        # One handler, ours: Django's own would mail or print values from the request.
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        # "Not Found: /…" and the like are in the access log already, without the address.
        "django.request": {"handlers": [], "level": "ERROR", "propagate": True},
        # Its messages quote what the sender wrote.
        "django.security": {"handlers": ["nowhere"], "propagate": False},
        "django.server": {"handlers": [], "propagate": True},
    },
}
