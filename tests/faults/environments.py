"""Environments side by side on one server, under load: make faults-environments.

prod and qual of one project have stacks whose services have the same names, next to a foreign Traefik with an
application. Both are released and rolled back at the same time, qual prunes its releases, and one of its stacks is
retired and made again, while clients of every stack and of the foreign application send requests.

A line per step: what, seconds, requests, failed ones, and whether it is right: the answers name the version and the
owner of the database and of Redis, and the foreign containers have their identities and start times. Exits with 1 when
something is not right.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import two_environments as world
from two_environments import STACKS, Steps, every_host, host, play, play_together, wrong_answers

from hosts import hosts  # isort: skip - two_environments sets the path

# The images that were built for qual's stack, next to those that prod needs.
IMAGES = "docker image ls -q --filter label=io.switchyard.project=side --filter label=io.switchyard.stack=shop"
PROD_IDS = (
    "docker ps -q --no-trunc --filter label=io.switchyard.project=side --filter label=io.switchyard.environment=prod"
)


def release_both(version: str) -> list[str]:
    """Release a version of everything, both environments at the same time."""
    play_together("deploy.yml", f"side_version={version}")
    return [*wrong_answers(version, "prod"), *wrong_answers(version, "qual")]


def roll_back_both(version: str) -> list[str]:
    """Roll everything back, both environments at the same time."""
    play_together("rollback.yml")
    return [*wrong_answers(version, "prod"), *wrong_answers(version, "qual")]


def built_versions() -> set[str]:
    """The versions of the stack shop whose images are on the server."""
    images = json.loads(world.on_server(f"docker image inspect $({IMAGES})"))
    variables = [variable.partition("=") for image in images for variable in image["Config"]["Env"]]
    return {value for name, _, value in variables if name == "APP_VERSION"}


def prune() -> list[str]:
    """Release qual's shop until its first releases are off the record, and their images off the server."""
    for version in ("3", "4", "5"):
        play("deploy.yml", "qual", f"side_version={version}", "stack=shop", "accept_downgrade=true")
    found = built_versions()
    # 1 is live in prod and 2 is its previous release, without a container; 4 and 5 are those of qual.
    wrong = [] if found == {"1", "2", "4", "5"} else [f"the server has the images of the versions {sorted(found)}"]
    return wrong + wrong_answers("5", "qual", ["shop"])


def roll_back_prod() -> list[str]:
    """Roll prod's shop back to the release of which only the record and the image are left."""
    play("rollback.yml", "prod", "stack=shop")
    return wrong_answers("2", "prod", ["shop"]) + wrong_answers("1", "prod", ["blog", "desk"])


def retire() -> list[str]:
    """Retire qual's blog with its data."""
    before = world.on_server(PROD_IDS)
    play("retire.yml", "qual", "stack=blog", "remove_data=true")
    same = world.on_server(PROD_IDS) == before
    left = world.on_server(
        "docker ps -aq --filter name=side-blog-.*-qual; docker volume ls -q --filter name=side-blog-.*-qual"
    )
    wrong = [] if same else ["containers of prod were replaced"]
    wrong += ["something of the stack is left"] if left.strip() else []
    return wrong + ([] if world.answer(host("blog", "qual")).startswith("404") else ["it still answers"])


def make_again() -> list[str]:
    """Release qual's blog again."""
    play("deploy.yml", "qual", "stack=blog", "side_version=1")
    return wrong_answers("1", "qual", ["blog"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="use new test hosts that exist, and keep them")
    options = parser.parse_args()
    world.end_with_clients()
    others = [name for name in every_host() if name != host("blog", "qual")]
    with hosts(options.keep), tempfile.TemporaryDirectory() as name:
        steps = Steps(Path(name))
        world.build(steps)
        steps.run("version 2 of both at the same time", every_host(), lambda: release_both("2"))
        steps.run("both are rolled back at the same time", every_host(), lambda: roll_back_both("1"))
        steps.run("qual releases three times and prunes", every_host(), prune)
        steps.run("prod is rolled back to a release without a container", every_host(), roll_back_prod)
        steps.run("blog of qual is retired with its data", others, retire)
        steps.run("blog of qual is made again", others, make_again)
        steps.run(
            f"all {len(STACKS)} stacks of both answer", every_host(), lambda: wrong_answers("1", "prod", ["blog"])
        )
    return 0 if steps.good else 1


if __name__ == "__main__":
    sys.exit(main())
