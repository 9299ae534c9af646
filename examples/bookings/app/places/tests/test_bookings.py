"""Needs PostgreSQL and Redis, and a database user that may create the test database."""

import json
from datetime import UTC, datetime, timedelta
from threading import Thread
from unittest.mock import patch

from django.db import connection
from django.test import Client, TestCase, TransactionTestCase
from django.utils.timezone import now

from bookings.version import VERSION
from places import health, stats, tasks
from places.models import Booking, Event, TaskRun


def ask(key, event="hut"):
    body = {"event": event, "name": "Ada", "key": key}
    with patch("places.booking.confirm.delay"):
        return Client().post("/api/bookings/", json.dumps(body), content_type="application/json")


class Crowd(TransactionTestCase):
    def test_many_at_once_never_overbook(self):
        Event.objects.create(slug="hut", name="Hut", capacity=5)
        answers = []

        def visitor(number):
            answers.append(ask(f"visitor-{number}").status_code)
            connection.close()

        visitors = [Thread(target=visitor, args=[number]) for number in range(15)]
        for thread in visitors:
            thread.start()
        for thread in visitors:
            thread.join()
        assert sorted(answers) == [201] * 5 + [409] * 10
        assert (Booking.objects.count(), Event.objects.get(slug="hut").booked) == (5, 5)

    def test_a_booking_is_valid_when_the_queue_is_unreachable(self):
        Event.objects.create(slug="hut", name="Hut", capacity=5)
        with patch("places.booking.confirm.delay", side_effect=OSError), self.assertLogs("django.db"):
            answer = Client().post(
                "/api/bookings/",
                json.dumps({"event": "hut", "name": "Ada", "key": "no-queue"}),
                content_type="application/json",
            )
        assert answer.status_code == 201
        Booking.objects.update(booked_at=now() - tasks.LATE)
        tasks.sweep.push_request(origin="beat", sent_at=0)
        tasks.sweep.run()
        tasks.sweep.pop_request()
        assert stats.counts()["tasks_rescued"] == 1
        assert Booking.objects.get().state == "confirmed"


class Bookings(TestCase):
    def setUp(self):
        Event.objects.create(slug="hut", name="Hut", capacity=5)

    def test_the_same_key_books_once_and_is_seen(self):
        assert [ask("one-key-1").status_code, ask("one-key-1").status_code] == [201, 200]
        assert Event.objects.get(slug="hut").booked == 1
        assert stats.counts()["doubled_keys"] == 1

    def test_the_key_of_another_booking_is_refused(self):
        ask("one-key-1")
        assert ask("one-key-1", event="city-run").status_code == 409

    def test_bad_requests(self):
        assert ask("short").status_code == 400
        assert ask("long-enough", event="moon").status_code == 404
        assert self.client.post("/api/bookings/", "no json", content_type="text/plain").status_code == 400
        assert self.client.get("/slow/?seconds=x").status_code == 400

    def test_overbooking_would_be_seen(self):
        ask("one-key-1")
        Event.objects.filter(slug="hut").update(capacity=0)
        assert stats.counts()["overbooked_events"] == 1

    def test_a_task_that_runs_twice_confirms_once_and_is_seen(self):
        ask("one-key-1")
        tasks.confirm.apply(["one-key-1"], task_id="first")
        confirmed_at = Booking.objects.get().confirmed_at
        assert confirmed_at is not None
        tasks.confirm.apply(["one-key-1"], task_id="second")
        assert stats.counts()["tasks_run_twice"] == 0
        tasks.confirm.apply(["one-key-1"], task_id="second")
        assert Booking.objects.get().confirmed_at == confirmed_at
        assert (stats.counts()["tasks_run_twice"], TaskRun.objects.count()) == (1, 3)

    def test_pages(self):
        form = {"event": "hut", "name": "Ada", "seats": 1, "key": "from-the-page"}
        with patch("places.booking.confirm.delay"):
            answer = self.client.post("/book/", form, follow=True)
        self.assertContains(answer, "waiting")
        assert self.client.post("/bookings/from-the-page/check-in/").status_code == 409
        tasks.confirm.apply(["from-the-page"])
        self.assertContains(self.client.post("/bookings/from-the-page/check-in/", follow=True), "checked in")
        answer = self.client.get("/")
        self.assertContains(answer, f"version {VERSION}")
        assert answer["X-App-Version"] == VERSION

    def test_health_names_the_part_that_fails(self):
        assert self.client.get("/healthz/").status_code == 200
        with patch.object(health, "ask_redis", side_effect=OSError), self.assertLogs("places.health"):
            answer = self.client.get("/healthz/")
        assert answer.status_code == 503
        assert (answer.json()["database"], answer.json()["redis"]) == ("ok", "failing: OSError")

    def test_two_beats_at_once_are_seen(self):
        start = datetime(2026, 1, 1, tzinfo=UTC)

        def ticks(*pairs):
            return [(origin, start + timedelta(seconds=seconds)) for origin, seconds in pairs]

        changeover = ticks(("old", 0), ("old", 10), ("new", 20.5), ("new", 30.5))
        assert stats.ticks_doubled(changeover, 10) == 0
        both = ticks(("old", 0), ("new", 6), ("old", 10), ("new", 16))
        assert stats.ticks_doubled(both, 10) == 3
