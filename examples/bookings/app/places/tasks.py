"""What the Celery worker does."""

import logging
from datetime import UTC, datetime, timedelta

from celery import shared_task
from django.utils.timezone import now

from .models import BeatTick, Booking, TaskRun

log = logging.getLogger(__name__)

# A booking this old without a confirmation has lost its task.
LATE = timedelta(seconds=60)


@shared_task(bind=True)
def confirm(self, key):
    """Confirms a booking. A second run changes nothing, but it is seen in TaskRun."""
    TaskRun.objects.create(task_id=self.request.id, key=key, worker=self.request.hostname)
    Booking.objects.filter(key=key, confirmed_at=None).update(confirmed_at=now())


@shared_task(bind=True)
def sweep(self):
    """Beat's tick: confirms the bookings whose task was never sent, and writes down that it ran."""
    rescued = Booking.objects.filter(confirmed_at=None, booked_at__lt=now() - LATE).update(confirmed_at=now())
    if rescued:
        log.warning("Confirmed %d booking(s) whose task never came", rescued)
    sent_at = datetime.fromtimestamp(self.request.sent_at, UTC)
    BeatTick.objects.create(origin=self.request.origin, sent_at=sent_at, rescued=rescued)
