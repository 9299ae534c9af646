# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The grammar of ``allow``: what a stack's inventory may let out of a container.

An allowance is a word, a path of the server, or a word and its value. ``engine/outside_access.py`` finds what the
Compose files ask for; docs/compose.md lists the words.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ..errors import Problem
from ..near_name import did_you_mean

# The key of ``allow`` whose allowances hold for every service, and for the Compose files themselves.
EVERY_SERVICE = "*"

# The word of a file that Compose reads while it reads the Compose files; the controller looks for these.
FILE = "file"

# Compose fetches these files: a scheme, the form host:path of Git, and its short form for GitHub.
ADDRESS = re.compile(r":|\Agithub\.com/")

# An absolute path in its normal form: no empty part, no ``.`` and no ``..``.
PATH = r"/|(/(?!\.\.?(/|$))[^/\x00-\x1f]+)+"
NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"


@dataclass(frozen=True)
class Word:
    """A word of the grammar: an example of its value, the pattern of the value, and what it allows."""

    example: str
    pattern: str
    meaning: str


WORDS: dict[str, Word] = {
    "docker_socket": Word("", "", "all rights on the server, through the socket of Docker"),
    "privileged": Word("", "", "all rights on the server"),
    "gpu": Word("", "", "graphics processors"),
    "read_only": Word("/etc/ssl/certs", PATH, "a path of the server, to read it"),
    FILE: Word(
        "/etc/app.env",
        rf"{PATH}|~/\S+|\S+:\S+|github\.com/\S+",
        "a file of the server or an address: include, extends, env_file, label_file",
    ),
    "network": Word("traefik", NAME, "a network that is not of the stack"),
    "volume": Word("media", NAME, "a volume that is not of the stack"),
    "volume_driver": Word("media", NAME, "a volume of the files that has a driver or driver options"),
    "volumes_from": Word("other", NAME, "the volumes of another container"),
    "external_link": Word("other", NAME, "the address of another container"),
    "capability": Word("SYS_ADMIN", r"(?!CAP_)[A-Z][A-Z0-9_]*", "a capability beyond those that every service has"),
    "device": Word("/dev/ttyUSB0", r"\S+", "a device of the server"),
    "device_cgroup_rule": Word("c 189:* rwm", r"[abc] (\d+|\*):(\d+|\*) [rwm]+", "a kind of devices of the server"),
    "security_opt": Word("seccomp=unconfined", r"[a-z-]+=\S+", "a security option other than no-new-privileges"),
    "pid": Word("host", rf"host|container:{NAME}", "the processes of the server or of a container"),
    "ipc": Word("host", rf"host|container:{NAME}", "the shared memory of the server or of a container"),
    "uts": Word("host", r"host", "the host name of the server"),
    "userns_mode": Word("host", r"\S+", "the users of the server, where the engine separates them"),
    "cgroup": Word("host", r"host", "the control groups of the server"),
    "network_mode": Word("host", rf"(container:)?{NAME}", "the network of the server or of a container"),
    "cgroup_parent": Word("batch.slice", r"\S+", "a control group of the server"),
    "runtime": Word("nvidia", r"\S+", "another program that runs the container"),
    "build_context": Word(
        "docker-image://alpine:3.20",
        rf"{PATH}|\S+:\S+|github\.com/\S+",
        "an image, an address or a folder outside of source.path, for a build",
    ),
    "build_network": Word("host", r"host", "the network of the server, for a build"),
    "build_privileged": Word("", "", "all rights on the server, for a build"),
    "build_entitlement": Word(
        "network.host", r"\S+", "a right that the engine gives to a build only where it is asked for"
    ),
    "build_ssh": Word("default", r"[\w.-]+", "SSH keys of the machine that builds, for a build"),
}


def allowance_error(text: str) -> tuple[str, str] | None:
    """Return what is wrong with an allowance and what to write instead, or None."""
    if text.startswith("/"):
        if re.fullmatch(PATH, text):
            return None
        return f"{text} is not an absolute path in its normal form", "Write it without //, /./, /../ and / at its end"
    name, dummy, value = text.partition(" ")
    word = WORDS.get(name)
    if not word:
        known = f"Words are {', '.join(WORDS)}, or an absolute path"
        return f"{name} is not a word of allow", did_you_mean(name, WORDS, known)
    if re.fullmatch(word.pattern, value):
        return None
    return f"'{text}' is not valid", f"Write {quoted(f'{name} {word.example}'.strip())}"


def is_address(allowance: str) -> bool:
    """Return whether an allowance is that of a file which Compose fetches."""
    word, dummy, path = allowance.partition(" ")
    return word == FILE and bool(ADDRESS.search(path))


def unused_allowance(where: str, key: str, allowance: str) -> Problem:
    """Return the problem of an allowance that nothing needs; ``where`` is the path of the stack in the inventory."""
    message = f"nothing in the Compose files needs {allowance}"
    return Problem(f"{where}.allow.{key}", message, "Remove it from allow", "stack.allow_unused")


def line(service: str, allowances: t.Iterable[str]) -> str:
    """Return the line of the inventory that allows a service these things."""
    name = quoted(service) if service == EVERY_SERVICE else service
    return f"allow: {{{name}: [{', '.join(map(quoted, allowances))}]}}"


def quoted(text: str) -> str:
    """Return a text as YAML has it in a list: in quotation marks where it is more than one word."""
    return text if re.fullmatch(r"[A-Za-z_/][\w./-]*", text) else f'"{text}"'
