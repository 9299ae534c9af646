"""A small shop: a web server, a job that prepares the database, a worker and a scheduler.

The scheduler adds a task to Redis every 0.2 s, and the worker makes a row in PostgreSQL of each.
"""

from __future__ import annotations

import configparser
import json
import os
import pathlib
import signal
import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2
import redis

UPLOADS = pathlib.Path("/uploads")


def database() -> psycopg2.extensions.connection:
    password = pathlib.Path("/run/secrets/db_password").read_text().strip()
    user = os.environ["DB_USER"]
    connection = psycopg2.connect(host=os.environ["DB_HOST"], user=user, dbname=user, password=password)
    connection.autocommit = True
    return connection


def number(query: str) -> int:
    connection = database()
    with connection.cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
    connection.close()
    return row[0]


def cache() -> redis.Redis:
    return redis.Redis(host=os.environ["REDIS_HOST"])


class Handler(BaseHTTPRequestHandler):
    """GET returns what the application has; POST /upload/NAME stores a file."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        config = configparser.ConfigParser()
        config.read("/etc/app/app.ini")
        state = {
            "version": os.environ["APP_VERSION"],
            "greeting": config["shop"]["greeting"],
            "prepared": number("SELECT count(*) FROM prepared"),
            "tasks": number("SELECT count(*) FROM tasks"),
            "migrated": number("SELECT count(*) FROM information_schema.columns WHERE column_name = 'migrated'") == 1,
            "uploads": sorted(path.name for path in UPLOADS.iterdir()),
            # Every address that a plain name has, for the same application may run twice.
            "api": sorted({entry[4][0] for entry in socket.getaddrinfo("api", 8000)}),
            "maxmemory": cache().config_get("maxmemory")["maxmemory"],
        }
        self.answer(json.dumps(state).encode())

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        (UPLOADS / pathlib.PurePosixPath(self.path).name).write_bytes(content)
        self.answer(b"{}")

    def answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Write no line for each request."""


def init() -> None:
    with database().cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS prepared (at timestamptz DEFAULT now())")
        cursor.execute("CREATE TABLE IF NOT EXISTS tasks (number bigint PRIMARY KEY)")
        cursor.execute("INSERT INTO prepared DEFAULT VALUES")


def pending() -> None:
    sys.exit(int(sys.argv[2] != "nothing"))


def migrate() -> None:
    with database().cursor() as cursor:
        cursor.execute("ALTER TABLE prepared ADD COLUMN migrated bool DEFAULT true")


def fail_outside_of_a_copy() -> None:
    with database().cursor() as cursor:
        cursor.execute("ALTER TABLE prepared DROP COLUMN migrated")
        cursor.execute("SELECT host(inet_server_addr())")
        if cursor.fetchone() != ("127.0.0.1",):
            sys.exit("the real database cannot be migrated")


def schedule() -> None:
    queue = cache()
    while True:
        queue.rpush("tasks", queue.incr("number"))
        time.sleep(0.2)


def work() -> None:
    queue, connection = cache(), database()
    while True:
        task = queue.blpop("tasks", timeout=1)
        if task:
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO tasks VALUES (%s)", (int(task[1]),))


def serve() -> None:
    ThreadingHTTPServer(("", 8000), Handler).serve_forever()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *args: sys.exit(0))
    commands = (init, schedule, work, serve, pending, migrate, fail_outside_of_a_copy)
    {command.__name__: command for command in commands}[sys.argv[1]]()
