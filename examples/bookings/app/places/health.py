import logging

from django.core.cache import cache
from django.db import connection
from django.http import JsonResponse

from bookings.version import VERSION

log = logging.getLogger(__name__)


def ask_database():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def ask_redis():
    cache.get("healthz")


def healthz(request):
    """200 when the database and Redis answer, else 503 and which one does not."""
    answer = {}
    for part, ask in (("database", ask_database), ("redis", ask_redis)):
        try:
            ask()
            answer[part] = "ok"
        except Exception as error:  # any error of a driver: the part does not answer
            log.error("healthz: %s does not answer: %s", part, error)
            answer[part] = f"failing: {type(error).__name__}"
    healthy = set(answer.values()) == {"ok"}
    answer = {"status": "ok" if healthy else "failing", "version": VERSION, **answer}
    return JsonResponse(answer, status=200 if healthy else 503)
