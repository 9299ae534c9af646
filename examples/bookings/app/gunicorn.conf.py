"""How gunicorn runs the application. SIGTERM lets requests in flight finish, up to graceful_timeout seconds."""

import os

from bookings.logs import LOGGING

bind = "0.0.0.0:8000"
worker_class = "gthread"
workers = int(os.environ.get("GUNICORN_WORKERS", "2"))
threads = int(os.environ.get("GUNICORN_THREADS", "8"))

# One import for all workers: on two cores that halves the work of a start.
preload_app = True

# Longer than the proxy keeps an idle connection. The proxy closes it first, so it never sends a request
# into a connection that is just being closed here.
keepalive = 75

timeout = 60
graceful_timeout = 30

# The root filesystem may be read-only, and a heartbeat file on a busy disk can stop a worker.
worker_tmp_dir = "/dev/shm"

# No access log: the proxy writes one for every request.
logconfig_dict = LOGGING
