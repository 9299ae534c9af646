# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A failure that the screen shows once. For the controller only."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleAction


def failure(message: str, **result: t.Any) -> AnsibleAction:
    """Return the exception that fails a task with a message of several lines.

    Ansible shows the text of an exception, and then ``msg`` of the task's result. Here, the text is the first line.
    """
    heading = message.strip().split("\n", maxsplit=1)[0].rstrip(":")
    return AnsibleAction(heading, result={**result, "msg": message})
