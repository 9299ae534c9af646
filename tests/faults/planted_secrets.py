"""Checks that the secret scan finds a secret in each place, planted there in a project of its own."""

from __future__ import annotations

import base64
import contextlib
import secrets
import subprocess
import sys
import syslog
import tempfile
from collections.abc import Iterator
from pathlib import Path

from secret_scan import SecretScan

IMAGE = "switchyard/haproxy:3.0"
KEY = "redis-one/conf/admin_password"
OPEN = "proxy/server-preview.key"


def docker(*args: str, stdin: str = "") -> None:
    """Run a command of Docker."""
    done = subprocess.run(["docker", *args], input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"docker {args[0]} failed: {done.stderr}")


@contextlib.contextmanager
def planted(project: str, folder: Path, secret: str) -> Iterator[list[str]]:
    """Plant a secret in each place, and return the scan's descriptions of the places."""
    record, image, volume = folder / "root/record.json", f"{project}-image", f"{project}-volume"
    named = ("--network", "none", "--name")
    with contextlib.ExitStack() as stack:
        record.write_text(secret, encoding="utf-8")
        encoded = base64.b64encode(f"user:{secret}".encode()).decode()
        (folder / "play.log").write_text(f"Authorization: Basic {encoded}", encoding="utf-8")
        file = stack.enter_context(tempfile.NamedTemporaryFile("w", prefix=f"{project}-"))
        file.write(secret)
        file.flush()
        syslog.syslog(f"invoked with password={secret}")
        subprocess.run([sys.executable, "-c", "import time; time.sleep(0.1)", secret], check=True)
        for kind in ("network", "volume"):
            stack.callback(docker, kind, "rm", f"{project}-{kind}")
            docker(kind, "create", "--label", f"leak={secret}", f"{project}-{kind}")
        stack.callback(docker, "image", "rm", "--force", image)
        docker("build", "--quiet", "--tag", image, "-", stdin=f"FROM {IMAGE}\nENV LEAK={secret}\n")
        stack.callback(docker, "rm", "--force", f"{project}-running")
        docker("run", "--detach", *named, f"{project}-running", "--volume", f"{volume}:/kept", "--user", "0",
               "--entrypoint", "sleep", image, "600")  # fmt: skip
        docker("exec", "--interactive", f"{project}-running", "tee", "/var/tmp/left", "/kept/left", stdin=secret)
        docker("exec", f"{project}-running", "true", secret)
        # It exists for half a second.
        docker("run", "--rm", *named, f"{project}-brief", "--env", f"LEAK={secret}", "--entrypoint", "sh", IMAGE,
               "-c", 'echo "$LEAK"; sleep 0.5')  # fmt: skip
        yield [
            "what the play printed",
            "record.json",
            f"the temporary file {file.name}",
            "syslog of",
            f"argv of {sys.executable}",
            *(f"{kind} of the image of {project}-running" for kind in ("inspect", "history")),
            *(f"inspect of {project}-{name}" for name in ("network", "volume", "running", "brief")),
            f"log of {project}-brief",
            f"events of {project}-running",
            f"var/tmp/left of {project}-running",
            f"left of {volume}",
        ]


def check_scan_finds_planted(prefix: str) -> None:
    """Plant a secret of the inventory and a generated one. Exits with the places in which the scan misses one."""
    project = f"{prefix}-planted"
    planted_words = {name: secrets.token_hex(16) for name in ("given", KEY)}
    with tempfile.TemporaryDirectory(prefix=f"{project}-") as name:
        folder = Path(name)
        for path, mode in ((folder / "root" / KEY, 0o600), (folder / "root" / OPEN, 0o644)):
            path.parent.mkdir(parents=True)
            path.write_text(planted_words[KEY], encoding="utf-8")
            path.chmod(mode)
        missed = []
        with SecretScan(project, folder, {"given": planted_words["given"]}) as scan:
            for name, word in planted_words.items():
                with planted(project, folder, word) as places:
                    found = scan.found()
                expected = [f"{OPEN} has the mode 0644", *(f"{name} in {place}" for place in places)]
                missed += [text for text in expected if not any(line.startswith(text) for line in found)]
    if missed:
        raise SystemExit("\n".join(["The scan misses planted secrets:", *missed]))
