from __future__ import annotations

from fakes import checked

from ansible_collections.switchyard.stacks.plugins.module_utils import state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.release.stack_input import StackInput


def test_a_stack_from_the_options_of_a_module() -> None:
    option = {
        "definition": state_file.as_json(checked()),
        "sources": {"compose.yml": "services: {}"},
        "tree": {"conf": "d"},
        "inventory_path": "switchyard_stacks[shop]",
    }
    spec = StackInput.from_module(option, {"key": "hunter2"}, "/tmp/files.tar.gz")
    assert (spec.tree.exists("conf"), spec.archive) == (True, "/tmp/files.tar.gz")
    assert (spec.stack, spec.sources, spec.where) == (checked(), option["sources"], "switchyard_stacks[shop]")
    assert spec.secrets == {"key": "hunter2"}
    assert "hunter2" not in repr(spec)
