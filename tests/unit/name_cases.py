"""Mistakes in names, for test_checks.py: names that are reserved, too long, or not free on the server."""

from __future__ import annotations

from fakes import container, given, normalised
from fakes_preflight import VOLUMES, StackCase, other_volume

NAME_CASES: dict[str, list[StackCase]] = {
    "ambiguous_host_names": [
        StackCase(
            given(normalised(web={"container_name": "tasks"}, celery={"hostname": "tasks"}), workers=["celery"]),
            ".compose.services.celery",
            "the host name tasks belongs to web (once per color) and celery (runs once); it would resolve to one of "
            "them",
            "Give each of them a name of its own",
            "compose.host_name_ambiguous",
        )
    ],
    "reserved_names": [
        StackCase(
            given(normalised(**{"web": {}, "po-postgres": {}})),
            ".compose.services.po-postgres",
            "po-postgres is the host name of a shared server",
            "Choose another name",
            "name.reserved",
        ),
        *(
            StackCase(
                given(normalised(web={key: value})),
                f".compose.services.web.{path}",
                f"{name} is the host name of a shared server",
                "Choose another name",
                "name.reserved",
            )
            for key, value, path, name in (
                ("container_name", "po-redis", "container_name", "po-redis"),
                ("hostname", "PO-proxy", "hostname", "PO-proxy"),
                ("links", ["web:po-pages"], "links", "po-pages"),
                ("networks", {"default": {"aliases": ["po-postgres"]}}, "networks.default.aliases", "po-postgres"),
            )
        ),
        StackCase(
            given({**normalised(web={"networks": {"back": None}}), "networks": {"back": {}}}, name="po"),
            "",
            "the network would have the name po-back-prod of a shared server or its network",
            "Rename the network",
            "name.reserved",
        ),
    ],
    "name_lengths": [
        StackCase(
            given(normalised(**{"web": {}, "s" * 51: {}}), workers=["s" * 51]),
            "",
            f"the name of the container po-shop-{'s' * 51}-prod has 64 characters; at most 63 are possible",
            "Shorten the name of the service or the stack by 1",
            "name.too_long",
        ),
        StackCase(
            given({**VOLUMES, "volumes": {"v" * 250: {}}}),
            "",
            f"the name of the volume po-shop-{'v' * 250}-prod has 263 characters; at most 255 are possible",
            "Shorten the name of the volume or the stack by 8",
            "name.too_long",
        ),
        StackCase(
            given(normalised(web={"container_name": f"a.{'b' * 64}"})),
            ".compose.services.web.container_name",
            f"a.{'b' * 64} has 64 characters; a host name has at most 63 between two dots",
            "Shorten it by 1",
            "name.too_long",
        ),
    ],
    "name_conflicts": [
        *(
            StackCase(
                given(VOLUMES),
                "",
                f"the volume po-shop-static-prod exists and belongs to {owner}",
                "Rename the volume, or declare it external to share it",
                "name.conflict",
                other_volume(**labels),
            )
            for labels, owner in (
                ({"project": "po-shop", "stack": "x", "environment": "qual"}, "the stack x (project po-shop, qual)"),
                ({}, "no stack"),
            )
        ),
        *(
            StackCase(
                given(),
                "",
                f"the container po-shop-web-prod-green exists and belongs to {owner}",
                "Rename the service or the stack",
                "name.conflict",
                lambda machine, labels=labels: machine.engine.start(  # type: ignore[misc]
                    container("po-shop-web-prod-green", labels=labels)
                ),
            )
            for labels, owner in (
                ({"stack": "blog"}, "the stack blog (project po, prod)"),
                ({"environment": "web-prod"}, "the stack shop (project po, web-prod)"),
                ({"stack": "", "environment": ""}, "the shared servers (project po, shared)"),
            )
        ),
    ],
}
