"""Django's settings: what it needs to keep the journal, and what the admin needs beside it.

Trading takes the journal's tables alone; ``web=True`` adds users, sessions and the admin. Databases are named when
they are opened (``journal/connecting.py``), so nothing here knows an address or a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mastertrading.domain.errors import InvariantBroken

JOURNAL = "mastertrading.journal.apps.JournalConfig"
WEB = (
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
)
MIDDLEWARE = (
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)


def configure(
    *,
    web: bool = False,
    databases: Mapping[str, Mapping[str, Any]] | None = None,
    secret_key: str = "",
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost"),
    urls: str = "mastertrading.journal.urls",
) -> None:
    """Set Django up, once a process; later calls change nothing.

    Parameters
    ----------
    web
        With users, sessions and the admin. Has to be said by the first call of a process.
    databases
        For the admin: ``default`` is the journal that it shows.
    secret_key
        Signs the admin's sessions; there is no default, and the web needs one.
    hosts
        Names that the web answers to; never a wildcard.

    Raises
    ------
    InvariantBroken
        If the web is asked for without a secret, or after Django was set up without it.
    """
    import django
    from django.conf import settings

    if settings.configured:
        if web and "django.contrib.admin" not in settings.INSTALLED_APPS:
            raise InvariantBroken(
                "Django was set up without the admin, and cannot be set up twice in a process"
            )
        return
    if web and (not secret_key or "*" in hosts):
        raise InvariantBroken(
            "the web needs a secret key of its own and named hosts", where="settings/orm.py"
        )
    settings.configure(**_values(web, databases or {}, secret_key, hosts, urls))
    django.setup(set_prefix=False)


def _values(
    web: bool,
    databases: Mapping[str, Mapping[str, Any]],
    secret_key: str,
    hosts: tuple[str, ...],
    urls: str,
) -> dict[str, Any]:
    values: dict[str, Any] = {
        "INSTALLED_APPS": [*(WEB if web else ()), JOURNAL],
        "DATABASES": {name: dict(database) for name, database in databases.items()},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "USE_TZ": True,
        "TIME_ZONE": "UTC",
        "USE_I18N": False,
        "DEBUG": False,
        "LOGGING_CONFIG": None,
    }
    if web:
        values |= {
            "SECRET_KEY": secret_key,
            "ALLOWED_HOSTS": list(hosts),
            "ROOT_URLCONF": urls,
            "MIDDLEWARE": list(MIDDLEWARE),
            "STATIC_URL": "static/",
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SAMESITE": "Strict",
            "CSRF_COOKIE_SAMESITE": "Strict",
            "X_FRAME_OPTIONS": "DENY",
            "TEMPLATES": [_templates()],
        }
    return values


def _templates() -> dict[str, Any]:
    return {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
