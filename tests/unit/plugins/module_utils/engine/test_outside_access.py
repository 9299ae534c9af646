"""What Compose itself makes of each way out is in release/preflight/test_allowances.py."""

from __future__ import annotations

from fakes import normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.config import allowances
from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_spec, outside_access


def test_the_table_and_the_grammar_have_the_same_words() -> None:
    words = {word for fates in compose_spec.SPECIFICATION.values() for fate in fates.values() for word in fate.allow}
    assert words - {"/path"} == set(allowances.WORDS)


def test_every_key_that_needs_an_allowance_is_searched() -> None:
    lists = {key for key, _word, _value in outside_access.LISTS}
    flags = {"privileged", "use_api_socket", "gpus"}
    needs = {key for key, fate in compose_spec.SERVICE.items() if fate.fate == compose_spec.NEEDS_ALLOW}
    assert needs == {*outside_access.VALUES, *flags, *lists} - {"cap_add", "security_opt"}


def test_every_key_of_a_build_that_needs_an_allowance_is_searched() -> None:
    build = {
        "context": "https://git.example.org/app.git",
        "network": "host",
        "privileged": True,
        "entitlements": ["network.host"],
        "ssh": ["default"],
    }
    needs = {key for key, fate in compose_spec.BUILD.items() if fate.fate == compose_spec.NEEDS_ALLOW}
    found = outside_access.find(normalised(web={"image": None, "build": build}), lambda path: False)
    assert {access.path for access in found} == {f"services.web.build.{key}" for key in (*needs, "context")}
    assert {access.allowances[0].split()[0] for access in found} == {
        word for word in allowances.WORDS if word.startswith("build_")
    }
    # The image is pulled: it has a fixed version.
    assert outside_access.find(normalised(web={"build": build}), lambda path: False) == []


def test_an_access_names_what_it_reaches() -> None:
    tool = {"pid": "host", "volumes": [{"type": "bind", "source": "/srv", "target": "/s"}]}
    found = outside_access.find(normalised(tool=tool), lambda path: False)
    assert [(access.path, access.value, access.meaning) for access in found] == [
        ("services.tool.pid", "host", allowances.WORDS["pid"].meaning),
        ("services.tool.volumes", "/srv", "a path of the server"),
    ]


def test_own_files_stay_in_the_stack() -> None:
    tool = {"volumes": [{"type": "bind", "source": "/own/a", "target": "/s"}]}
    assert outside_access.find(normalised(tool=tool), lambda path: path.startswith("/own/")) == []
