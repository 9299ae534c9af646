from __future__ import annotations

import pytest

from ansible_collections.switchyard.stacks.plugins.plugin_utils.server_failure import server_problem


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("Missing sudo password", "Set ansible_become_password in a vault, or add --ask-become-pass"),
        ("sudo: a password is required\n", "Set ansible_become_password in a vault, or add --ask-become-pass"),
        ("Incorrect sudo password", "Correct ansible_become_password"),
        ("deploy is not in the sudoers file", "Let ansible_user use sudo, or set another ansible_user"),
        ("/bin/sh: 1: sudo: not found", "Install it on the server, or set ansible_become_method"),
        ("/bin/sh: 1: /usr/bin/python3: not found", "Install python3 on the server, or set ansible_python_interpreter"),
        ("[Errno 13] Permission denied: '/var/lib/switchyard'", "Set ansible_become: true for this server"),
        ("No module named 'docker'.", "Run setup.yml"),
    ],
)
def test_a_module_that_did_not_run(text: str, hint: str) -> None:
    problem = server_problem(text)
    assert (problem.where, problem.hint, problem.code) == ("server", hint, "server.module_failed")
    assert problem.message == text.strip().rstrip(".")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (
            "deploy@app1: Permission denied (publickey).",
            "Set ansible_user and ansible_ssh_private_key_file to a login of the server",
        ),
        ("Host key verification failed.", "Add the server's key to ~/.ssh/known_hosts after comparing it"),
        ("ssh: Could not resolve hostname app1", "Set ansible_host to the server's address"),
        ("connect to host app1 port 22: Connection refused", "Set ansible_host and ansible_port, and try 'ssh' to it"),
        ("the line was cut", "Try 'ssh' to it, and look at ansible_host and ansible_user"),
    ],
)
def test_a_server_that_cannot_be_reached(text: str, hint: str) -> None:
    problem = server_problem(text, unreachable=True)
    assert (problem.message, problem.hint) == (f"cannot be reached: {text.rstrip('.')}", hint)
    assert problem.code == "server.unreachable"
