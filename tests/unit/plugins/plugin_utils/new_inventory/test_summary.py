from __future__ import annotations

from pathlib import Path

from fakes_new_inventory import app_of, port

from ansible_collections.switchyard.stacks.plugins.plugin_utils.new_inventory.file_changes import FileChange
from ansible_collections.switchyard.stacks.plugins.plugin_utils.new_inventory.stack_proposal import propose_stack
from ansible_collections.switchyard.stacks.plugins.plugin_utils.new_inventory.summary import (
    missing_lines,
    placeholders,
    summary,
)

TOP = Path("/srv/deploy")
HOSTS = FileChange(TOP / "hosts.yml", None, "a: 1\n# b: <fill in: no>\nhost: <fill in: it>\n", "created")
VAULT = FileChange(TOP / "vault.yml", "key: <fill in: key>\n", "key: <fill in: key>\nmore: <fill in: more>\n", "kept")
COMMANDS = {"preflight": "ansible-playbook a.preflight", "setup": "ansible-playbook a.setup", "deploy": "b"}


def test_what_to_fill_in_is_what_the_files_have_afterwards() -> None:
    assert placeholders([HOSTS, VAULT]) == [
        (TOP / "hosts.yml", 3, "<fill in: it>"),
        (TOP / "vault.yml", 1, "<fill in: key>"),
    ]


def test_the_screen_shows_files_roles_values_and_commands() -> None:
    services = {"web": {"ports": [port(8000)], "privileged": True}, "db": {"image": "postgres"}}
    proposal = propose_stack(app_of(services), "shop", "po", "prod")
    assert summary(proposal, [HOSTS, VAULT], COMMANDS, TOP, is_check=False) == (
        """\
The inventory of shop (prod) is proposed from /srv/shop/docker-compose.yml:

  created    hosts.yml
  kept       vault.yml

Its services:

  web  routed on port 8000: it publishes the port 8000
  db   accessory: its image (postgres) keeps data

To fill in:

  hosts.yml:3  <fill in: it>
  vault.yml:1  <fill in: key>

1 thing reaches out of a container: see allow in stacks.yml.

A release refuses these until the Compose files change:

  services.db.image: postgres has no tag; write a fixed tag

vault.yml is never replaced. Add these lines to it:

  more: <fill in: more>

Then:

  ansible-playbook a.preflight  # report what is missing, and change nothing
  ansible-playbook a.setup      # set up the server, once
  b                             # release"""
    )


def test_a_file_that_has_every_key_needs_no_line() -> None:
    config = "# a comment = 1\n[defaults]\na = 1\nb=2\n"
    assert missing_lines(FileChange(TOP / "ansible.cfg", "[x]\nb = 1\na=0\n", config, "kept")) == []
    assert missing_lines(FileChange(TOP / "ansible.cfg", "[x]\n", config, "kept")) == ["a = 1", "b=2"]
    assert missing_lines(FileChange(TOP / "ansible.cfg", None, config, "created")) == []


def test_check_mode_says_that_nothing_is_written() -> None:
    text = summary(propose_stack(app_of({"web": {}}), "shop", "po", "prod"), [HOSTS], COMMANDS, TOP, is_check=True)
    assert text.startswith("The inventory of shop (prod) would be proposed from ")
