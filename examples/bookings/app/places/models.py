from django.db import models


class Event(models.Model):
    """A place with a limited number of seats. `booked` changes only with the event's row locked."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=80)
    capacity = models.PositiveIntegerField()
    booked = models.PositiveIntegerField(default=0)

    # What the bookings of an event add up to; must never be more than its capacity.
    SEATS_TAKEN = models.Count("booking")

    @property
    def free(self):
        return max(0, self.capacity - self.booked)


class Booking(models.Model):
    """One booking. The client chose `key`; `requests` counts how often it asked for it."""

    key = models.CharField(max_length=64, unique=True)
    event = models.ForeignKey(Event, on_delete=models.PROTECT)
    name = models.CharField(max_length=80)
    requests = models.PositiveIntegerField(default=1)
    booked_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True)
    checked_in_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["booked_at"], condition=models.Q(confirmed_at=None), name="booking_unconfirmed")
        ]

    @property
    def state(self):
        return "checked in" if self.checked_in_at else "confirmed" if self.confirmed_at else "waiting"

    def as_dict(self):
        return {
            "key": self.key,
            "event": self.event.slug,
            "name": self.name,
            "state": self.state,
            "requests": self.requests,
        }


class TaskRun(models.Model):
    """One start of a task. Two rows with the same `task_id`: the task ran twice."""

    task_id = models.CharField(max_length=64, db_index=True)
    key = models.CharField(max_length=64)
    worker = models.CharField(max_length=100)
    started_at = models.DateTimeField(auto_now_add=True)


class BeatTick(models.Model):
    """One run of beat's periodic task: which beat process sent it, and when."""

    origin = models.CharField(max_length=100)
    sent_at = models.DateTimeField()
    rescued = models.PositiveIntegerField(help_text="bookings whose own task never came")
