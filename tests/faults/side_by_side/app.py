"""A web server that answers 200 only while its own database and its own Redis answer.

OWNER is the name of its database and of its login. Redis keeps that name too: the answer of another environment's
or stack's Redis is an error, as is the login at another database.
"""

from __future__ import annotations

import os
import pathlib
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2
import redis

OWNER, VERSION = os.environ["OWNER"], os.environ["APP_VERSION"]
local = threading.local()


def secret(name: str) -> str | None:
    """The content of a secret's file; None where the service has none."""
    path = os.environ.get(name)
    return pathlib.Path(path).read_text().strip() if path else None


def database() -> psycopg2.extensions.connection:
    """The connection of this thread."""
    if getattr(local, "database", None) is None or local.database.closed:
        host, password = os.environ["DB_HOST"], secret("DB_PASSWORD_FILE")
        local.database = psycopg2.connect(host=host, user=OWNER, dbname=OWNER, password=password)
        local.database.autocommit = True
    return local.database


def cache() -> redis.Redis:
    return redis.Redis(
        host=os.environ["REDIS_HOST"],
        username=os.environ.get("REDIS_USER"),
        password=secret("REDIS_PASSWORD_FILE"),
        db=int(os.environ.get("REDIS_DATABASE", "0")),
    )


def owners() -> set[str]:
    """The owners that the database and Redis name."""
    with database().cursor() as cursor:
        cursor.execute("SELECT current_database()")
        names = {cursor.fetchone()[0]}
    queue = cache()
    queue.set("owner", OWNER, nx=True)
    return names | {queue.get("owner").decode()}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body of an answer are two packets, of which the second would wait for the client's acknowledgement.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        try:
            found = owners()
        except (psycopg2.Error, redis.RedisError) as error:
            local.database = None
            found = {str(error)}
        self.send_response(200 if found == {OWNER} else 500)
        body = f"{OWNER} {VERSION} {' '.join(sorted(found))}\n".encode()
        self.send_header("X-App-Version", VERSION)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.do_GET()

    def log_message(self, *args: object) -> None:
        """Write no line for each request."""


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *args: sys.exit(0))
    ThreadingHTTPServer.request_queue_size = 128
    ThreadingHTTPServer(("", 8000), Handler).serve_forever()
