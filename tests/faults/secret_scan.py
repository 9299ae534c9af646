"""Searches for secrets in places where none may be.

The places: the output of the plays, the argument lists of processes, the lines that modules send to syslog, the logs
of containers, the inspect data of containers, images, networks and volumes, every file on the servers and in their
containers and volumes, and new temporary files. The secrets: those of the inventory and those generated on the server.
A result names the secret and the place, and never shows the secret.
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

# Below the root of the servers: files with one secret each, and files with secrets among other content.
SECRETS = (
    "postgres/conf/superuser.key",
    "postgres/conf/logins/*.key",
    "redis*/conf/admin_password",
    "proxy/server-preview.key",
    "*/*/secrets/*/*",
    "*/*/releases/*/secrets/*",
)
HOLDERS = (*SECRETS, "proxy/maps/keys.map")
TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm", "~/.ansible")
CHUNK = 1 << 20
# Longer than any secret in any encoding.
OVERLAP = 1 << 10


def spellings(secret: str) -> tuple[bytes, ...]:
    """The forms of a secret in a text: plain, and the base64 forms within a longer text."""
    raw = secret.encode()
    # The preceding bytes decide at which bit of a character the secret begins; shared characters are left out.
    encoded = (
        base64.b64encode(bytes(before) + raw)[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6] for before in range(3)
    )
    return (raw, *encoded)


class Secrets:
    """The secrets by name, with the forms in which a text may have them."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._names: dict[str, str] = {}
        self._spellings: list[tuple[bytes, str]] = []
        self.add(given)

    def __len__(self) -> int:
        return len(self._names)

    def add(self, given: Mapping[str, str]) -> None:
        """Add secrets; one that has a name already keeps it."""
        for name, secret in given.items():
            if secret and secret not in self._names:
                self._names[secret] = name
                self._spellings += [(spelling, name) for spelling in spellings(secret)]

    def within(self, data: bytes) -> set[str]:
        """The names of the secrets in a text."""
        return {name for spelling, name in self._spellings if spelling in data}

    def within_file(self, path: Path) -> set[str]:
        """The names of the secrets in a file of any size; none for a missing file."""
        names: set[str] = set()
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
            before = b""
            while chunk := file.read(CHUNK):
                names |= self.within(before + chunk)
                before = chunk[-OVERLAP:]
        return names

    def hidden(self, text: bytes) -> str:
        """A text with the secrets replaced, which may be shown."""
        for spelling, dummy in self._spellings:
            text = text.replace(spelling, b"***")
        return text.replace(b"\0", b" ").decode("utf-8", "replace").strip()


def kept(root: Path) -> dict[str, str]:
    """The secrets on the server, each under the name of its file."""
    return {str(path.relative_to(root)): path.read_text(encoding="utf-8").strip() for path in below(root, SECRETS)}


def below(root: Path, patterns: Iterable[str]) -> Iterator[Path]:
    """The files that match patterns."""
    return (path for pattern in patterns for path in sorted(root.glob(pattern)) if path.is_file())


def files(top: Path, since: float = 0, without: Iterable[Path] = ()) -> Iterator[Path]:
    """The regular files below a folder, or those written since a time (epoch)."""
    left_out = {str(path) for path in without}
    for folder, names, file_names in os.walk(top):
        # A checkout does not count as a temporary file.
        if since and (".git" in names or folder in left_out):
            names.clear()
            continue
        for name in file_names:
            with contextlib.suppress(FileNotFoundError):
                status = os.lstat(f"{folder}/{name}")
                if stat.S_ISREG(status.st_mode) and status.st_ctime >= since:
                    yield Path(folder, name)


class SecretScan:
    """Searches everything of a project, repeatedly while its context is open."""

    def __init__(self, prefix: str, folder: Path, given: Mapping[str, str]) -> None:
        """Take the name of the project, its folder with ``root`` and ``play.log``, and the secrets of the inventory."""
        self.prefix = prefix
        self.folder = folder
        self.root = folder / "root"
        self.secrets = Secrets(given)
        self.searched: Counter[str] = Counter()
        self._since = time.time()
        self._transient = TransientSources(prefix)

    def __enter__(self) -> SecretScan:
        self._transient.__enter__()
        return self

    def __exit__(self, *dummy: object) -> None:
        self._transient.__exit__()

    def found(self) -> list[str]:
        """The secrets in places where they may not be, now or since the last call."""
        self.secrets.add(kept(self.root))
        resources = DockerResources.of(self.prefix)
        problems = set(self._open())
        for kind, where, path in self._files(resources):
            self.searched[kind] += 1
            problems |= {f"{name} in {where}" for name in self.secrets.within_file(path)}
        # The recorded texts come last, so that their ends have arrived.
        for texts in (resources.texts(), self._transient.take()):
            for kind, whose, text in texts:
                self.searched[kind] += 1
                for name in self.secrets.within(text):
                    problems.add(f"{name} in {kind} of {whose or self.secrets.hidden(text)[:120]}")
        return sorted(problems)

    def _open(self) -> Iterator[str]:
        """The files with secrets that other users may read."""
        for path in below(self.root, HOLDERS):
            mode = stat.S_IMODE(path.stat().st_mode)
            closed = any(stat.S_IMODE(folder.stat().st_mode) == 0o700 for folder in (path.parent, path.parent.parent))
            # Users of containers read the files of secrets; on the server, the folder keeps them out.
            if mode not in (0o400, 0o600) and not (mode == 0o444 and closed):
                yield f"{path.relative_to(self.root)} has the mode {mode:04o}"

    def _files(self, resources: DockerResources) -> Iterator[tuple[str, str, Path]]:
        """The files in which no secret belongs: kind, description, path."""
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
