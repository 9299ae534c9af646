from __future__ import annotations

import typing as t

import yaml
from fakes_new_inventory import app_of, port, volume, waits

from ansible_collections.switchyard.stacks.plugins.module_utils.config import validate
from ansible_collections.switchyard.stacks.plugins.plugin_utils.new_inventory.inventory_files import inventory_files
from ansible_collections.switchyard.stacks.plugins.plugin_utils.new_inventory.stack_proposal import propose_stack

Services = dict[str, dict[str, t.Any]]

WEB: dict[str, t.Any] = {
    "ports": [port(8000)],
    "depends_on": waits(migrate="completed_successfully"),
    "secrets": [{"source": "api-key"}],
    "privileged": True,
    "volumes": [volume("uploads")],
}
SERVICES: Services = {
    "web": WEB,
    "app": {"volumes": [volume("uploads")]},
    "migrate": {},
    "mailer": {},
    "load": {},
    "create-index": {"command": ["index", "{{ all }}"]},
    "db": {"image": "postgres:17"},
}


def files(services: Services, server: str = "", domain: str = "", **values: t.Any) -> dict[str, str]:
    app = app_of(services, **values)
    return inventory_files(propose_stack(app, "my-shop", "po", "prod", domain), "../../../shop", server)


def stack_in(texts: dict[str, str]) -> dict[str, t.Any]:
    class Loader(yaml.SafeLoader):
        """Reads what Ansible takes as a text that is never a template."""

    Loader.add_constructor("!unsafe", lambda _loader, node: node.value)
    (stack,) = yaml.load(texts["group_vars/all/stacks.yml"], Loader=Loader)["switchyard_stacks"]
    return t.cast("dict[str, t.Any]", stack)


def test_the_stack_has_every_key_that_the_proposal_found() -> None:
    values: dict[str, t.Any] = {
        "unset": ("TAG", "DB_PASSWORD"),
        "image_texts": ("shop:${TAG}",),
        "volumes": {"uploads": {}},
    }
    stack = stack_in(files(SERVICES, **values))
    assert stack == {
        "name": "my-shop",
        "source": {"path": "../../../shop"},
        "compose": ["docker-compose.yml"],
        "variables": {"TAG": "{{ my_shop_version }}"},
        "routes": [
            {
                "service": "web",
                "port": 8000,
                "hosts": ["<fill in: the host name of web, such as my-shop.example.org>"],
                "health": {"path": "/"},
            }
        ],
        "workers": ["mailer"],
        "accessories": ["db"],
        "inner": ["app"],
        "migrate": {
            "service": "migrate",
            "kind": "<fill in: expand if the old version works on the new schema, else breaking>",
        },
        "after_migrate": [{"service": "create-index", "command": ["index", "{{ all }}"]}],
        "postgres": {"accessory": "db"},
        "secrets": {"api-key": "{{ vault_my_shop_api_key }}", "DB_PASSWORD": "{{ vault_my_shop_db_password }}"},
        "secrets_as_env": ["DB_PASSWORD"],
    }


def test_the_checks_of_an_inventory_find_its_placeholders_and_nothing_else() -> None:
    stack = stack_in(files(SERVICES))
    _stacks, problems = validate.check([stack], "po", "prod")
    assert [(problem.where.partition(".")[2], problem.code) for problem in problems] == [
        ("routes[0].hosts", "inventory.placeholder"),
        ("migrate.kind", "inventory.placeholder"),
    ]


def test_an_application_without_a_service_for_users_has_a_route_to_fill_in() -> None:
    stack = stack_in(files({"db": {"image": "postgres:17"}}))
    assert [sorted(route) for route in stack["routes"]] == [["hosts", "port", "service"]]
    _stacks, problems = validate.check([stack], "po", "prod")
    assert {problem.code for problem in problems} == {"inventory.placeholder"}


def test_allowances_are_comments_that_a_reader_turns_on() -> None:
    text = files(SERVICES)["group_vars/all/stacks.yml"]
    assert "allow" not in stack_in({"group_vars/all/stacks.yml": text})
    allowed = text.replace("    # allow:", "    allow:").replace("    #   ", "      ")
    assert stack_in({"group_vars/all/stacks.yml": allowed})["allow"] == {"web": ["privileged"]}
    assert "# all rights on the server" in text


def test_the_other_files() -> None:
    texts = files(SERVICES, unset=("TAG",), image_texts=("shop:${TAG}",))
    assert yaml.safe_load(texts["hosts.yml"]) == {
        "all": {
            "hosts": {
                "server1": {
                    "ansible_host": "<fill in: the name or the address of the server>",
                    "ansible_become": True,
                }
            }
        }
    }
    assert yaml.safe_load(texts["group_vars/all/main.yml"]) == {
        "switchyard_project": "po",
        "switchyard_environment": "prod",
        "my_shop_version": "<fill in: the version to release, such as 1.0.0>",
    }
    assert yaml.safe_load(texts["group_vars/all/vault.yml"]) == {
        "vault_my_shop_api_key": "<fill in: the secret value of api-key>"
    }
    shared = files({"web": {}}, "203.0.113.7", "example.com", shared=frozenset({"postgres"}))
    assert list(yaml.safe_load(shared["hosts.yml"])["all"]["hosts"]) == ["203.0.113.7"]
    assert list(yaml.safe_load(shared["group_vars/all/vault.yml"])) == ["vault_my_shop_postgres_password"]
    assert stack_in(shared)["postgres"] == {"password": "{{ vault_my_shop_postgres_password }}"}


def test_an_example_of_a_migration_is_one_of_the_kind_of_application() -> None:
    database = {"image": "postgres:17"}
    for command, example in (
        (["bundle", "exec", "puma"], "[bundle, exec, rails, db:migrate]"),
        (["gunicorn"], "[python3, manage.py, migrate]"),
        (["php", "artisan", "serve"], "[php, artisan, migrate, --force]"),
    ):
        services: Services = {
            "live": {"ports": [port(1)]},
            "web": {"command": command, "ports": [port(2)]},
            "db": database,
        }
        line = f"    # migrate: {{service: web, kind: expand, command: {example}}}"
        assert line in files(services)["group_vars/all/stacks.yml"].splitlines()


def test_a_service_that_is_never_started_needs_no_role() -> None:
    services: Services = {"web": {"ports": [port(1)]}, "off": {"scale": 0, "volumes": [volume("data")]}}
    assert "inner" not in stack_in(files(services, volumes={"data": {}}))


def test_a_service_that_is_never_restarted_needs_a_role() -> None:
    services: Services = {"web": {"ports": [port(1)]}, "store": {"restart": "no"}}
    assert stack_in(files(services))["inner"] == ["store"]


def test_without_a_secret_there_is_no_vault() -> None:
    assert "group_vars/all/vault.yml" not in files({"web": {}})


def test_every_guess_has_its_reason_in_the_line_before() -> None:
    lines = files(SERVICES)["group_vars/all/stacks.yml"].splitlines()
    for line, reason in (
        ("      - mailer", "      # mailer: the word mailer in its name: "),
        ("      - db", "      # db: its image (postgres) keeps data."),
        ("      - service: web", "      # web: it publishes the port 8000."),
        ("    postgres: {accessory: db}", "    # postgres: db has PostgreSQL, "),
    ):
        assert lines[lines.index(line) - 1].startswith(reason)
    assert "    # - load (inner): it keeps no data: it runs once per color, next to the routed services." in lines
