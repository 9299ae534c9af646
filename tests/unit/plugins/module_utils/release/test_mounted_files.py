from __future__ import annotations

import json
import os
from dataclasses import replace

from fakes import Machine, given, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.release import mounted_files
from ansible_collections.switchyard.stacks.plugins.module_utils.release.mount_plan import plan_mounts

USED = ("00000000000000aa", "00000000000000bb")


def test_the_digests_of_releases_and_of_running_containers_are_in_use(machine: Machine) -> None:
    first = machine.released("blue")
    failed = machine.released("green", state="failed")
    for record, digest in ((first, USED[0]), (failed, "00000000000000ff")):
        path = machine.ctx.records.path(record.number) / "blue.yml"
        path.write_text(json.dumps({"source": f"{machine.ctx.folder}/files/{digest}/conf"}))
    (container,) = machine.ctx.containers(color="blue")
    machine.engine.start(replace(container, mounts={"/c": f"{machine.ctx.folder}/secrets/{USED[1]}/key"}))
    assert mounted_files.used_digests(machine.ctx) == set(USED)
    for digest in (*USED, "00000000000000ff"):
        (machine.ctx.folder / "secrets" / digest).mkdir(parents=True)
        (machine.ctx.folder / "files" / digest).mkdir(parents=True)
    mounted_files.prune(machine.ctx)
    for folder in ("secrets", "files"):
        assert {path.name for path in (machine.ctx.folder / folder).iterdir()} == set(USED)


def test_a_writable_folder_belongs_to_the_user_of_its_service(machine: Machine) -> None:
    machine.engine.__init__(images=["reg/web:1"])  # type: ignore[misc]
    mount = {"type": "bind", "source": "/.switchyard-source/data", "target": "/data"}
    users = {"web": f"{os.getuid()}:0", "named": "app", "other": None}
    content = normalised(
        **{name: {"volumes": [mount], **({"user": user} if user else {})} for name, user in users.items()}
    )
    spec = given(content)
    plan = plan_mounts(content, spec.tree, spec.stack.compose, machine.ctx.folder)
    mounted_files.create(machine.ctx, plan, spec, {})
    assert (machine.ctx.folder / "data/data").stat().st_uid == os.getuid()
