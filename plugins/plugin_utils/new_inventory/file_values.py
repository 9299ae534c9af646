# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The values that the Compose files of an application leave to its inventory: variables, versions and secrets. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.switchyard.stacks.plugins.module_utils.config.placeholders import placeholder
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.compose_build import is_built
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import floating_tag_reason

from .application import Application

# Words in the name of a variable whose value belongs into the vault.
_SECRET = re.compile(
    r"(?i)password|passwd|passphrase|secret|token|credential|api_?key|_key(?:_base)?(?:_|\Z)"
    r"|(?:\A|_)(?:pass|pw|salt|dsn|private)(?:_|\Z)"
)

# Variables that Compose and this collection set.
_OWN = re.compile(r"(?:PWD|COMPOSE_.*|SWITCHYARD_.*)\Z")

# An image that ends in a variable: what is before it, the variable, and its default.
_ENDS_IN_VARIABLE = re.compile(r"(?P<before>.*?)\$\{?(?P<name>\w+)(?::?(?P<sign>[-?])(?P<word>[^}]*))?\}?\Z")
_VARIABLE = re.compile(r"\$\{[^}]*\}|\$\w+")


@dataclass(frozen=True)
class Setting:
    """A key of the inventory with its value, and the reason, as a sentence without a full stop."""

    name: str
    value: t.Any
    reason: str


@dataclass(frozen=True)
class FileValues:
    """The variables of a stack, the variable of the inventory that has its version, and its secrets.

    ``as_env`` are the secrets that are variables of the Compose files.
    """

    variables: tuple[Setting, ...]
    version: str | None
    secrets: tuple[Setting, ...]
    as_env: tuple[str, ...]


@dataclass(frozen=True)
class ImageVariable:
    """A variable at the end of an image in the Compose files: what is before it, and its default."""

    name: str
    before: str
    default: str | None

    @property
    def is_tag(self) -> bool:
        """Whether it is the tag, not the whole image or a part of its name."""
        return self.before.endswith(":")

    def may_give(self, image: str) -> bool:
        """Return whether an image of the normalised files is from here."""
        parts = [re.escape(part) for part in _VARIABLE.split(self.before)]
        return bool(re.fullmatch(".*".join(parts) + ".*", image))


def propose_values(app: Application, stack: str) -> FileValues:
    """Return what the Compose files leave open, each with a value or a placeholder."""
    images = {one.name: one for one in image_variables(app)}
    variables, as_env = [], []
    version_name = f"{identifier(stack)}_version"
    version = f"{{{{ {version_name} }}}}"
    for name in names_without_value(app):
        image = images.get(name)
        if image and image.is_tag:
            variables.append(Setting(name, version, f"the version of the image {image.before.rstrip(':')}"))
        elif image:
            example = f"registry.example.org/{stack}"
            name_only = placeholder(f"the image without its tag, such as {example}")
            variables.append(Setting(name, f"{name_only}:{version}", "the Compose files take the image from it"))
        elif _SECRET.search(name):
            as_env.append(name)
        else:
            value = placeholder(f"the value of {name}")
            variables.append(Setting(name, value, "the Compose files use it, and nothing gives it a value"))
    has_version = any(version in str(one.value) for one in variables)
    reason = "by its name, this variable of the Compose files is a secret"
    found = {
        **dict.fromkeys(_named_secrets(app), "the Compose files name this secret"),
        **dict.fromkeys(as_env, reason),
    }
    secrets = [Setting(name, placeholder(f"the secret value of {name}"), why) for name, why in found.items()]
    return FileValues(tuple(variables), version_name if has_version else None, tuple(secrets), tuple(as_env))


def identifier(text: str) -> str:
    """Return a name as a part of the name of a variable."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def image_variables(app: Application) -> list[ImageVariable]:
    """Return the variables at the end of images."""
    found = filter(None, map(_ENDS_IN_VARIABLE.fullmatch, app.image_texts))
    return [ImageVariable(one["name"], one["before"], one["word"] if one["sign"] == "-" else None) for one in found]


def names_without_value(app: Application) -> list[str]:
    """Return the variables that need a value: those without one, and defaults that fix no version of an image."""
    floating = [
        one.name
        for one in image_variables(app)
        if one.default is not None and one.name not in app.env_names and _pulls_floating(app, one)
    ]
    null = [
        name
        for service in app.services.values()
        for values in (service.get("environment") or {}, (service.get("build") or {}).get("args") or {})
        for name, value in values.items()
        if value is None
    ]
    return sorted(name for name in {*app.unset, *null, *floating} if not _OWN.match(name))


def floating_images(app: Application) -> list[str]:
    """Return sentences about the images without a fixed version that no variable of the inventory can fix."""
    open_names = names_without_value(app)
    variables = [one for one in image_variables(app) if one.name in open_names]
    found = []
    for name, service in app.services.items():
        image = service.get("image") or ""
        reason = floating_tag_reason(image) if image else None
        if reason and not is_built(service) and not any(one.may_give(image) for one in variables):
            found.append(f"services.{name}.image: {image} {reason}; write a fixed tag")
    return found


def _pulls_floating(app: Application, variable: ImageVariable) -> bool:
    """Return whether a service pulls an image without a fixed version that ends in the default of a variable."""
    return any(
        variable.may_give(service.get("image") or "") and not is_built(service)
        for service in app.services.values()
        if floating_tag_reason(service.get("image") or "")
        and (service.get("image") or "").endswith(variable.default or "")
    )


def _named_secrets(app: Application) -> list[str]:
    """Return the secrets of services and builds that no file of the folder holds."""
    used = [
        str(secret["source"])
        for service in app.services.values()
        for secret in (*(service.get("secrets") or ()), *((service.get("build") or {}).get("secrets") or ()))
    ]
    return [name for name in dict.fromkeys(used) if name not in app.file_secrets]
