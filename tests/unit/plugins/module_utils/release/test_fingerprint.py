from __future__ import annotations

import json

from fakes import Machine, given, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.release.fingerprint import fingerprint_of
from ansible_collections.switchyard.stacks.plugins.module_utils.release.mount_plan import plan_mounts
from ansible_collections.switchyard.stacks.plugins.module_utils.release.source_tree import SourceTree
from ansible_collections.switchyard.stacks.plugins.module_utils.release.stack_input import StackInput


def fingerprint(machine: Machine, spec: StackInput) -> str:
    content = json.loads(spec.sources["docker-compose.yml"])
    return fingerprint_of(machine.ctx, content, spec, {"reg/web:1": "sha256:1"})


def test_a_secret_changes_the_fingerprint_and_cannot_be_read_from_it(machine: Machine) -> None:
    first, second = (fingerprint(machine, given(secrets={"key": value})) for value in ("a", "b"))
    assert first != second
    (machine.root / "proxy" / "server-preview.key").write_text("key of another server")
    assert fingerprint(machine, given(secrets={"key": "a"})) != first


def test_a_mounted_file_changes_the_fingerprint(machine: Machine) -> None:
    content = normalised(web={"volumes": [{"type": "bind", "source": "/.switchyard-source/motd", "target": "/motd"}]})

    def of(text: str) -> str:
        plan = plan_mounts(content, SourceTree({"motd": f"f{text}"}), [], machine.ctx.folder)
        return fingerprint_of(machine.ctx, plan.normalised, given(content), {})

    assert len({of(text) for text in ("a", "b", "a")}) == 2


def test_number_and_color_do_not_change_the_fingerprint(machine: Machine) -> None:
    first = machine.deployed("blue", given())
    second = machine.deployed("green", given())
    assert first.number != second.number
    assert first.fingerprint == second.fingerprint
