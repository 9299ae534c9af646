import json
from unittest.mock import patch

from django.db import connection
from django.test import TestCase

from places import stats
from places.models import Booking, Event


class Seats(TestCase):
    def setUp(self):
        self.hut = Event.objects.create(slug="hut", name="Hut", capacity=5)

    def ask(self, key, **more):
        body = {"event": "hut", "name": "Ada", "key": key, **more}
        with patch("places.booking.confirm.delay"):
            return self.client.post("/api/bookings/", json.dumps(body), content_type="application/json")

    def test_seats_count_against_the_capacity(self):
        assert self.ask("three-seats", seats=3).json()["seats"] == 3
        assert self.ask("three-more", seats=3).status_code == 409
        assert self.ask("no-seats-named").json()["seats"] == 1
        assert Event.objects.get(slug="hut").booked == 4
        assert stats.counts()["overbooked_events"] == 0

    def test_version_1_still_books(self):
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO places_booking (key, event_id, name, requests, booked_at)"
                " VALUES ('from-version-1', %s, 'Ada', 1, now())",
                [self.hut.pk],
            )
        assert Booking.objects.get().seats == 1
