"""What clients get while a container has the address of another one: stale_address.py PROJECT ENVIRONMENT URL HOST

It runs on a server. The live container of the environment is stopped, and containers of another application are
started on its network until one has its address; then the first one starts again. Prints as JSON how often each answer
came (the status and the version that answered), whether the address was given away, and seconds: until clients got an
error of the proxy, until the last answer of the other application, and until the first one answered again.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
import urllib.parse
from collections import Counter

# Seconds
EVERY, WAIT, LIMIT = 0.02, 4.0, 20.0
NAME = "stale-address-"
FOREIGN = "foreign"


def docker(*words: str) -> str:
    """The output of a command of Docker."""
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout.strip()


def address(container: str, network: str) -> str:
    """The address of a container on a network."""
    networks = json.loads(docker("inspect", "--format", "{{json .NetworkSettings.Networks}}", container))
    return networks[network]["IPAddress"]


class Clients(threading.Thread):
    """Sends a request every few milliseconds, and keeps the time and the kind of each answer."""

    def __init__(self, url: str, host: str) -> None:
        super().__init__()
        parts = urllib.parse.urlsplit(url)
        self.server, self.host = (parts.hostname or "", parts.port or 80), host
        self.answers: list[tuple[float, str]] = []
        self.over = False

    def run(self) -> None:
        while not self.over:
            began = time.monotonic()
            self.answers.append((began, self.ask()))
            time.sleep(max(0.0, began + EVERY - time.monotonic()))

    def ask(self) -> str:
        """The status, and the version of an application that answered."""
        connection = http.client.HTTPConnection(*self.server, timeout=5)
        try:
            connection.request("GET", "/", headers={"Host": self.host, "Connection": "close"})
            answer = connection.getresponse()
            answer.read()
            return f"{answer.status} {answer.getheader('X-App-Version') or ''}".strip()
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__
        finally:
            connection.close()

    def until(self, since: float, good: bool) -> float | None:
        """The seconds until the first good or bad answer after a moment; None where there is none."""
        own = [(when, answer) for when, answer in self.answers if FOREIGN not in answer]
        times = [when for when, answer in own if when >= since and answer.startswith("200") == good]
        return round(times[0] - since, 2) if times else None


def main() -> None:
    project, environment, url, host = sys.argv[1:]
    labels = {"project": project, "environment": environment}
    filters = [word for name in labels for word in ("--filter", f"label=io.switchyard.{name}={labels[name]}")]
    (live,) = docker("ps", "--quiet", "--filter", "label=io.switchyard.color", *filters).splitlines()
    image = docker("inspect", "--format", "{{.Config.Image}}", live)
    proxy = json.loads(docker("inspect", "--format", "{{json .NetworkSettings.Networks}}", f"{project}-proxy"))
    own = json.loads(docker("inspect", "--format", "{{json .NetworkSettings.Networks}}", live))
    network = next(name for name in own if name in proxy)
    wanted = address(live, network)
    clients = Clients(url, host)
    clients.start()
    started: list[str] = []
    try:
        time.sleep(1)
        docker("stop", "--time", "0", live)
        stopped = time.monotonic()
        given = False
        while not given and len(started) < 5:
            started.append(f"{NAME}{len(started)}")
            more = ["--env", f"APP_VERSION={FOREIGN}", "--env", "START_SECONDS=0", "--network", network]
            docker("run", "--detach", "--name", started[-1], *more, image)
            given = address(started[-1], network) == wanted
        time.sleep(WAIT)
        docker("start", live)
        back, end = time.monotonic(), time.monotonic() + LIMIT
        while clients.until(back, True) is None and time.monotonic() < end:
            time.sleep(EVERY)
    finally:
        clients.over = True
        clients.join()
        for name in started:
            docker("rm", "--force", name)
    counts = Counter(answer for _when, answer in clients.answers)
    foreign = [when - stopped for when, answer in clients.answers if FOREIGN in answer]
    seconds = {"error": clients.until(stopped, False), "back": clients.until(back, True)}
    seconds["foreign"] = round(max(foreign, default=0), 2)
    print(json.dumps({"answers": counts, "given": given, **seconds}))


if __name__ == "__main__":
    main()
