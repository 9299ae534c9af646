# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options that name a server's folder, a project, an environment and a stack, logins, and who takes a lock."""

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

    LOCK = r"""
options:
  lock_holder:
    description:
      - Who releases, for the messages of other users.
    type: str
    required: true
  lock_process:
    description:
      - The Ansible process that releases. The next run takes the lock over at once when that process has ended.
    type: dict
    suboptions:
      user:
        description:
          - User of the process.
        type: str
        required: true
      machine:
        description:
          - Name of the machine that it runs on.
        type: str
        required: true
      id:
        description:
          - Process id.
        type: int
        required: true
      operator:
        description:
          - Who started it, where that is not the user of the process, such as the user of a CI server.
        type: str
      job:
        description:
          - URL of the CI job.
        type: str
  lock_wait:
    description:
      - Seconds to wait for the lock while another run holds it. The screen shows for whom.
    type: float
    default: 0
  stale_token:
    description:
      - Token of a lock whose holder is known to have ended. The release takes it over as soon as the holder's process
        on the server has finished or reverted its release.
    type: int
"""

    STACK = r"""
options:
  stack:
    description:
      - Name of the stack.
    type: str
    required: true
"""
