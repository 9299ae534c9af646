"""Every check can fail: each finds the mistake that is planted for it, and says where."""

from __future__ import annotations

from pathlib import Path

import pytest
from checks import CHECKS

DOCUMENTED = 'DOCUMENTATION = r"""\nmodule: switch\n"""\n'
IMPORT = "- name: Deploy\n  ansible.builtin.import_playbook: playbooks/"
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
    ],
    "plugins_state_their_license": [({"plugins/filter/name.py": "pass"}, "plugins/filter/name.py")],
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
        ({"roles/proxy/tasks/main.yml": "- block: [{a.b.c: x, register: answer}]"}, "answer should begin with"),
        ({"roles/proxy/tasks/main.yml": "- {ansible.builtin.set_fact: {answer: 1}}"}, "answer should begin with"),
        ({"roles/proxy/tasks/main.yml": "- {a.b.c: x, loop_control: {loop_var: one}}"}, "one should begin with"),
        ({"roles/proxy/tasks/main.yml": "- {a.b.c: x, vars: {one: 1}}"}, "one should begin with"),
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
    "make_targets_exist": [
        ({"Makefile": "", "README.md": "Type `make coffee`."}, "there is no make coffee"),
        ({"Makefile": "", "README.md": "Type\n\n    make coffee"}, "there is no make coffee"),
        ({"Makefile": "tea:\n\t@scripts/tea\n"}, "scripts/tea is missing"),
        ({"Makefile": "tea:\n\t@scripts/tea\n"}, "tea is not in .PHONY"),
    ],
    "habits_name_their_checks": [
        ({"CONTRIBUTING.md": "1. Think. *Held by `thinking`.*"}, "thinking, which does not exist"),
        ({"CONTRIBUTING.md": "1. Think."}, "does not tell what modules_are_thin holds"),
    ],
}


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


def test_a_reason_makes_an_ignored_error_right(tmp_path: Path) -> None:
    (tmp_path / "roles/a/tasks").mkdir(parents=True)
    (tmp_path / "roles/a/tasks/main.yml").write_text("- a.b.c:\n  # it may be gone already\n  failed_when: false\n")

    assert CHECKS["errors_are_not_ignored"](tmp_path) == []
