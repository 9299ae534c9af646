"""JSON for other programs, the load client among them."""

import json
import time

from django.http import JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from bookings.version import VERSION

from .booking import Refused, book
from .forms import BookingForm
from .models import Booking
from .stats import counts

SLOWEST_REPORT = 10.0  # seconds


@csrf_exempt
@require_POST
def bookings(request):
    """Books: 201 for a new booking, 200 for one that this key has made before."""
    try:
        form = BookingForm(json.loads(request.body))
    except (ValueError, AttributeError):
        return JsonResponse({"error": "The body is not a JSON object."}, status=400)
    if not form.is_valid():
        return JsonResponse({"error": form.errors}, status=400)
    try:
        booking, made = book(**form.cleaned_data)
    except Refused as error:
        return JsonResponse({"error": str(error)}, status=error.status)
    return JsonResponse(booking.as_dict(), status=201 if made else 200)


@require_GET
def booking(request, key):
    return JsonResponse(get_object_or_404(Booking.objects.select_related("event"), key=key).as_dict())


@require_GET
def stats(request):
    return JsonResponse({"version": VERSION, **counts()})


@require_GET
def version(request):
    return JsonResponse({"version": VERSION})


@require_GET
def report(request):
    """A report that takes `seconds` to make (2, at most SLOWEST_REPORT)."""
    try:
        seconds = min(max(float(request.GET.get("seconds", 2)), 0.0), SLOWEST_REPORT)
    except ValueError:
        return JsonResponse({"error": "seconds is not a number."}, status=400)
    time.sleep(seconds)
    return JsonResponse({"version": VERSION, "report": "done", "seconds": seconds})
