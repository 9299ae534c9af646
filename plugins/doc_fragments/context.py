# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options that name a server's folder, a project, an environment and a stack, and logins."""

    DOCUMENTATION = r"""
options:
  root:
    description:
      - Folder on the server with everything of this collection.
    type: path
    default: /var/lib/switchyard
  project:
    description:
      - Short prefix of everything a team owns on a server.
    type: str
    required: true
  environment:
    description:
      - Name of the environment, such as V(prod).
    type: str
    required: true
requirements:
  - Python's Docker SDK and the Docker CLI with the Compose plugin, on the server
"""

    REGISTRIES = r"""
options:
  registries:
    description:
      - Logins for the registries of the images. A login is used for this task only, and is written to no file that
        another user reads.
    type: list
    elements: dict
    default: []
    suboptions:
      server:
        description:
          - Host of the registry, with its port, as the names of images begin with it.
        type: str
        required: true
      username:
        description:
          - User of the registry.
        type: str
        required: true
      password:
        description:
          - Password or token of the user.
        type: str
        required: true
"""

    STACK = r"""
options:
  stack:
    description:
      - Name of the stack.
    type: str
    required: true
"""
