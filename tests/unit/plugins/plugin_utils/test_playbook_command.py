from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.plugin_utils.playbook_command import command

FOLDER = Path("/srv/ana/shop")


def typed(*playbooks: str, **options: t.Any) -> str:
    return command("rollback", {"args": playbooks, "inventory": ("/srv/ana/shop/inventories/prod",), **options}, FOLDER)


@pytest.mark.parametrize(
    ("started", "shown"),
    [
        ("deploy.yml", "rollback.yml"),
        ("./deploy.yml", "rollback.yml"),
        ("/opt/stacks/deploy.yml", "/opt/stacks/rollback.yml"),
        ("../stacks/deploy.yml", "../stacks/rollback.yml"),
        ("switchyard.stacks.deploy", "switchyard.stacks.rollback"),
        ("site.yml", "switchyard.stacks.rollback"),
        ("mine.playbooks.deploy", "switchyard.stacks.rollback"),
    ],
)
def test_the_playbook_has_the_form_of_the_one_that_runs(started: str, shown: str) -> None:
    assert typed(started) == f"ansible-playbook {shown} -i inventories/prod"


def test_the_first_playbook_of_ours_counts() -> None:
    assert typed("site.yml", "deploy.yml").startswith("ansible-playbook rollback.yml ")


def test_every_inventory_is_named() -> None:
    inventories = ("/srv/ana/shop/inventories/prod", "/etc/ansible/more hosts", "app1.example.org,")
    expected = "-i inventories/prod -i '/etc/ansible/more hosts' -i app1.example.org,"
    assert typed("deploy.yml", inventory=inventories) == f"ansible-playbook rollback.yml {expected}"


def test_options_for_passwords_are_repeated() -> None:
    shown = typed(
        "deploy.yml",
        vault_password_files=("/srv/ana/shop/.vault", "/srv/ana/.vault"),
        vault_ids=("prod@prompt",),
        ask_vault_pass=True,
        become_ask_pass=True,
        ask_pass=False,
    )
    assert shown == (
        "ansible-playbook rollback.yml -i inventories/prod --vault-password-file .vault"
        " --vault-password-file /srv/ana/.vault --vault-id prod@prompt --ask-vault-pass --ask-become-pass"
    )


def test_without_a_command_line_the_name_of_the_file_is_shown() -> None:
    assert command("setup", {}, FOLDER) == "ansible-playbook setup.yml"
