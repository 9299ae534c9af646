# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a proposed inventory, as texts: each line that was guessed has its reason next to it. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.stacks.plugins.module_utils.config.placeholders import placeholder

from .file_values import Setting, identifier
from .service_roles import ACCESSORY, INNER, ONE_SHOT, WORKER, needs_role
from .service_signs import WEB_NAMES, command_of
from .stack_proposal import ProposedJob, ProposedRoute, StackProposal
from .yaml_lines import YamlLines, quoted, scalar, sequence

# Commands that migrate, by a word of the commands that an application starts.
MIGRATIONS = {
    "manage.py": "python3 manage.py migrate",
    "bundle": "bundle exec rails db:migrate",
    "rails": "bundle exec rails db:migrate",
    "artisan": "php artisan migrate --force",
    "node": "npm run migrate",
    "uvicorn": "alembic upgrade head",
}

ANSIBLE_CFG = """\
[defaults]
# Messages have several lines: show them as lines instead of JSON.
callback_result_format = yaml
display_skipped_hosts = false

[inventory]
# Without these, a misspelt inventory or host ends as a success that did nothing.
any_unparsed_is_failed = true
host_pattern_mismatch = error
"""


def inventory_files(proposal: StackProposal, source: str, server: str) -> dict[str, str]:
    """Return the texts of the inventory by their paths in its folder.

    ``source`` is the folder of the Compose files from there; ``server`` is the name or the address of the server, or
    empty.
    """
    files = {
        "hosts.yml": _hosts(server),
        "group_vars/all/main.yml": _main(proposal),
        "group_vars/all/stacks.yml": stacks_file(proposal, source),
        "group_vars/all/vault.yml": _vault(proposal),
    }
    return {name: text for name, text in files.items() if text}


def vault_variable(proposal: StackProposal, secret: str) -> str:
    """Return the variable of the vault that has a secret of the stack."""
    return f"vault_{identifier(proposal.name)}_{identifier(secret)}"


def vault_values(proposal: StackProposal) -> dict[str, Setting]:
    """Return the secrets of a stack by their variables in the vault."""
    shared = {
        f"{server}_password": setting
        for server, setting in (("postgres", proposal.postgres), ("redis", proposal.redis))
        if setting and setting.name == "password"
    }
    every = {**shared, **{one.name: one for one in proposal.secrets}}
    return {vault_variable(proposal, name): setting for name, setting in every.items()}


def _hosts(server: str) -> str:
    file = YamlLines()
    file.add(0, "all:", "  hosts:")
    file.comment(4, "The server that the stack is released on. Several servers are several entries.")
    if server:
        file.add(4, f"{quoted(server)}:")
    else:
        file.add(4, "server1:")
        file.add(6, f"ansible_host: {quoted(placeholder('the name or the address of the server'))}")
    file.comment(6, "The login for SSH, if it is not the one of ~/.ssh/config:")
    file.add(6, "# ansible_user: deploy")
    file.comment(6, "The login becomes root with sudo. Remove this line if it is root itself.")
    file.add(6, "ansible_become: true")
    return file.text


def _main(proposal: StackProposal) -> str:
    file = YamlLines()
    file.comment(0, "The prefix of each name on the server. All stacks of a team have the same one.")
    file.add(0, f"switchyard_project: {quoted(proposal.project)}")
    file.comment(0, "Part of each name too: several environments on one server have an inventory each.")
    file.add(0, f"switchyard_environment: {quoted(proposal.environment)}")
    if proposal.values.version:
        name = proposal.values.version
        file.blank()
        file.comment(0, f"The version to release. The command line replaces it: deploy.yml -e {name}=1.0.1.")
        file.add(0, f"{name}: {quoted(placeholder('the version to release, such as 1.0.0'))}")
    return file.text


def _vault(proposal: StackProposal) -> str:
    values = vault_values(proposal)
    if not values:
        return ""
    file = YamlLines()
    file.comment(
        0,
        f"The secrets of {proposal.name}. A new password or key is the output of: openssl rand -hex 24",
        "Encrypt this file when the values are in it, with: ansible-vault encrypt",
    )
    for name, setting in values.items():
        file.add(0, f"{name}: {quoted(str(setting.value))}")
    return file.text


def stacks_file(proposal: StackProposal, source: str) -> str:
    """Return the list of stacks with the proposed one."""
    app, file = proposal.app, YamlLines()
    file.comment(
        0,
        f"The stack {proposal.name}, proposed from {' and '.join(app.compose)}. Each comment has the reason for what "
        "follows it: correct what is wrong. A text in <fill in: ...> is a value that the files do not say, and "
        "preflight.yml refuses it. All keys: ansible-doc -t role switchyard.stacks.stack.",
    )
    if proposal.refused:
        file.comment(0, "A release refuses these until the Compose files change:")
        for text in proposal.refused:
            file.comment(0, f"- {text}")
    file.add(0, "switchyard_stacks:")
    file.add(2, f"- name: {quoted(proposal.name)}")
    file.comment(4, "The folder of the Compose files. A relative path begins at the folder of this inventory.")
    file.add(4, f"source: {{path: {scalar(source)}}}")
    if app.of_environment:
        file.comment(4, f"compose: the name of {app.of_environment} is that of the environment")
    file.add(4, f"compose: {sequence(app.compose)}")
    _add_variables(file, proposal)
    _add_routes(file, proposal.routes)
    _add_roles(file, proposal)
    _add_jobs(file, proposal)
    _add_servers(file, proposal)
    _add_secrets(file, proposal)
    _add_allow(file, proposal)
    if proposal.hints:
        file.blank()
        file.comment(4, "Look at these too:")
        for text in proposal.hints:
            file.comment(4, f"- {text}")
    return file.text


def _add_variables(file: YamlLines, proposal: StackProposal) -> None:
    variables, env = proposal.values.variables, proposal.app.env_names
    if variables or env:
        file.blank()
    if env:
        file.comment(
            4,
            f"A release uses the values of {', '.join(env)} in .env as they are. A line in variables replaces one; "
            "one that is a secret belongs into secrets and secrets_as_env.",
        )
    if variables:
        file.comment(4, "The values of ${...} in the Compose files.")
        file.add(4, "variables:")
        for one in variables:
            file.comment(6, f"{one.name}: {one.reason}")
            # A version in it is a template of the inventory itself.
            file.add(6, f"{one.name}: {quoted(str(one.value))}")


def _add_routes(file: YamlLines, routes: t.Sequence[ProposedRoute]) -> None:
    file.blank()
    if not routes:
        file.comment(4, "The service that users reach: no service of the Compose files looks like it.")
        file.add(4, "routes:", f"  - service: {quoted(placeholder('the service that users reach'))}")
        file.add(8, f"port: {quoted(placeholder('the port on which it answers HTTP'))}")
        file.add(8, f"hosts: {sequence([placeholder('the host name that users type')])}")
        return
    file.comment(4, "The services that users reach through the proxy. Remove a route that no user needs.")
    if len(routes) > 1:
        file.comment(4, "Two services may have one host name, with a path each, such as path: /api.")
    file.add(4, "routes:")
    for route in routes:
        file.comment(6, f"{route.service}: {route.reason}", *([route.note] if route.note else []))
        file.add(6, f"- service: {quoted(route.service)}")
        file.comment(8, f"port: {route.port.reason}")
        file.add(8, f"port: {scalar(route.port.value)}")
        file.comment(8, f"hosts: {route.hosts.reason}")
        file.add(8, f"hosts: {sequence(route.hosts.value)}")
        file.comment(8, f"health: {route.health.reason}")
        file.add(8, f"health: {{path: {scalar(route.health.value)}}}")


def _add_roles(file: YamlLines, proposal: StackProposal) -> None:
    declared = {name: one for name, one in proposal.of_role(INNER).items() if needs_role(proposal.app, name)}
    for key, services, what in (
        (
            "workers",
            proposal.of_role(WORKER),
            "Never two at once: a release stops the old one first",
        ),
        ("accessories", proposal.of_role(ACCESSORY), "They keep data: one container each, which outlives releases"),
        ("inner", declared, "They run once per color, also while a release has both colors"),
    ):
        if services:
            file.blank()
            file.comment(4, what)
            file.add(4, f"{key}:")
            for name, reason in services.items():
                file.comment(6, f"{name}: {reason}")
                file.add(6, f"- {scalar(name)}")
    inner = {name: one for name, one in proposal.of_role(INNER).items() if name not in declared}
    if inner or proposal.of_role(ONE_SHOT):
        file.blank()
        file.comment(4, "Services that need no key:")
        for name, reason in inner.items():
            file.comment(4, f"- {name} (inner): {reason}")
        for name, reason in proposal.of_role(ONE_SHOT).items():
            file.comment(4, f"- {name} (one-shot, once per release): {reason}")


def _add_jobs(file: YamlLines, proposal: StackProposal) -> None:
    migrate = proposal.migrate
    if migrate:
        file.blank()
        file.comment(4, f"The migration of a release, after a verified backup. {migrate.service}: {migrate.reason}")
        file.add(4, "migrate:", f"  service: {scalar(migrate.service)}")
        if migrate.command:
            file.add(6, f"command: {sequence(migrate.command)}")
        file.add(6, f"kind: {quoted(str(migrate.kind))}")
    elif proposal.postgres and proposal.routes:
        file.blank()
        file.comment(4, "A command that migrates the database before each release, in the image of a service. Example:")
        service, command = migration_example(proposal)
        file.add(4, f"# migrate: {{service: {scalar(service)}, kind: expand, command: {sequence(command)}}}")
    if proposal.jobs:
        file.blank()
        file.comment(4, "What else a release runs once, before its color starts.")
        file.add(4, "after_migrate:")
        for job in proposal.jobs:
            file.comment(6, f"{job.service}: {job.reason}")
            file.add(6, f"- {_job(job)}")


def migration_example(proposal: StackProposal) -> tuple[str, list[str]]:
    """Return a service that has code of the application, and how its kind of application migrates."""
    routed = [route.service for route in proposal.routes]
    service = next((word for word in WEB_NAMES if word in routed), routed[0])
    text = " ".join(map(command_of, proposal.app.services.values()))
    return service, next((words for sign, words in MIGRATIONS.items() if sign in text), MIGRATIONS["manage.py"]).split()


def _job(job: ProposedJob) -> str:
    command = f", command: {sequence(job.command)}" if job.command else ""
    return f"{{service: {scalar(job.service)}{command}}}"


def _add_servers(file: YamlLines, proposal: StackProposal) -> None:
    for server, setting in (("postgres", proposal.postgres), ("redis", proposal.redis)):
        if not setting:
            continue
        file.blank()
        file.comment(4, f"{server}: {setting.reason}")
        if setting.name == "accessory":
            file.add(4, f"{server}: {{accessory: {scalar(setting.value)}}}")
            continue
        file.add(4, f"{server}:", f"  password: {_secret(proposal, f'{server}_password')}")
        if server == "redis":
            file.comment(6, "The numbers of its databases there; an application that uses two has two, as [0, 1].")
            file.add(6, "databases: [0]")


def _add_secrets(file: YamlLines, proposal: StackProposal) -> None:
    if proposal.secrets:
        file.blank()
        file.comment(4, "The values are in vault.yml, next to this file.")
        file.add(4, "secrets:")
        for one in proposal.secrets:
            file.comment(6, f"{one.name}: {one.reason}")
            file.add(6, f"{scalar(one.name)}: {_secret(proposal, one.name)}")
    if proposal.values.as_env:
        file.comment(
            4, "Those that are variables of the Compose files. Docker shows variables of a container to its users."
        )
        file.add(4, f"secrets_as_env: {sequence(proposal.values.as_env)}")


def _secret(proposal: StackProposal, name: str) -> str:
    return quoted(f"{{{{ {vault_variable(proposal, name)} }}}}")


def _add_allow(file: YamlLines, proposal: StackProposal) -> None:
    if not proposal.allow:
        return
    file.blank()
    file.comment(
        4,
        "What reaches out of a container, which a release refuses: remove it from the Compose files, or allow it by "
        "removing the # at the beginning of the lines that follow.",
    )
    file.add(4, "# allow:")
    for service in dict.fromkeys(service for service, _allowance, _meaning in proposal.allow):
        file.add(4, f"#   {scalar(service)}:")
        for owner, allowance, meaning in proposal.allow:
            if owner == service:
                file.add(4, f"#     - {scalar(allowance)}  # {meaning}")
