import logging

from bookings.version import VERSION
from django.http import JsonResponse

log = logging.getLogger(__name__)


def healthz(request):
    log.error("healthz: broken on purpose: this version never gets healthy")
    answer = {"status": "failing", "version": VERSION, "reason": "broken on purpose"}
    return JsonResponse(answer, status=503)
