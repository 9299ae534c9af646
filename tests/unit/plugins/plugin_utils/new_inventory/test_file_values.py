from __future__ import annotations

import typing as t

from fakes_new_inventory import app_of

from ansible_collections.switchyard.stacks.plugins.plugin_utils.new_inventory.file_values import (
    floating_images,
    identifier,
    propose_values,
)

VERSION = "{{ my_shop_version }}"


def values(services: dict[str, dict[str, t.Any]], **given: t.Any) -> dict[str, t.Any]:
    return {one.name: one.value for one in propose_values(app_of(services, **given), "my-shop").variables}


def test_the_tag_of_an_image_is_the_version_of_the_inventory() -> None:
    found = values(
        {"web": {"image": "reg.example.org/shop:"}}, unset=("TAG",), image_texts=("reg.example.org/shop:${TAG}",)
    )
    assert found == {"TAG": VERSION}
    app = app_of({"web": {}}, unset=("TAG",), image_texts=("shop:$TAG",))
    assert propose_values(app, "my-shop").version == "my_shop_version"


def test_of_a_whole_image_only_the_name_is_open() -> None:
    found = values({"web": {"image": "1"}}, unset=("IMAGE",), image_texts=("${IMAGE:?set it}",))
    assert found == {"IMAGE": f"<fill in: the image without its tag, such as registry.example.org/my-shop>:{VERSION}"}


def test_a_default_that_fixes_no_version_is_replaced() -> None:
    texts = ("shop:${TAG:-latest}", "postgres:${PG:-17}", "reg.example.org/${NAME:-app}")
    services = {
        "web": {"image": "shop:latest"},
        "db": {"image": "postgres:17"},
        "app": {"image": "reg.example.org/app"},
    }
    placeholder = "<fill in: the image without its tag, such as registry.example.org/my-shop>"
    assert values(services, image_texts=texts) == {"NAME": f"{placeholder}:{VERSION}", "TAG": VERSION}
    # A value of .env, and an image that is built here.
    assert values(services, image_texts=texts, env_names=("TAG", "NAME")) == {}
    built = {"web": {"image": "shop:latest", "build": {"context": "."}}}
    assert values(built, image_texts=texts[:1]) == {}


def test_secrets_of_the_files_and_variables_that_sound_like_one() -> None:
    services = {
        "web": {"secrets": [{"source": "db_password"}, {"source": "in_file"}], "environment": {"API_KEY": None}}
    }
    unset = ("SECRET_KEY_BASE", "LEVEL", "PWD", "SWITCHYARD_POSTGRES_HOST", "COMPASS", "MONKEY_BUSINESS")
    found = propose_values(app_of(services, unset=unset, file_secrets=("in_file",)), "shop")
    assert found.as_env == ("API_KEY", "SECRET_KEY_BASE")
    assert [one.name for one in found.secrets] == ["db_password", "API_KEY", "SECRET_KEY_BASE"]
    assert found.secrets[0].value == "<fill in: the secret value of db_password>"
    assert [one.name for one in found.variables] == ["COMPASS", "LEVEL", "MONKEY_BUSINESS"]
    assert found.version is None


def test_images_that_no_variable_fixes() -> None:
    services = {
        "web": {"image": "shop:latest"},
        "app": {"image": "app"},
        "tool": {"image": "tool:"},
        "own": {"image": "own", "build": {"context": "."}},
    }
    assert floating_images(app_of(services, unset=("TAG",), image_texts=("tool:${TAG}",))) == [
        "services.web.image: shop:latest is tagged latest; write a fixed tag",
        "services.app.image: app has no tag; write a fixed tag",
    ]


def test_names_of_variables() -> None:
    assert [identifier(text) for text in ("My-Shop", "a.b", "_x_")] == ["my_shop", "a_b", "x"]
