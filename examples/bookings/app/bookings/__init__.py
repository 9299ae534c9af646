"""The bookings application: settings, Celery and the address table."""

from .celery import app as celery

__all__ = ["celery"]
