"""Two environments of one project on a test host, next to a foreign Traefik with an application.

Each has the stacks ``shop`` and ``blog`` with the services ``web``, ``db`` and ``redis``, and ``desk``, whose database
is on the shared PostgreSQL. Their web server answers 200 only while its own database and its own Redis answer it.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
import typing as t
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/bench"))

from behind_traefik import PROXIES, clients, identity, run, setting  # noqa: E402

PROJECT, ENVIRONMENTS, STACKS = "side", ("prod", "qual"), ("shop", "blog", "desk")
PLAY = ["ansible-playbook", "-i", "molecule/inventory", "-e", "@tests/faults/environments.yml"]
FOREIGN_HOST = "existing.localhost"
URL = setting("haproxy", "test_host_proxy_url")
SSH = ["ssh", "-F", "tests/test_hosts/.state/ssh_config"]
RATE = 20


def host(stack: str, environment: str) -> str:
    """The name by which clients reach a stack."""
    return f"{stack}-{environment}.localhost"


def every_host() -> list[str]:
    """The names of all stacks of both environments."""
    return [host(stack, environment) for environment in ENVIRONMENTS for stack in STACKS]


def play(playbook: str, environment: str, *more: str) -> None:
    """Run a playbook as a user does; ``more`` are extra variables. Exits with its output when it fails."""
    variables = [word for variable in (f"switchyard_environment={environment}", *more) for word in ("-e", variable)]
    run(*PLAY, playbook, *variables)


def play_together(playbook: str, *more: str) -> None:
    """Run a playbook for both environments at the same time. Exits with the output of one that fails."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda environment: play(playbook, environment, *more), ENVIRONMENTS))


def on_server(script: str, server: str = "server1", stdin: str | None = None) -> str:
    """The output of a script of the shell, as root on a test host."""
    done = subprocess.run([*SSH, server, script], cwd=ROOT, capture_output=True, text=True, input=stdin, check=False)
    if done.returncode:
        raise SystemExit(f"{script[:200]} failed on {server}:\n{done.stderr[-4000:]}")
    return done.stdout


def answer(name: str) -> str:
    """What the application says to a client: its owner and its version; the status where it is not 200."""
    done = run("curl", "-s", "-m", "15", "-w", "\n%{http_code}", "-H", f"Host: {name}", f"{URL}/")
    body, _, status = done.rpartition("\n")
    return " ".join(body.split()[:2]) if status == "200" else f"{status} {body.strip()[:200]}"


def wrong_answers(version: str, environment: str, stacks: t.Iterable[str] = STACKS) -> list[str]:
    """The stacks that do not answer with a version and their own name."""
    wanted = {stack: f"{stack}_{environment} {version}" for stack in stacks}
    found = {stack: answer(host(stack, environment)) for stack in wanted}
    return [f"{host(stack, environment)} answers {found[stack]}" for stack in wanted if found[stack] != wanted[stack]]


def start_foreign() -> None:
    """Start the foreign Traefik and its application."""
    behind = ["-e", "target=servers", "-e", f"@{PROXIES / 'behind-traefik.yml'}"]
    run("ansible-playbook", "-i", "molecule/inventory", *behind, "tests/bench/switch_loop/existing_traefik.yml")


def end_with_clients() -> None:
    """End as after an interrupt when this program is terminated, so that the clients of a step end too."""
    signal.signal(signal.SIGTERM, lambda *dummy: sys.exit(143))


@dataclass
class Steps:
    """The steps of a journey, each under load; prints a line for each."""

    folder: Path
    good: bool = True

    def say(self, what: str, seconds: float, sent: int, failed: int, wrong: t.Sequence[str]) -> None:
        """Print the line of a step."""
        right = not wrong and not failed
        self.good = self.good and right
        verdict = "right" if right else "; ".join(wrong) or f"{failed} requests failed"
        print(f"{what}: {seconds:.0f} s, {sent} requests, {failed} failed, {verdict}", flush=True)

    def run(self, what: str, under_load: t.Iterable[str], action: Callable[[], t.Sequence[str] | None]) -> None:
        """Run a step while clients of the foreign application and of the hosts send requests."""
        result = {name: self.folder / f"{name}.json" for name in under_load}
        foreign = self.folder / "foreign.json"
        before = identity()
        with contextlib.ExitStack() as stack:
            stack.enter_context(clients(FOREIGN_HOST, foreign, rate=RATE))
            for name, path in result.items():
                stack.enter_context(clients(name, path, URL, RATE))
            began = time.monotonic()
            wrong = list(action() or [])
            seconds = time.monotonic() - began
            time.sleep(1)
        if identity() != before:
            wrong.append("the foreign containers were replaced or restarted")
        sent = failed = 0
        for name, path in {**result, FOREIGN_HOST: foreign}.items():
            counts = json.loads(path.read_text(encoding="utf-8"))["normal"]
            sent, failed = sent + counts["sent"], failed + counts["failed"]
            if counts["failed"] or not counts["succeeded"]:
                wrong.append(f"{name}: {counts['failed']} of {counts['sent']} failed {counts['failed_by_kind']}")
        self.say(what, seconds, sent, failed, wrong)


def build(steps: Steps) -> None:
    """Set up both environments, one after the other, and release version 1 of all stacks."""
    start_foreign()

    def install(environment: str) -> list[str]:
        play("setup.yml", environment)
        play("deploy.yml", environment, "side_version=1", "accept_downgrade=true")
        return wrong_answers("1", environment)

    steps.run("prod is set up and released", [], lambda: install("prod"))
    prod = [host(stack, "prod") for stack in STACKS]
    steps.run("qual is set up and released", prod, lambda: install("qual"))
