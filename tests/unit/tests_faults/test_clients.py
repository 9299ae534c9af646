"""An attack on one stack does not slow another one, and is what it says."""

from __future__ import annotations

import argparse
import asyncio
import json
import threading
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import attacks
import clients
import pytest


@pytest.mark.parametrize(
    ("sent", "failed", "alone", "under", "well"),
    [
        (900, 0, 6.0, 11.9, True),
        (900, 0, 2.0, 6.9, True),
        (900, 0, 6.0, 12.1, False),
        (900, 1, 6.0, 6.0, False),
        (0, 0, 0.0, 0.0, False),
    ],
)
def test_another_stack_is_served_as_without_the_attack(
    sent: int, failed: int, alone: float, under: float, well: bool
) -> None:
    assert clients.held(sent, failed, alone, under) is well


def test_what_came_most_often_is_first() -> None:
    assert clients.shown({"closed": 2, "429": 40}) == "40 429, 2 closed"


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    got: t.ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.got.append(f"{self.path} {self.headers.get('Authorization')}")
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: t.Any) -> None:
        """Print nothing."""


def run(kind: str) -> dict[str, int]:
    """Attack a server for a moment; return what came of it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        options = argparse.Namespace(
            kind=kind, address="127.0.0.1", port=server.server_port, host="a.org", seconds=0.4, connections=3
        )
        return json.loads(json.dumps(asyncio.run(attacks.Attack(options).run())))
    finally:
        server.shutdown()
        server.server_close()


def test_passwords_are_guessed_again_and_again() -> None:
    counts = run("wrong-passwords")
    assert list(counts) == ["401"]
    assert counts["401"] >= 8
    assert "/ Basic YW5uYTp3cm9uZw==" in Answer.got


def test_connections_are_held() -> None:
    assert run("idle") == {"401": 3}
    assert run("slow-headers") == {"held": 3}
