# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the old color again what clients asked the new one, when it has no clients of its own.

Both colors are then compared at the same time, and a third party that fails both of them reverts no release. Only GET
requests are sent, without their query, cookies and other headers.
"""

from __future__ import annotations

import collections
import threading
import time
import typing as t

from .watch_verdict import Figures, Tally, figures

if t.TYPE_CHECKING:
    from ...proxy.access_log import AccessLine
    from ...proxy.driver import Proxy

# Requests that are sent, and how few answers say nothing.
MOST, LEAST = 200, 10
# Seconds: in which requests are sent, for the answer to one, and until the next one is sent without that answer.
SENDING, PATIENCE, NEXT = 10.0, 10.0, 0.3
# Milliseconds: a request with a good answer that took longer may be a stream that does not end.
LONG = 5000.0

# Host and path of a request.
Request = tuple[str, str]


class NewestRequests:
    """The newest requests of clients that can be sent again."""

    def __init__(self) -> None:
        self._newest: collections.deque[Request] = collections.deque(maxlen=MOST)

    def add(self, line: AccessLine) -> None:
        """Note a request, if it can be sent again."""
        plain = line.path.startswith("/") and line.path.isascii() and line.path.isprintable() and " " not in line.path
        if line.method == "GET" and plain and line.status != 101 and (line.failed or line.duration <= LONG):
            self._newest.append((line.host, line.path))

    def ask(self, proxy: Proxy, color: str) -> Figures | None:
        """Return what a color answers to them now, the newest first; None with too few answers.

        One request is sent after the other; where answers take long, several wait at the same time.
        """
        tally, guard, closed = Tally(), threading.Lock(), False
        end = time.monotonic() + SENDING

        def send(request: Request) -> None:
            begin = time.monotonic()
            failed, answering = _answer(proxy, request, color)
            milliseconds = (time.monotonic() - begin) * 1000
            with guard:
                if not closed and (failed or answering == color):
                    tally.count(failed, milliseconds)

        senders: list[threading.Thread] = []
        for request in reversed(self._newest):
            if time.monotonic() >= end:
                break
            senders.append(threading.Thread(target=send, args=(request,), daemon=True))
            senders[-1].start()
            senders[-1].join(NEXT)
        limit = time.monotonic() + PATIENCE
        for sender in senders:
            sender.join(max(0.0, limit - time.monotonic()))
        with guard:
            closed = True
            # What has no answer yet gets none in time.
            for _sender in range(sum(sender.is_alive() for sender in senders)):
                tally.count(True, PATIENCE * 1000)
        found = figures([tally])
        return found if found.requests >= LEAST else None


def _answer(proxy: Proxy, request: Request, color: str) -> tuple[bool, str | None]:
    """Return whether a color fails to answer a request, and the color that answered."""
    try:
        status, answering, _body = proxy.request(*request, color, PATIENCE)
    except (OSError, ValueError):
        return True, None
    return status >= 500, answering
