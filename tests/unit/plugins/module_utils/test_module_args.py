from __future__ import annotations

import typing as t
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError

RunModule = Callable[..., dict[str, t.Any]]
PLACE = {"project": "po", "environment": "prod", "stack": "shop"}


def ending(work: Callable[[], dict[str, t.Any]]) -> Callable[[], None]:
    return lambda: module_args.run_module(AnsibleModule(module_args.STACK_OPTIONS), work)


def test_the_options_name_a_place(run_module: RunModule) -> None:
    def main() -> None:
        module = AnsibleModule(module_args.STACK_OPTIONS)
        ctx = module_args.stack_context(module)
        module.exit_json(folder=str(ctx.folder), key=ctx.key)

    assert run_module(main, {**PLACE, "root": "/srv"})["folder"] == "/srv/po-prod/shop"
    result = run_module(main, PLACE)
    assert (result["folder"], result["key"]) == ("/var/lib/switchyard/po-prod/shop", "po.shop.prod")


def test_the_result_of_the_work_is_the_modules(run_module: RunModule) -> None:
    result = run_module(ending(lambda: {"changed": True, "live": "blue"}), PLACE)
    assert (result["changed"], result["live"]) == (True, "blue")
    assert "failed" not in result


def test_a_result_has_the_fields_of_all_its_dataclasses() -> None:
    @dataclass(frozen=True)
    class Ended:
        changed: bool
        live: str

    @dataclass(frozen=True)
    class Switched:
        live: str

    assert module_args.to_result(Ended(False, "blue"), Switched("green")) == {"changed": False, "live": "green"}
    assert module_args.to_result(Switched("green"))["changed"]


def test_a_switchyard_error_fails_the_module_with_its_details(run_module: RunModule) -> None:
    def work() -> t.NoReturn:
        raise SwitchyardError("The health gate failed.", gate="health", logs={"web": ["no database"]})

    result = run_module(ending(work), PLACE)
    assert result["failed"]
    assert result["gate"] == "health"
    assert (result["msg"], result["logs"]) == ("The health gate failed.", {"web": ["no database"]})


def test_a_full_disk_says_which_file(run_module: RunModule) -> None:
    def work() -> t.NoReturn:
        raise OSError(28, "No space left on device", "/var/lib/switchyard/x")

    result = run_module(ending(work), PLACE)
    assert result["msg"].startswith("[Errno 28] No space left on device: '/var/lib/switchyard/x'")


def test_a_mistake_in_the_code_is_not_hidden(run_module: RunModule) -> None:
    with pytest.raises(KeyError):
        run_module(ending(lambda: {}["nothing"]), PLACE)
