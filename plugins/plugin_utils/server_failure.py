# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a server did not run a module, as a problem that names the variable to set. For the controller only."""

from __future__ import annotations

import re

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem

UNREACHABLE = "server.unreachable"
FAILED = "server.module_failed"

# What sudo, su, doas and Ansible write (lib/ansible/plugins/become/, connection/ssh.py).
_HINTS = (
    (
        r"missing \S+ password|a password is required|a terminal is required|timeout .*privilege escalation",
        "Set ansible_become_password in a vault, or add --ask-become-pass",
    ),
    (
        r"incorrect \S+ password|incorrect password attempt|sorry, try again|authentication failure",
        "Correct ansible_become_password",
    ),
    (
        r"not in the sudoers|is not allowed to (execute|run)|may not run sudo",
        "Let ansible_user use sudo, or set another ansible_user",
    ),
    (r"(sudo|doas|su|become).*(not found|no such file)", "Install it on the server, or set ansible_become_method"),
    (r"python\S*:? .*(not found|no such file)", "Install python3 on the server, or set ansible_python_interpreter"),
    (
        r"permission denied \(|authentications? (that can )?(fail|continue)|no more authentication",
        "Set ansible_user and ansible_ssh_private_key_file to a login of the server",
    ),
    (
        r"host key verification failed|host identification has changed",
        "Add the server's key to ~/.ssh/known_hosts after comparing it",
    ),
    (r"could not resolve|name or service not known|nodename nor servname", "Set ansible_host to the server's address"),
    (r"connection refused|timed out|no route to host", "Set ansible_host and ansible_port, and try 'ssh' to it"),
    (r"permission denied", "Set ansible_become: true for this server"),
)


def server_problem(text: str, unreachable: bool = False) -> Problem:
    """Return the problem of a server that did not run a module; ``text`` is what Ansible or the server wrote."""
    message = " ".join(text.split()).rstrip(".")
    found = next((hint for pattern, hint in _HINTS if re.search(pattern, message, re.IGNORECASE)), None)
    if unreachable:
        hint = found or "Try 'ssh' to it, and look at ansible_host and ansible_user"
        return Problem("server", f"cannot be reached: {message}", hint, UNREACHABLE)
    return Problem("server", message, found or "Run setup.yml", FAILED)
