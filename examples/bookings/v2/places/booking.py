"""Making a booking, and checking it in."""

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from .models import Booking, Event
from .tasks import confirm


class Refused(Exception):
    """A booking that cannot be made: `str()` says why, `status` is the HTTP status."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def book(*, event, name, seats, key):
    """Books seats and returns (booking, made). Asked again with the same key it makes no second booking.

    Raises Refused: 404 for an unknown event, 409 when it has too few free seats or the key belongs to another booking.
    """
    try:
        with transaction.atomic():
            # The lock puts the bookings of one event in a row: the count cannot change under our feet.
            place = Event.objects.select_for_update().filter(slug=event).first()
            if place is None:
                raise Refused(404, f"There is no event '{event}'.")
            known = Booking.objects.select_related("event").filter(key=key).first()
            if known:
                if (known.event_id, known.name, known.seats) != (place.pk, name, seats):
                    raise Refused(409, "This key belongs to another booking.")
                Booking.objects.filter(pk=known.pk).update(requests=F("requests") + 1)
                known.requests += 1
                return known, False
            if place.free < seats:
                raise Refused(409, f"{place.name} has {place.free} free seat(s).")
            booking = Booking.objects.create(event=place, name=name, seats=seats, key=key)
            Event.objects.filter(pk=place.pk).update(booked=F("booked") + seats)
            # The booking is valid once it is committed, even if the queue is unreachable: hence robust.
            transaction.on_commit(lambda: confirm.delay(key), robust=True)
            return booking, True
    except IntegrityError as error:
        raise Refused(409, "This key belongs to another booking.") from error


def check_in(booking):
    """Checks a confirmed booking in. Says whether it is checked in now."""
    Booking.objects.filter(pk=booking.pk, checked_in_at=None).exclude(confirmed_at=None).update(
        checked_in_at=timezone.now()
    )
    booking.refresh_from_db()
    return booking.checked_in_at is not None
