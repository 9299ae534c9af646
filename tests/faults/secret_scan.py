"""Looks for secrets where none may be.

What is looked through: what the plays printed, the argument lists of processes, what the modules sent to syslog, the
logs of containers, what Docker tells of containers, images, networks and volumes, every file that lies on the servers
or in their containers and volumes, and what is new in the folders for temporary files. Secrets are those of the
inventory and those that were made on the server. A result says which secret stands where, and never shows it.
"""

from __future__ import annotations

import base64
import contextlib
import os
import stat
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from docker_resources import DockerResources
from transient_sources import TransientSources

# Below the root of the servers: what holds one secret each, and what holds some of them beside other things.
SECRETS = (
    "postgres/conf/superuser.key",
    "postgres/conf/logins/*.key",
    "redis/conf/admin_password",
    "proxy/server-preview.key",
    "*/*/releases/*/secrets/*",
)
HOLDERS = (*SECRETS, "proxy/maps/keys.map")
TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm", "~/.ansible")
CHUNK = 1 << 20
# Longer than any secret in any spelling.
OVERLAP = 1 << 10


def spellings(secret: str) -> tuple[bytes, ...]:
    """Return how a secret may be written: as it is, and as base64 has it within a longer text."""
    raw = secret.encode()
    # What comes before decides at which bit of a character the secret begins; those it shares are left out.
    encoded = (
        base64.b64encode(bytes(before) + raw)[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6] for before in range(3)
    )
    return (raw, *encoded)


class Secrets:
    """The secrets by name, as they may be written."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._names: dict[str, str] = {}
        self._spellings: list[tuple[bytes, str]] = []
        self.add(given)

    def __len__(self) -> int:
        return len(self._names)

    def add(self, given: Mapping[str, str]) -> None:
        """Look for these as well; one that has a name already keeps it."""
        for name, secret in given.items():
            if secret and secret not in self._names:
                self._names[secret] = name
                self._spellings += [(spelling, name) for spelling in spellings(secret)]

    def within(self, data: bytes) -> set[str]:
        """Return the names of those that stand there."""
        return {name for spelling, name in self._spellings if spelling in data}

    def within_file(self, path: Path) -> set[str]:
        """Return the names of those that stand in a file, of whatever size. One that is gone has none."""
        found: set[str] = set()
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
            before = b""
            while chunk := file.read(CHUNK):
                found |= self.within(before + chunk)
                before = chunk[-OVERLAP:]
        return found

    def hidden(self, text: bytes) -> str:
        """Return a text without them, as it may be shown."""
        for spelling, dummy in self._spellings:
            text = text.replace(spelling, b"***")
        return text.replace(b"\0", b" ").decode("utf-8", "replace").strip()


def kept(root: Path) -> dict[str, str]:
    """Return the secrets that lie on the server, each under the name of its file."""
    return {str(path.relative_to(root)): path.read_text(encoding="utf-8").strip() for path in below(root, SECRETS)}


def below(root: Path, patterns: Iterable[str]) -> Iterator[Path]:
    """Return the files that patterns name."""
    return (path for pattern in patterns for path in sorted(root.glob(pattern)) if path.is_file())


def files(top: Path, since: float = 0, without: Iterable[Path] = ()) -> Iterator[Path]:
    """Return the regular files below a folder, or those of them that were written since then."""
    left_out = {str(path) for path in without}
    for folder, names, found in os.walk(top):
        # A checkout is nobody's temporary file.
        if since and (".git" in names or folder in left_out):
            names.clear()
            continue
        for name in found:
            with contextlib.suppress(FileNotFoundError):
                seen = os.lstat(f"{folder}/{name}")
                if stat.S_ISREG(seen.st_mode) and seen.st_ctime >= since:
                    yield Path(folder, name)


class SecretScan:
    """Looks through everything of a project, again and again while it lives."""

    def __init__(self, prefix: str, folder: Path, given: Mapping[str, str]) -> None:
        """Take the name of the project, its folder with ``root`` and ``play.log``, and the secrets it was given."""
        self.prefix = prefix
        self.folder = folder
        self.root = folder / "root"
        self.secrets = Secrets(given)
        self.looked: Counter[str] = Counter()
        self._since = time.time()
        self._transient = TransientSources(prefix)

    def __enter__(self) -> SecretScan:
        self._transient.__enter__()
        return self

    def __exit__(self, *dummy: object) -> None:
        self._transient.__exit__()

    def found(self) -> list[str]:
        """Return which secret stands where it may not, since it was asked last or still."""
        self.secrets.add(kept(self.root))
        resources = DockerResources.of(self.prefix)
        found = set(self._open())
        for kind, where, path in self._files(resources):
            self.looked[kind] += 1
            found |= {f"{name} in {where}" for name in self.secrets.within_file(path)}
        # What happened comes last: so its ends arrived.
        for texts in (resources.texts(), self._transient.taken()):
            for kind, whose, text in texts:
                self.looked[kind] += 1
                for name in self.secrets.within(text):
                    found.add(f"{name} in {kind} of {whose or self.secrets.hidden(text)[:120]}")
        return sorted(found)

    def _open(self) -> Iterator[str]:
        """Return the files in which secrets belong, and which others may read."""
        for path in below(self.root, HOLDERS):
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode not in (0o400, 0o600):
                yield f"{path.relative_to(self.root)} has the mode {mode:04o}"

    def _files(self, resources: DockerResources) -> Iterator[tuple[str, str, Path]]:
        """Return the files in which no secret belongs: the kind, how the file is called, and its path."""
        yield "output", "what the play printed", self.folder / "play.log"
        holders = set(below(self.root, HOLDERS))
        for path in files(self.root):
            if path not in holders:
                yield "file", f"{path.relative_to(self.root)}", path
        for name, top in resources.folders():
            for path in files(top):
                yield "file", f"{path.relative_to(top)} of {name}", path
        for top in {Path(name).expanduser() for name in (*TEMPORARY, tempfile.gettempdir())}:
            for path in files(top, self._since, [self.folder]):
                yield "temporary file", f"the temporary file {path}", path
