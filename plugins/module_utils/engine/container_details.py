# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine knows of one container beyond its state, and of one volume."""

from __future__ import annotations

import typing as t

from .models import Volume


class ContainerDetails:
    """The questions of the engine's client about one container or volume."""

    sdk: t.Any
    client: t.Any

    def environment(self, name: str) -> dict[str, str]:
        """Return the environment variables of a container, which may be secrets; empty if it does not exist."""
        try:
            answer = self.client.api.inspect_container(name)
        except self.sdk.errors.NotFound:
            return {}
        return dict(entry.partition("=")[::2] for entry in answer["Config"].get("Env") or [])

    def host_names(self, container: str) -> tuple[str, ...]:
        """Return the names by which other containers reach a container in its networks."""
        try:
            networks = self.client.api.inspect_container(container)["NetworkSettings"]["Networks"].values()
        except self.sdk.errors.NotFound:
            return ()
        found = {name for network in networks for key in ("Aliases", "DNSNames") for name in network.get(key) or []}
        return tuple(sorted(found | {container}))

    def image_names(self, container: str) -> list[str]:
        """Return the names of a container's image: the one it was started with, and the tags of its content."""
        try:
            answer = self.client.api.inspect_container(container)
            named = [str(answer["Config"]["Image"])]
            image = self.client.api.inspect_image(answer["Image"])
        except self.sdk.errors.NotFound:
            return []
        return named + list(image.get("RepoTags") or [])

    def log_path(self, container: str) -> str:
        """Return the file in which the engine keeps the log of a container; empty without one."""
        try:
            return str(self.client.api.inspect_container(container).get("LogPath") or "")
        except self.sdk.errors.NotFound:
            return ""

    def volume(self, name: str) -> Volume | None:
        """Return a volume by its name; None if it does not exist."""
        try:
            answer = self.client.api.inspect_volume(name)
        except self.sdk.errors.NotFound:
            return None
        options, labels = answer.get("Options") or {}, answer.get("Labels") or {}
        return Volume(name, answer.get("Driver") or "local", options, labels, answer.get("Mountpoint") or "")
