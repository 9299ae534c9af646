from __future__ import annotations

import typing as t
from pathlib import Path

from fakes import normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.release.mount_plan import (
    MountPlan,
    own_name,
    plan_mounts,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.source_files import PLACEHOLDER
from ansible_collections.switchyard.stacks.plugins.module_utils.release.source_tree import SourceTree

STACK = Path("/srv/po-prod/shop")
TREE = SourceTree({"motd": "f1", "conf": "d", "conf/a.ini": "f2", "deploy": "d"})


def bind(name: str, **more: t.Any) -> dict[str, t.Any]:
    return {"type": "bind", "source": f"{PLACEHOLDER}/{name}".rstrip("/"), "target": "/x", **more}


def plan(*mounts: dict[str, t.Any], compose: str = "docker-compose.yml", **content: t.Any) -> MountPlan:
    return plan_mounts({**normalised(web={"volumes": list(mounts)}), **content}, TREE, [compose], STACK)


def sources(found: MountPlan) -> list[str]:
    return [mount["source"] for mount in found.normalised["services"]["web"]["volumes"]]


def test_names_of_the_stacks_own_files() -> None:
    paths = (PLACEHOLDER, f"{PLACEHOLDER}/a/b", f"{PLACEHOLDER}2", "/etc/hosts", None)
    assert [own_name(path) for path in paths] == ["", "a/b", None, None, None]


def test_files_and_read_only_folders_are_copies_by_their_content() -> None:
    found = plan(bind("motd"), bind("conf", read_only=True))
    digests = TREE.digest("motd"), TREE.digest("conf")
    assert sources(found) == [f"{STACK}/files/{digests[0]}/motd", f"{STACK}/files/{digests[1]}/conf"]
    assert found.normalised["services"]["web"]["volumes"][0]["read_only"]
    assert found.made_read_only == (("web", "motd"),)
    assert found.content == {"motd": digests[0], "conf": digests[1]}
    assert found.data == {}


def test_a_writable_folder_is_the_stacks_whether_it_exists_or_not() -> None:
    found = plan(bind("conf"), bind("data/db"))
    assert sources(found) == [f"{STACK}/data/conf", f"{STACK}/data/data/db"]
    assert found.data == {"conf": ("web",), "data/db": ("web",)}
    assert found.content == {}


def test_the_folder_of_the_compose_file_is_left_out_where_it_is_writable() -> None:
    assert plan(bind("")).left_out == (("web", "."),)
    assert sources(plan(bind(""), bind("conf"))) == [f"{STACK}/data/conf"]
    assert plan(bind("deploy"), compose="deploy/app.yml").left_out == (("web", "deploy"),)
    assert plan(bind("deploy"), compose="deployed.yml").left_out == ()
    copied = plan(bind("", read_only=True))
    assert sources(copied) == [f"{STACK}/files/{TREE.digest('')}/source"]


def test_paths_of_the_server_and_volumes_stay() -> None:
    mounts = [{"type": "bind", "source": "/etc/hosts", "target": "/h"}, {"type": "volume", "target": "/v"}]
    found = plan(*mounts)
    assert found.normalised["services"]["web"]["volumes"] == mounts
    assert (found.content, found.data) == ({}, {})


def test_configs_and_volumes_of_a_folder() -> None:
    configs = {"motd": {"file": f"{PLACEHOLDER}/motd"}, "inline": {"content": "a"}}
    volumes = {"db": {"driver_opts": {"o": "bind", "device": f"{PLACEHOLDER}/db"}}, "plain": None}
    found = plan(configs=configs, volumes=volumes)
    assert found.normalised["configs"]["motd"] == {"file": f"{STACK}/files/{TREE.digest('motd')}/motd"}
    assert found.normalised["volumes"]["db"]["driver_opts"]["device"] == f"{STACK}/data/db"
    assert found.data == {"db": ()}
    assert configs["motd"]["file"] == f"{PLACEHOLDER}/motd"
