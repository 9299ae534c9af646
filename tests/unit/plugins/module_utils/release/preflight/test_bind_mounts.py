"""Mounted paths and files of configs, read by Docker Compose itself."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import Machine, given

from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import (
    bind_mounts,
    mount_changes,
    writable_folders,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.context import (
    HostCheckContext,
    StackCheckContext,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.source_tree import SourceTree

pytestmark = pytest.mark.usefixtures("real_compose")

STACK = "switchyard_stacks[shop].compose"


def context_of(machine: Machine, mounts: str, tree: dict[str, str], more: str = "") -> StackCheckContext:
    text = f"services: {{web: {{image: 'a:1', volumes: [{mounts}]}}}}\n{more}"
    spec = replace(given(), sources={"docker-compose.yml": text}, tree=SourceTree(tree))
    return StackCheckContext(HostCheckContext(machine.host), spec)


def lines(problems: t.Any) -> list[str]:
    return [f"{problem.where}: {problem.message} ({problem.code})" for problem in problems]


def test_paths_that_exist_and_writable_folders_that_do_not(machine: Machine, tmp_path: Path) -> None:
    mounts = f"'./conf:/c:ro', './motd:/motd', './data:/data', '{tmp_path}:/t', 'named:/n'"
    context = context_of(machine, mounts, {"conf": "d", "motd": "f1"}, "volumes: {named: {}}")
    assert bind_mounts.check(context) == []


def test_paths_that_are_missing(machine: Machine) -> None:
    assert lines(bind_mounts.check(context_of(machine, "'./conf:/c:ro', '/missing:/m'", {}))) == [
        f"{STACK}.services.web.volumes: conf is not in source.path (compose.bind_mount_missing)",
        f"{STACK}.services.web.volumes: /missing is not on the server (compose.bind_mount_missing)",
    ]


def test_files_of_configs_are_files_of_the_stack(machine: Machine) -> None:
    files = {"given": "./given", "missing": "./missing", "host": "/missing", "outside": "../outside"}
    more = "configs: {" + ", ".join(f"{name}: {{file: {path}}}" for name, path in files.items()) + "}"
    more += "\nx-used: 1"
    text = f"services: {{web: {{image: 'a:1', configs: [{', '.join(files)}]}}}}\n{more}"
    spec = replace(given(), sources={"docker-compose.yml": text}, tree=SourceTree({"given": "f1"}))
    assert lines(bind_mounts.check(StackCheckContext(HostCheckContext(machine.host), spec))) == [
        f"{STACK}.configs.host: /missing is not on the server (compose.config_file_missing)",
        f"{STACK}.configs.missing: missing is not in source.path (compose.config_file_missing)",
        f"{STACK}.configs.outside: ../outside leads out of source.path (compose.file_outside)",
    ]


def test_a_writable_folder_whose_files_changed(machine: Machine) -> None:
    context = context_of(machine, "'./conf:/c', './new:/n'", {"conf": "d", "conf/a": "f1"})
    assert writable_folders.check(context) == []
    data = machine.ctx.folder / "data"
    (data / "conf").mkdir(parents=True)
    (data / ".seeds.json").write_text(f'{{"conf": "{context.spec.tree.digest("conf")}"}}')
    assert writable_folders.check(context) == []
    changed = context_of(machine, "'./conf:/c'", {"conf": "d", "conf/a": "f2"})
    assert lines(writable_folders.check(changed)) == [
        f"{STACK}.services.web.volumes: conf changed in source.path, and no release overwrites {data}/conf "
        "(stack.writable_folder_changed)"
    ]
    # A copy of the source without the folder does not ask for another content.
    assert writable_folders.check(context_of(machine, "'./conf:/c'", {})) == []


def test_what_becomes_of_relative_paths_is_said(machine: Machine) -> None:
    context = context_of(machine, "'.:/code', './motd:/motd', './data:/data'", {"motd": "f1"})
    found = mount_changes.mount_changes(context.mounts, machine.ctx.folder, "stacks[shop]")
    assert {notice.where for notice in found} == {"stacks[shop].compose.services.web.volumes"}
    assert [(notice.value, notice.message.split(",")[0]) for notice in found] == [
        (".", "not mounted"),
        ("motd", "mounted read-only: each release mounts the file of the source folder"),
        ("data", f"in {machine.ctx.folder}/data on the server: no release overwrites it"),
    ]


def test_a_volume_that_ends_with_its_color_is_said() -> None:
    (notice,) = mount_changes.volume_notices([("web", "/var/www/html")], "stacks[shop]")
    assert notice.where == "stacks[shop].compose.services.web.volumes"
    assert notice.message.startswith("/var/www/html is a volume of the image that ends with its color")
