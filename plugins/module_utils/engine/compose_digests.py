# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The digest of a service in a rendered project, as a label of its container."""

from __future__ import annotations

import hashlib
import json

from .. import names
from .models import Mapping

LABEL = "config"


def with_digests(project: Mapping) -> Mapping:
    """Return a project whose services have a digest of themselves, with their secrets and configs, as a label.

    Compose recreates a container for another label, and not for another path of a secret or config: its hash of a
    service has their names only (docker/compose, ``pkg/compose/hash.go``).
    """
    services = {}
    for name, service in project.get("services", {}).items():
        files = [
            project.get(kind, {}).get(item["source"])
            for kind in ("secrets", "configs")
            for item in service.get(kind, [])
        ]
        content = json.dumps([service, files], sort_keys=True).encode()
        digest = hashlib.sha256(content).hexdigest()[:16]
        services[name] = {**service, "labels": {**service["labels"], **names.labels(**{LABEL: digest})}}
    return {**project, "services": services} if services else project
