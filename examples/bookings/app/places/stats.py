"""Counts that show whether anything was lost, doubled or overbooked."""

from itertools import pairwise

from django.conf import settings
from django.db.models import Count, F, Sum

from .models import BeatTick, Booking, Event, TaskRun


def ticks_doubled(ticks, period):
    """How many ticks came from another beat process less than `period` seconds after the tick before.

    `ticks`: (origin, datetime sent) in order of time. A beat waits one period before its first tick, so
    after a proper changeover the gap is never shorter. One second is left for a clock that jitters.
    """
    return sum(
        origin != before and (sent - sent_before).total_seconds() < period - 1
        for (before, sent_before), (origin, sent) in pairwise(ticks)
    )


def counts():
    """All counts as a dictionary; those of `nothing may be here` are last."""
    ticks = list(BeatTick.objects.order_by("sent_at").values_list("origin", "sent_at"))
    return {
        "bookings": Booking.objects.count(),
        "confirmed": Booking.objects.exclude(confirmed_at=None).count(),
        "checked_in": Booking.objects.exclude(checked_in_at=None).count(),
        "tasks_run": TaskRun.objects.count(),
        "beat_ticks": len(ticks),
        "doubled_keys": Booking.objects.filter(requests__gt=1).count(),
        "overbooked_events": Event.objects.annotate(taken=Event.SEATS_TAKEN).filter(taken__gt=F("capacity")).count(),
        "tasks_run_twice": TaskRun.objects.values("task_id").annotate(runs=Count("id")).filter(runs__gt=1).count(),
        "tasks_rescued": BeatTick.objects.aggregate(sum=Sum("rescued"))["sum"] or 0,
        "beat_ticks_doubled": ticks_doubled(ticks, settings.BEAT_SECONDS),
    }
