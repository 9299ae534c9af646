"""Every check can fail: each finds the mistake that is planted for it, and says where."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import compose_keys
import pytest
from checks import CHECKS, glossary
from prose_budget import lowered

DOCUMENTED = 'DOCUMENTATION = r"""\nmodule: switch\n"""\n'
IMPORT = "- name: Deploy\n  ansible.builtin.import_playbook: playbooks/"
TABLE = "| key | type | default | meaning |\n|---|---|---|---|\n"
IMPORTED = "ansible_collections.switchyard.stacks.plugins"
SPEC = "argument_specs: {main: {short_description: x, description: x, options: {OPTIONS}}}"

# check: (files of a repository with one mistake, what the check must say of it)
MISTAKES: dict[str, list[tuple[dict[str, str], str]]] = {
    "action_group_is_complete": [
        ({"plugins/modules/switch.py": DOCUMENTED}, "lacks the module switch"),
        ({"plugins/modules/switch.py": DOCUMENTED}, "does not use the fragment"),
        ({"meta/runtime.yml": "action_groups: {stacks: [gone]}"}, "gone"),
        ({"plugins/doc_fragments/attributes.py": "membership: []"}, "does not name switchyard.stacks.stacks"),
    ],
    "modules_are_thin": [({"plugins/modules/switch.py": DOCUMENTED + "work()\n" * 101}, "101 lines")],
    "plugins_have_unit_tests": [
        ({"plugins/module_utils/proxy/state.py": ""}, "module_utils/proxy/test_state.py is missing"),
        (
            {"plugins/module_utils/proxy/__init__.py": "def plan(): ..."},
            "module_utils/proxy/test_init.py is missing",
        ),
        ({"tests/unit/plugins/filter/test_gone.py": ""}, "test_gone.py tests no plugin"),
        (
            {
                "plugins/module_utils/release/preflight/disk_space.py": "",
                "tests/unit/plugins/module_utils/release/test_checks.py": "",
            },
            "preflight/test_disk_space.py is missing",
        ),
    ],
    "plugins_state_their_license": [({"plugins/filter/name.py": "pass"}, "plugins/filter/name.py")],
    "imports_have_no_cycle": [
        (
            {
                "plugins/module_utils/proxy/a.py": "from .b import x",
                "plugins/module_utils/proxy/b.py": "from . import c",
                "plugins/module_utils/proxy/c.py": "try:\n    from ..proxy.a import x\nexcept ImportError: ...",
            },
            "proxy.a -> plugins.module_utils.proxy.b -> plugins.module_utils.proxy.c -> plugins.module_utils.proxy.a",
        ),
    ],
    "imports_point_down": [
        ({"plugins/module_utils/proxy/a.py": "from ..release.lock import x"}, "proxy must not import release"),
        (
            {
                "plugins/module_utils/proxy/a.py": "def f():\n    from .. import backup",
                "plugins/module_utils/backup/__init__.py": "",
            },
            "proxy must not import backup",
        ),
        (
            {"plugins/module_utils/backup/a.py": "if t.TYPE_CHECKING:\n    from ..release.record import Records"},
            "backup must not import release",
        ),
        ({"plugins/module_utils/redis/a.py": "from ..postgres import sql"}, "redis must not import postgres"),
        ({"plugins/module_utils/fleet/a.py": "from ..errors import x"}, "fleet has no layer"),
        (
            {"plugins/module_utils/a.py": f"from {IMPORTED}.plugin_utils.progress import x"},
            "module_utils must not import plugin_utils",
        ),
        ({"plugins/filter/a.py": f"import {IMPORTED}.modules.b"}, "filter must not import modules"),
        ({"plugins/filter/a.py": "from .b import x"}, "filter must not import filter"),
    ],
    "files_are_short": [
        ({"plugins/module_utils/a.py": "x\n" * 351}, "module_utils/a.py has 351 lines; 350 are allowed"),
        ({"scripts/a": "#!/usr/bin/env python3\n" + "x\n" * 350}, "scripts/a has 351 lines"),
        ({"roles/proxy/templates/a.cfg.j2": "x\n" * 301}, "a.cfg.j2 has 301 lines; 300 are allowed"),
        ({"tests/unit/test_a.py": "x\n" * 501}, "test_a.py has 501 lines; 500 are allowed"),
    ],
    "class_names_are_unique": [
        (
            {"plugins/module_utils/a.py": "class Plan: ...", "plugins/module_utils/b.py": "class Plan: ..."},
            "b.py:1: plugins/module_utils/a.py has a class Plan too",
        ),
    ],
    "files_have_no_gerunds": [
        ({"plugins/module_utils/release/looking.py": ""}, "'looking' is a gerund"),
        ({"tests/bench/hold_waiting/main.yml": ""}, "'waiting' is a gerund"),
    ],
    "old_names_stay_gone": [
        (
            {"plugins/module_utils/release/emptying.py": ""},
            "the old form of: release/drain.py",
        ),
        ({"plugins/module_utils/a.py": "class Shelf: ..."}, "'Shelf' is the old form of: BackupStore"),
        (
            {"plugins/module_utils/a.py": "class A:\n    def strangers(self): ..."},
            "a.py:2: 'strangers' is",
        ),
        ({"plugins/module_utils/a.py": "def f(only_look): ..."}, "'only_look' is the old form of: check_mode"),
        ({"plugins/modules/backup_program.py": 'DOCUMENTATION = "options: {keep_backups: {}}"'}, "keep_names"),
        ({"plugins/modules/backup_program.py": 'RETURN = "keep_backups: {}"'}, "keep_names"),
        ({"roles/stack/README.md": "| `keep_old` | boolean | `true` | keep it |"}, "'keep_old' is the old form"),
        ({"roles/proxy/defaults/main.yml": "proxy_insiders: []"}, "'proxy_insiders' is the old form of"),
        ({"roles/proxy/files/a.lua": 'open("maps/closed.map")'}, "'closed.map' is the old form of"),
        ({"README.md": "Send X-Switchyard-As: public."}, "'X-Switchyard-As' is the old form of"),
        ({"README.md": "Type restore.yml -e copy=true."}, "'-e copy=' is the old form of"),
    ],
    "glossary_is_documented": [
        ({"CONTRIBUTING.md": "no table"}, "lacks the row | **stack** |"),
        ({"CONTRIBUTING.md": "| **shelf** | a folder | |"}, "lacks the word of the row | **shelf** |"),
    ],
    "prose_keeps_its_budget": [
        ({"new/a.md": "Here stands a word."}, "new/a.md:1: stands"),
        ({"new/a.py": "def test_nobody_waits(): ..."}, "new/a.py:1: nobody"),
        ({"new/a.md": "It is no name."}, "new/a.md:1: is no"),
        ({"new/a.md": "The shelf."}, "new/a.md:1: shelf"),
        ({"tests/unit/a.py": ""}, "tests/unit: 0 banned words"),
    ],
    "stack_keys_are_documented": [
        ({"README.md": ""}, "differs from the schema: | `name` | text | required |"),
        ({"roles/stack/README.md": f"{TABLE}| `gone` | text | none | x |"}, "not in the schema: | `gone` |"),
        ({"roles/stack/README.md": f"{TABLE}| `name` | text | required |  |"}, "the meaning is missing: | `name` |"),
    ],
    "compose_keys_are_documented": [({"docs/compose.md": "# Keys"}, "docs/compose.md: differs from the table")],
    "documented_paths_exist": [
        ({"README.md": "See `plugins/modules/gone.py`."}, "README.md:1: plugins/modules/gone.py does not exist"),
        ({"README.md": "See docs/a.md.", "docs/a.md": ""}, "README.md does not link to docs/a.md"),
        ({"docs/a.md": "See `release/looking.py`."}, "plugins/module_utils/release/looking.py does not exist"),
        ({"docs/a.md": "See [this](gone.md#part)."}, "docs/a.md:1: gone.md does not exist"),
        (
            {"README.md": "See `roles/{a,b}/tasks/*.yml`.", "roles/a/tasks/main.yml": ""},
            "roles/{a,b}/tasks/*.yml does not exist",
        ),
    ],
    "entry_points_have_specs": [
        (
            {"roles/a/tasks/b.yml": "", "playbooks/c.yml": "- tasks: [{x.include_role: {name: a, tasks_from: b}}]"},
            "playbooks/c.yml: b of the role a has no argument spec",
        ),
        (
            {"roles/a/tasks/b.yml": "", "molecule/c/verify.yml": "- {x.import_tasks: ../../roles/a/tasks/b.yml}"},
            "molecule/c/verify.yml: b of the role a has no argument spec",
        ),
        (
            {"roles/a/tasks/main.yml": "", "playbooks/c.yml": "- {hosts: all, roles: [x.y.a], tasks: [{a.b.c: x}]}"},
            "playbooks/c.yml: main of the role a has no argument spec",
        ),
    ],
    "roles_are_complete": [
        ({"roles/proxy/tasks/main.yml": ""}, "roles/proxy lacks README.md"),
        ({"roles/proxy/tasks/main.yml": ""}, "no Molecule scenario"),
    ],
    "roles_say_what_they_take": [
        (
            {
                "roles/proxy/meta/argument_specs.yml": SPEC.replace("OPTIONS", "proxy_port: {type: int, default: 80}"),
                "roles/proxy/defaults/main.yml": "proxy_port: 8080",
            },
            "the default of proxy_port is 8080",
        ),
        ({"roles/proxy/defaults/main.yml": "proxy_port: 8080"}, "not in argument_specs.yml"),
        (
            {"roles/proxy/meta/argument_specs.yml": SPEC.replace("OPTIONS", "proxy_port: {type: int, default: 80}")},
            "not in defaults/main.yml",
        ),
        (
            {
                "roles/proxy/meta/argument_specs.yml": SPEC.replace("OPTIONS", "proxy_port: {type: int}"),
                "roles/proxy/defaults/main.yml": "proxy_port: 80",
            },
            "proxy_port has a default in defaults/main.yml, not in argument_specs.yml",
        ),
        ({"roles/proxy/meta/argument_specs.yml": "argument_specs: {reload: {}}"}, "no tasks/reload.yml"),
        ({"roles/proxy/meta/argument_specs.yml": "argument_specs: {main: {}}"}, "has no description"),
    ],
    "role_variables_are_prefixed": [
        ({"roles/proxy/defaults/main.yml": "port: 80"}, "port should begin with proxy_"),
        ({"roles/proxy/vars/main.yml": "proxy_port: 80"}, "proxy_port should begin with __proxy_"),
        ({"roles/proxy/tasks/main.yml": "- {a.b.c: x, loop_control: {loop_var: one}}"}, "one should begin with"),
        ({"roles/proxy/tasks/main.yml": "- block: [{a.b.c: x, vars: {one: 1}}]"}, "one should begin with"),
    ],
    "roles_name_no_groups": [({"roles/proxy/tasks/main.yml": "- x: \"{{ groups['web'] }}\""}, "main.yml:1")],
    "tasks_with_secrets_are_silent": [
        ({"roles/redis/tasks/main.yml": '- {a.b.run: {x: "{{ redis_password }}"}}'}, "lacks no_log"),
        (
            {"roles/redis/tasks/main.yml": '- {a.b.copy: {content: "{{ redis_password }}"}, no_log: true}'},
            "lacks diff: false",
        ),
    ],
    "playbooks_have_sisters": [
        ({"playbooks/deploy.yml": ""}, "playbooks/deploy.yml has no sister"),
        ({"deploy.yml": f"{IMPORT}deploy.yml"}, "no playbooks/deploy.yml"),
        ({"deploy.yml": "- hosts: all", "playbooks/deploy.yml": ""}, "should only import"),
        ({"deploy.yml": f"{IMPORT}rollback.yml", "playbooks/deploy.yml": ""}, "imports another playbook"),
    ],
    "playbooks_are_understood": [({"deploy.yml": "- hosts: all\n  tusks: []"}, "tusks")],
    "playbooks_work_from_every_folder": [
        ({"playbooks/deploy.yml": "- {hosts: all, roles: [switchyard.stacks.stack]}"}, "was not found"),
    ],
    "own_roles_have_full_names": [
        ({"playbooks/deploy.yml": "- {hosts: all, roles: [stack]}"}, "write switchyard.stacks.stack"),
        ({"playbooks/deploy.yml": "- {hosts: all, roles: [{role: stack}]}"}, "write switchyard.stacks.stack"),
        ({"roles/a/tasks/main.yml": "- {ansible.builtin.import_role: {name: b}}"}, "write switchyard.stacks.b"),
        ({"roles/a/meta/main.yml": "dependencies: [{role: b}]"}, "write switchyard.stacks.b"),
    ],
    "collections_are_declared": [
        ({"roles/a/tasks/main.yml": "- name: x\n  community.docker.docker_container:"}, "lacks community.docker"),
        ({"galaxy.yml": "dependencies: {community.general: '*'}"}, "nothing uses"),
    ],
    "versions_agree": [
        ({"README.md": "no table"}, "no table row"),
        (
            {"README.md": "| ansible-core | 2.19, 2.20 |", "meta/runtime.yml": "requires_ansible: '>=2.18.0'"},
            ">=2.18.0",
        ),
        ({"README.md": "| ansible-core | 2.19, 2.20 |"}, "runtime.txt does not pin ansible-core 2.19"),
        ({"README.md": "| ansible-core | 2.19, 2.20 |"}, "core-2.20.txt does not pin ansible-core 2.20"),
        ({"README.md": "| ansible-core | 2.19, 2.20 |"}, "ansible-lint.yml lacks 2.20."),
    ],
    "requirements_are_pinned": [({"requirements/test.txt": "pytest>=9"}, "pytest>=9 is not pinned")],
    "images_have_fixed_tags": [({"roles/a/defaults/main.yml": "a_image: haproxy:latest"}, "main.yml:1")],
    "errors_are_not_ignored": [
        ({"roles/a/tasks/main.yml": "- a.b.c:\n  ignore_errors: true"}, "main.yml:2"),
        ({"molecule/a/verify.yml": "- a.b.c:\n  failed_when: false"}, "verify.yml:2"),
    ],
    "nothing_is_left_over": [({"plugins/filter/name.py": "# TODO later"}, "name.py:1")],
    "nothing_belongs_to_one_machine": [
        ({"scripts/test": "cd /home/anna/stacks"}, "a path of one machine"),
        ({"scripts/test": "curl https://mirror.somewhere.net/x"}, "mirror.somewhere.net"),
    ],
    "programs_find_their_packages": [
        ({"tests/a/run": "#!/usr/bin/env python3\nimport yaml\n"}, "tests/a/run has a #! line and imports yaml"),
        (
            {"scripts/a": "#!/usr/bin/env python3\nimport b\n", "scripts/lib/b.py": "def f():\n    import h2.events\n"},
            "scripts/a has a #! line and imports h2",
        ),
        ({"Makefile": "a:\n\t@python3 tests/a/run.py\n"}, "Makefile:2: python3 tests/a/run.py: use scripts/python"),
    ],
    "make_targets_exist": [
        ({"Makefile": "", "README.md": "Type `make coffee`."}, "there is no make coffee"),
        ({"Makefile": "", "README.md": "Type\n\n    make coffee"}, "there is no make coffee"),
        ({"Makefile": "tea:\n\t@scripts/tea\n"}, "scripts/tea is missing"),
        ({"Makefile": "tea:\n\t@scripts/tea\n"}, "tea is not in .PHONY"),
        ({"Makefile": ".PHONY: tea\ntea:\n", "CONTRIBUTING.md": "`make coffee`"}, "does not list make tea"),
    ],
    "habits_name_their_checks": [
        ({"CONTRIBUTING.md": "1. Think. *Held by `thinking`.*"}, "thinking, which does not exist"),
        ({"CONTRIBUTING.md": "1. Think."}, "does not tell what modules_are_thin holds"),
    ],
}


@pytest.fixture(autouse=True)
def _nothing_remains(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that are still in their old form count as mistakes here."""
    words = {**glossary.glossary(), "remaining": []}
    monkeypatch.setattr(glossary, "glossary", lambda: words)


def test_there_is_a_mistake_for_each_check() -> None:
    assert MISTAKES.keys() == CHECKS.keys()


@pytest.mark.parametrize(
    ("name", "files", "says"),
    [
        pytest.param(name, *mistake, id=f"{name}-{n}")
        for name, all_ in MISTAKES.items()
        for n, mistake in enumerate(all_)
    ],
)
def test_check_can_fail(tmp_path: Path, name: str, files: dict[str, str], says: str) -> None:
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content, encoding="utf-8")

    assert says in "\n".join(CHECKS[name](tmp_path))


def test_what_is_right_has_no_problem(tmp_path: Path) -> None:
    files = {
        "plugins/module_utils/release/lock.py": "from ..proxy.state import x\nfrom ..errors import y\nfrom .a import z",
        "plugins/module_utils/proxy/state.py": "import typing as t\nif t.TYPE_CHECKING:\n    from .driver import x",
        "plugins/module_utils/proxy/driver.py": "from . import state",
        "plugins/modules/canary.py": f"from {IMPORTED}.module_utils.release import lock",
    }
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content, encoding="utf-8")

    assert CHECKS["imports_have_no_cycle"](tmp_path) == []
    assert not [problem for problem in CHECKS["imports_point_down"](tmp_path) if "KNOWN_UPWARD" not in problem]


def test_a_new_key_of_the_compose_specification_is_missed() -> None:
    table = {section: dict(fates) for section, fates in compose_keys.specification().items()}
    del table["services.*"]["network_mode"]
    del table["services.*.networks.*"]["aliases"]
    table["volumes.*"]["gone"] = table["volumes.*"]["name"]

    assert compose_keys.differences(table) == [
        "compose_spec.py: services.* lacks network_mode",
        "compose_spec.py: services.*.networks.* lacks aliases",
        "compose_spec.py: volumes.* has gone, the specification not",
    ]


def test_a_budget_is_lowered_and_never_raised() -> None:
    text = "slack: 5\nbudget:\n  docs: 3\n  roles: 7\n  tests: 2\n"

    assert lowered(text, Counter(docs=9, roles=4)) == "slack: 5\nbudget:\n  docs: 3\n  roles: 4\n"


def test_a_reason_makes_an_ignored_error_right(tmp_path: Path) -> None:
    (tmp_path / "roles/a/tasks").mkdir(parents=True)
    (tmp_path / "roles/a/tasks/main.yml").write_text("- a.b.c:\n  # it may be gone already\n  failed_when: false\n")

    assert CHECKS["errors_are_not_ignored"](tmp_path) == []
