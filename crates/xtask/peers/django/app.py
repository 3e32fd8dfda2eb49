"""djangorestframework-api-key as its guide sets it up: `python app.py` makes a key, gunicorn serves.

Both routes run the same code for the same body. Keys are the only authentication, connections to the database
stay open.
"""

import functools
import os

import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["BENCH_DATABASE"],
            "CONN_MAX_AGE": None,
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["rest_framework", "rest_framework_api_key"],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "UNAUTHENTICATED_USER": None,
    },
    ROOT_URLCONF=__name__,
    SECRET_KEY="of a measurement",
    USE_TZ=True,
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402
from rest_framework_api_key.models import APIKey  # noqa: E402
from rest_framework_api_key.permissions import HasAPIKey  # noqa: E402


@functools.cache
def record():
    return APIKey.objects.get()


class Public(APIView):
    def get(self, request):
        key = record()
        return Response({"name": key.name, "prefix": key.prefix, "scopes": []})


class Protected(Public):
    permission_classes = [HasAPIKey]


urlpatterns = [path("public", Public.as_view()), path("protected", Protected.as_view())]
application = get_wsgi_application()

if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    print(APIKey.objects.create_key(name="measured")[1])
