# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names for the volumes that a service has without a name: those of its image, and those of the file without a source.

A container that is removed loses a volume without a name. A volume with a name survives it, is listed, and is removed
with the data of its stack. Its labels have the service and the path that it was made for. Pure.
"""

from __future__ import annotations

import copy
import posixpath
import re
import typing as t

from .. import names
from .models import Mapping

# The key of an added volume in the files, with the service and the path that it was made for.
MADE_FOR = "x-made-for"


def name_volumes(normalised: Mapping, image_volumes: t.Mapping[str, t.Sequence[str]]) -> Mapping:
    """Return the files with a named volume in place of each one without a name.

    ``image_volumes`` has the services to look at, each with the paths that its image declares as ``VOLUME``.
    """
    result = copy.deepcopy(normalised)
    for service, paths in image_volumes.items():
        mounts = result["services"][service].get("volumes", [])
        for mount in mounts:
            if mount.get("type") == "volume" and not mount.get("source"):
                mount["source"] = _add(result, service, mount["target"])
        more = [
            {"type": "volume", "source": _add(result, service, path), "target": path}
            for path in unmounted(result["services"][service], paths)
        ]
        if more:
            result["services"][service]["volumes"] = [*mounts, *more]
    return result


def unmounted(service: Mapping, paths: t.Iterable[str]) -> list[str]:
    """Return the paths that the image of a service declares as ``VOLUME`` and that the service mounts nothing at."""
    mounted = [mount["target"] for mount in service.get("volumes", [])]
    mounted += [path.split(":")[0] for path in _listed(service.get("tmpfs"))]
    return sorted(set(map(posixpath.normpath, paths)) - set(map(posixpath.normpath, mounted)))


def _add(normalised: Mapping, service: str, path: str) -> str:
    """Add a volume to the files, and return its key."""
    volumes = normalised.setdefault("volumes", {})
    name = f"{service}-{re.sub(r'[^A-Za-z0-9_.]+', '-', path).strip('-')}"
    while name in volumes:
        name += "-2"
    volumes[name] = {MADE_FOR: {"service": service, "path": posixpath.normpath(path)}}
    return name


def made_for(labels: t.Mapping[str, str]) -> str:
    """Return the service and the path, ``redis:/data``, that the labels of a volume without a name have; else empty."""
    service, path = (labels.get(names.LABEL + key, "") for key in ("service", "path"))
    return f"{service}:{path}" if path else ""


def _listed(value: t.Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])
