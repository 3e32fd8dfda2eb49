"""A Django site with djangorestframework-api-key, which does what it is told.

Started with the URL of a database. Each line of standard input is one command, each line of standard
output its answer, both JSON.
"""

import json
import sys
from datetime import datetime
from urllib.parse import parse_qs, unquote, urlsplit

import django
import pymysql
from django.conf import settings

HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "django.contrib.auth.hashers.BCryptPasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]


def database(url):
    """Returns the settings for the database of a URL."""
    if url.startswith("sqlite://"):
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": url.removeprefix("sqlite://")}
    parts = urlsplit(url)
    found = {
        "NAME": parts.path.lstrip("/"),
        "HOST": parts.hostname,
        "PORT": parts.port or "",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
    }
    if parts.scheme == "mysql":
        pymysql.install_as_MySQLdb()
        return found | {"ENGINE": "django.db.backends.mysql"}
    options = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return found | {"ENGINE": "django.db.backends.postgresql", "OPTIONS": options}


settings.configure(
    DATABASES={"default": database(sys.argv[1])},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "rest_framework",
        "rest_framework_api_key",
        "tenants",
    ],
    PASSWORD_HASHERS=HASHERS,
    # Not UTC: what is stored has to be all the same.
    TIME_ZONE="Europe/Berlin",
    USE_TZ=True,
)
django.setup()

from django.contrib.auth.hashers import make_password  # noqa: E402
from django.core.exceptions import ValidationError  # noqa: E402
from django.core.management import call_command  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.test import APIRequestFactory  # noqa: E402
from rest_framework.views import APIView  # noqa: E402
from rest_framework_api_key.crypto import concatenate  # noqa: E402
from rest_framework_api_key.models import APIKey  # noqa: E402
from rest_framework_api_key.permissions import HasAPIKey  # noqa: E402
from tenants.models import (  # noqa: E402
    HasOrganizationAPIKey,
    Organization,
    OrganizationAPIKey,
)

MODELS = {"package": (APIKey, HasAPIKey), "organization": (OrganizationAPIKey, HasOrganizationAPIKey)}

# Rows that were loaded by `load` and are saved by `save`.
loaded = {}


def migrate(to=None):
    """Brings the package's table up to a migration, or everything up to date."""
    if to is None:
        call_command("migrate", run_syncdb=True, verbosity=0)
    else:
        call_command("migrate", "rest_framework_api_key", to, verbosity=0)


def organization(name, active=True):
    """Adds an organization and returns its id."""
    return Organization.objects.create(name=name, active=active).pk


def create(model, name, hasher=None, expiry_date=None, organization=None):
    """Creates a key, as version 3 does, or as an earlier one did with a hasher for passwords."""
    model, _ = MODELS[model]
    columns = {"name": name}
    if expiry_date is not None:
        columns["expiry_date"] = datetime.fromisoformat(expiry_date)
    if organization is not None:
        columns["organization_id"] = organization
    if hasher is None:
        row, key = model.objects.create_key(**columns)
        return {"prefix": row.prefix, "key": key}
    generator = model.objects.key_generator
    prefix, secret = generator.get_prefix(), generator.get_secret_key()
    key = concatenate(prefix, secret)
    hashed = make_password(key, hasher=hasher)
    model(id=concatenate(prefix, hashed), prefix=prefix, hashed_key=hashed, **columns).save()
    return {"prefix": prefix, "key": key}


def opens(model, key):
    """Sends a request with a key to a guarded view, and returns the status."""
    _, permission = MODELS[model]

    class View(APIView):
        authentication_classes = []
        permission_classes = [permission]

        def get(self, request):
            return Response("open")

    request = APIRequestFactory().get("/", HTTP_AUTHORIZATION=f"Api-Key {key}")
    return View.as_view()(request).status_code


def row(model, prefix):
    """Returns what a row says to Django."""
    model, _ = MODELS[model]
    key = model.objects.get(prefix=prefix)
    return {
        "id": key.id,
        "hashed_key": key.hashed_key,
        "name": key.name,
        "created": key.created.isoformat(),
        "expiry_date": key.expiry_date and key.expiry_date.isoformat(),
        "revoked": key.revoked,
        "has_expired": key.has_expired,
    }


def newest_first(model):
    """Returns the prefixes in Django's order."""
    model, _ = MODELS[model]
    return [key.prefix for key in model.objects.all()]


def created_at(model, time):
    """Returns the prefixes of the keys that Django finds by their time of creation."""
    model, _ = MODELS[model]
    found = model.objects.filter(created=datetime.fromisoformat(time))
    return [key.prefix for key in found]


def revoke(model, prefix):
    """Revokes a key as the admin site does."""
    model, _ = MODELS[model]
    key = model.objects.get(prefix=prefix)
    key.revoked = True
    key.full_clean()
    key.save()


def load(model, prefix):
    """Loads a row, to be saved later."""
    loaded[prefix] = MODELS[model][0].objects.get(prefix=prefix)


def is_valid(prefix, key):
    """Verifies a key against the row that was loaded."""
    return loaded.pop(prefix).is_valid(key)


def full_clean(model):
    """Validates every row, and returns how many there are, and what is wrong."""
    model, _ = MODELS[model]
    rows, wrong = list(model.objects.all()), []
    for key in rows:
        try:
            key.full_clean()
            key.save()
        except ValidationError as error:
            wrong.append(f"{key.prefix}: {error}")
    return {"rows": len(rows), "wrong": wrong}


COMMANDS = [
    migrate,
    organization,
    create,
    opens,
    row,
    newest_first,
    created_at,
    revoke,
    load,
    is_valid,
    full_clean,
]

for line in sys.stdin:
    command = json.loads(line)
    chosen = {known.__name__: known for known in COMMANDS}[command.pop("do")]
    print(json.dumps(chosen(**command)), flush=True)
