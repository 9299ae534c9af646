"""The pages."""

from uuid import uuid4

from django.core.cache import cache
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET, require_POST

from bookings.version import VERSION

from . import booking as bookings
from .forms import BookingForm
from .models import Booking, Event

PAGE_SECONDS = 1  # how old the first page may be
LATEST = 8


def version(request):
    """Context processor: every page shows its version."""
    return {"version": VERSION}


def read_page():
    """What the first page shows to every user: the events, and the latest bookings as HTML."""
    latest = Booking.objects.select_related("event").order_by("-id")[:LATEST]
    return {
        "events": list(Event.objects.order_by("capacity")),
        "latest": render_to_string("places/_latest.html", {"bookings": latest}),
    }


@require_GET
def index(request):
    page = cache.get_or_set("page", read_page, PAGE_SECONDS)
    # A key per page view and event: a form that is sent twice books once.
    return render(request, "places/index.html", {**page, "page_key": uuid4().hex})


@require_POST
def book(request):
    form = BookingForm(request.POST)
    if not form.is_valid():
        return render(request, "places/refused.html", {"errors": form.errors}, status=400)
    try:
        made, _ = bookings.book(**form.cleaned_data)
    except bookings.Refused as error:
        return render(request, "places/refused.html", {"message": error}, status=error.status)
    return redirect("booking", key=made.key)


@require_GET
def booking(request, key):
    found = get_object_or_404(Booking.objects.select_related("event"), key=key)
    return render(request, "places/booking.html", {"booking": found})


@require_POST
def check_in(request, key):
    found = get_object_or_404(Booking, key=key)
    if not bookings.check_in(found):
        return render(request, "places/refused.html", {"message": "This booking is not confirmed yet."}, status=409)
    return redirect("booking", key=key)
