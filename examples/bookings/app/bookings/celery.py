"""The Celery application, and the signs of life of its worker and its beat."""

import logging.config
import os
import time
from pathlib import Path

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bookings.settings")

# The health check of a worker or a beat looks at this file's age: far cheaper than a Python process
# every few seconds that asks over the broker.
ALIVE = Path("/tmp/celery-alive")

SWEEP = "places.tasks.sweep"

app = Celery("bookings")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.setup_logging.connect
def use_our_log_lines(**_):
    from .logs import LOGGING

    logging.config.dictConfig(LOGGING)


@signals.heartbeat_sent.connect
def worker_is_alive(**_):
    ALIVE.touch()


@signals.beat_init.connect
def beat_starts(**_):
    ALIVE.touch()


@signals.before_task_publish.connect(sender=SWEEP)
def beat_ticks(headers=None, **_):
    """The tick carries the time at which it was sent: it may wait in the queue before it runs."""
    headers["sent_at"] = time.time()
    ALIVE.touch()
