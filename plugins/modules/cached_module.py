#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cached_module
short_description: Run a module of this collection from the code that the server stores
description:
  - The action plugins of this collection call it. It is not for use in playbooks.
  - Ansible sends a module's code with each call. A server that has the code in C(/var/cache/switchyard/code) gets the
    arguments only, which saves about 0.4 seconds per call.
  - When the code is missing, the result says so, and the action plugin sends it once. In check mode, and where the user
    cannot write that folder, the module is sent as usual.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
attributes:
  action:
    description: Has an action plugin that does a part of the work on the controller.
    support: full
  check_mode:
    support: full
    details: As the module that it runs.
  diff_mode:
    support: full
    details: As the module that it runs.
  idempotent:
    support: full
    details: As the module that it runs.
options:
  digest:
    description:
      - The digest of the code.
    type: str
    required: true
  name:
    description:
      - Name of the module, without the collection.
    type: str
    required: true
  arguments:
    description:
      - The options of that module.
    type: dict
    required: true
  archive:
    description:
      - Path on the server of an archive with the code, to be stored first.
    type: path
"""

EXAMPLES = r"""
# The action plugins of this collection call it.
"""

RETURN = r"""
code_missing:
  description: The code is not on the server; nothing was run.
  returned: when the code is missing
  type: bool
can_store:
  description: Whether the code can be stored for the user that ran this.
  returned: when the code is missing
  type: bool
"""

import json
import os
import runpy
import sys
import typing as t
from pathlib import Path

from ansible.module_utils import basic
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import code_cache

PACKAGE = "ansible_collections.switchyard.stacks.plugins"


def run_stored(folder: Path, name: str) -> t.NoReturn:
    """Run a module of the stored code with its own arguments, as if Ansible had called it."""
    arguments = json.loads(basic._ANSIBLE_ARGS or b"{}")
    outer = arguments["ANSIBLE_MODULE_ARGS"]
    ansibles = {key: value for key, value in outer.items() if key.startswith("_ansible_")}
    module = f"{PACKAGE}.modules.{name}"
    ansibles["_ansible_module_name"] = f"switchyard.stacks.{name}"
    arguments["ANSIBLE_MODULE_ARGS"] = {**outer["arguments"], **ansibles}
    basic._ANSIBLE_ARGS = json.dumps(arguments).encode()
    for package in (PACKAGE, f"{PACKAGE}.modules", f"{PACKAGE}.module_utils"):
        path = folder.joinpath("plugins", *package[len(PACKAGE) :].strip(".").split("."))
        sys.modules[package].__path__.insert(0, str(path))
    runpy.run_module(
        module,
        init_globals={"_module_fqn": module, "_modlib_path": globals().get("_modlib_path")},
        run_name="__main__",
        alter_sys=True,
    )
    raise RuntimeError(f"{module} ended without a result")


def main() -> None:
    """Run the module from the stored code, or say that the code is missing."""
    module = AnsibleModule(
        argument_spec={
            "digest": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            # The module that is run knows which of its options are secret.
            "arguments": {"type": "dict", "required": True, "no_log": True},
            "archive": {"type": "path"},
        },
        supports_check_mode=True,
    )
    digest, archive = module.params["digest"], module.params["archive"]
    if archive and not module.check_mode:
        try:
            folder = code_cache.store_code(digest, Path(archive))
        except (OSError, ValueError) as error:
            module.fail_json(
                msg=f"The code of the modules was not stored: {error}.", code_missing=True, can_store=False
            )
    else:
        found = code_cache.stored_code(digest)
        if found is None:
            can_store = os.geteuid() == 0 and not module.check_mode
            module.exit_json(changed=False, code_missing=True, can_store=can_store)
        folder = found
    if module.check_mode:
        sys.dont_write_bytecode = True
    else:
        code_cache.mark_used(folder)
    run_stored(folder, module.params["name"])


if __name__ == "__main__":
    main()
