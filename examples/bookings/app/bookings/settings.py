"""Settings of the bookings application. What differs between environments comes from environment variables.

A secret comes from the file that `<NAME>_FILE` names, or from `<NAME>` itself.
"""

import os
from pathlib import Path
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

from .logs import LOGGING  # noqa: F401
from .version import VERSION

BASE_DIR = Path(__file__).resolve().parent.parent


def secret(name):
    """The secret `name` as text. Raises ImproperlyConfigured when it is nowhere."""
    file = os.environ.get(f"{name}_FILE")
    if file:
        try:
            return Path(file).read_text().strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE: {error}") from error
    if name in os.environ:
        return os.environ[name]
    raise ImproperlyConfigured(f"Set {name}_FILE (a file) or {name}.")


SECRET_KEY = secret("DJANGO_SECRET_KEY")
DEBUG = os.environ.get("DJANGO_DEBUG") == "1"
# The proxy passes on only the host names of this application, and health checks ask by address.
ALLOWED_HOSTS = os.environ.get("DJANGO_ALLOWED_HOSTS", "*").split(",")
CSRF_TRUSTED_ORIGINS = os.environ.get("DJANGO_TRUSTED_ORIGINS", "").split()

INSTALLED_APPS = ["django.contrib.staticfiles", "places"]
MIDDLEWARE = [
    "places.middleware.version_header",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "bookings.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request", "places.views.version"]},
    }
]
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
WSGI_APPLICATION = "bookings.wsgi.application"

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ.get("POSTGRES_HOST", "db"),
        "PORT": os.environ.get("POSTGRES_PORT", "5432"),
        "NAME": os.environ.get("POSTGRES_DB", "bookings"),
        "USER": os.environ.get("POSTGRES_USER", "bookings"),
        "PASSWORD": secret("POSTGRES_PASSWORD"),
        # Each thread keeps its connection, and looks first whether the server has closed it.
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 3, "application_name": f"bookings {VERSION}"},
    }
}

# Two Redis databases: REDIS_DATABASE holds the cache, the next one Celery's queue.
REDIS_HOST = os.environ.get("REDIS_HOST", "redis")
REDIS_PORT = os.environ.get("REDIS_PORT", "6379")
REDIS_USER = os.environ.get("REDIS_USER", "default")
REDIS_PASSWORD = secret("REDIS_PASSWORD")
REDIS_DATABASE = int(os.environ.get("REDIS_DATABASE", "0"))

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": f"redis://{REDIS_HOST}:{REDIS_PORT}/{REDIS_DATABASE}",
        # Two versions may run side by side: neither reads what the other one stored.
        "KEY_PREFIX": f"bookings-{VERSION}",
        "OPTIONS": {
            "username": REDIS_USER,
            "password": REDIS_PASSWORD,
            "socket_connect_timeout": 3,
            "socket_timeout": 3,
            "health_check_interval": 30,
        },
    }
}

STATIC_URL = "/static/"
STATIC_ROOT = os.environ.get("STATIC_ROOT", "/srv/static")
STORAGES = {"staticfiles": {"BACKEND": "places.staticfiles.StaticFiles"}}

CELERY_BROKER_URL = (
    f"redis://{quote(REDIS_USER, safe='')}:{quote(REDIS_PASSWORD, safe='')}"
    f"@{REDIS_HOST}:{REDIS_PORT}/{REDIS_DATABASE + 1}"
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_TIMEOUT = 3
CELERY_WORKER_CONCURRENCY = int(os.environ.get("CELERY_CONCURRENCY", "1"))
CELERY_TASK_IGNORE_RESULT = True

# No task is lost and none runs twice when workers change over:
# - A task is acknowledged after it ran. A worker that dies gives its task back.
# - SIGTERM is a warm shutdown: the worker takes nothing new, finishes what runs, acknowledges it, and
#   puts back what it had reserved. A task may last 60 s, the container's stop_grace_period is longer.
# - One task is reserved per process. None waits in a worker while another worker is free.
# - Redis hands out a task again when it was not acknowledged for visibility_timeout seconds. That is
#   longer than a reserved task and a running one take together, so a slow task is never taken for a lost one.
# - Should a task run twice all the same (power cut), the confirmation does nothing the second time.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 60
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 300, "socket_connect_timeout": 3}
# A booking is stored before its task is sent. Should Redis be away, beat's sweep confirms it later.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.1}

BEAT_SECONDS = float(os.environ.get("BEAT_SECONDS", "10"))
CELERY_BEAT_SCHEDULE = {"sweep": {"task": "places.tasks.sweep", "schedule": BEAT_SECONDS}}
# The one periodic task may run at any time, so the scheduler needs no file to remember its last run.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
