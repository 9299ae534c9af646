from __future__ import annotations

import typing as t
from dataclasses import replace

from fakes import Machine, container, given, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_render
from ansible_collections.switchyard.stacks.plugins.module_utils.release.effective_files import (
    changed_accessories,
    effective_files,
    volumes_of_colors,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.mount_plan import plan_mounts

SPEC = given(accessories=["db"])


def files(machine: Machine, **db: t.Any) -> t.Any:
    plan = plan_mounts(normalised(web={}, db=db), SPEC.tree, SPEC.stack.compose, machine.ctx.folder)
    return effective_files(machine.ctx, plan, SPEC.stack, {"reg/db:1": "reg/db:1", "reg/web:1": "reg/web:1"})


def test_volumes_of_accessories_have_names_and_those_of_colors_do_not(machine: Machine) -> None:
    machine.engine.__init__(images=["reg/web:1", "reg/db:1"])  # type: ignore[misc]
    for name, image in machine.engine.images.items():
        machine.engine.images[name] = replace(image, volumes=("/data",))
    assert list(files(machine)["volumes"]) == ["db-data"]
    assert "volumes" not in files(machine)["services"]["web"]
    content = normalised(web={}, db={}, other={"tmpfs": "/data"})
    plan = plan_mounts(content, SPEC.tree, SPEC.stack.compose, machine.ctx.folder)
    images = dict.fromkeys(("reg/web:1", "reg/db:1", "reg/other:1"), "reg/web:1")
    assert volumes_of_colors(machine.ctx, plan, SPEC.stack, images) == [("web", "/data")]
    del machine.engine.images["reg/db:1"]
    assert "volumes" not in files(machine)


def test_a_running_accessory_with_another_definition_is_named(machine: Machine) -> None:
    def rendered(**db: t.Any) -> t.Any:
        release = compose_render.Release("po", "prod")
        return compose_render.render(files(machine, **db), SPEC.stack, release).accessories

    assert changed_accessories(machine.ctx, rendered()) == []
    (service,) = rendered()["services"].values()
    labels = {name.removeprefix("io.switchyard."): value for name, value in service["labels"].items()}
    machine.engine.start(container("po-db-prod", labels=labels))
    assert changed_accessories(machine.ctx, rendered()) == []
    assert changed_accessories(machine.ctx, rendered(command=["other"])) == ["db"]
    assert changed_accessories(machine.ctx, {}) == []
