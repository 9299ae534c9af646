# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of an inventory with the misspelt name of a variable of this collection. For the controller only."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from ansible_collections.switchyard.stacks.plugins.module_utils.near_name import near_name

ROLES = Path(__file__).resolve().parents[2] / "roles"

# What an action plugin reads, and no role: plugin_utils/progress.py
OF_PLUGINS = frozenset({"switchyard_progress"})

# The least likeness of a misspelt name: users have variables of their own, such as redis_password.
CLOSE = 0.9


def known_variables(roles: Path = ROLES) -> frozenset[str]:
    """Return the variables that a user may set: those that the defaults and specifications of the roles mention."""
    prefixes = ["switchyard", *sorted(path.name for path in roles.iterdir())]
    variable = re.compile(rf"(?<![\w.])(?:{'|'.join(prefixes)})_[a-z0-9_]+")
    files = [*roles.glob("*/defaults/main.yml"), *roles.glob("*/meta/argument_specs.yml")]
    return OF_PLUGINS.union(*(variable.findall(path.read_text(encoding="utf-8")) for path in files))


def misspelt_variables(names: t.Iterable[str], roles: Path = ROLES) -> list[str]:
    """Return a sentence for each unknown name that is close to a variable of this collection."""
    known = known_variables(roles)
    prefixes = tuple({f"{name.partition('_')[0]}_" for name in known})
    unknown = sorted(name for name in set(names) - known if name.startswith(prefixes))
    near = {name: near_name(name, known, CLOSE) for name in unknown}
    return [
        f"{name} is not a variable of this collection and has no effect. Did you mean {meant}?"
        for name, meant in near.items()
        if meant
    ]
