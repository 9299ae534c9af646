# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A volume while no container writes into it: they are stopped, or a command makes their program ready for a copy."""

from __future__ import annotations

import contextlib
import typing as t

from ..engine.docker_client import Engine
from ..engine.models import Container
from ..errors import SwitchyardError
from .volume_store import VolumeStore


@contextlib.contextmanager
def stopped(engine: Engine, store: VolumeStore, containers: t.Sequence[Container]) -> t.Iterator[None]:
    """Stop containers for as long as the context takes, and start them again, also after a failure."""
    running = [container for container in containers if container.running]
    # Written first: a run that is killed here leaves what the next one has to start.
    store.set_stopped([container.name for container in running])
    try:
        engine.stop(running)
        yield
    finally:
        start_again(engine, store)


def start_again(engine: Engine, store: VolumeStore) -> list[str]:
    """Start the containers that this or an interrupted run has stopped; return their names."""
    names = store.stopped()
    failed = []
    for name in names:
        # A release may have removed it since.
        if engine.container(name):
            try:
                engine.start_container(name)
            except SwitchyardError as error:
                failed.append(f"{name}: {error}")
    store.set_stopped([])
    if failed:
        raise SwitchyardError(f"Containers were stopped for a copy and do not start again. {' '.join(failed)}")
    return names


@contextlib.contextmanager
def hooked(
    engine: Engine, containers: t.Sequence[Container], before: t.Sequence[str], after: t.Sequence[str]
) -> t.Iterator[None]:
    """Run a command in each container before and another one after the context, the second also after a failure."""
    try:
        _run(engine, containers, before)
        yield
    except BaseException:
        # The first error is the one to show.
        with contextlib.suppress(SwitchyardError):
            _run(engine, containers, after)
        raise
    _run(engine, containers, after)


def _run(engine: Engine, containers: t.Sequence[Container], words: t.Sequence[str]) -> None:
    for container in containers if words else ():
        code, output = engine.exec(container.name, list(words))
        if code:
            lines = " ".join(output.splitlines()[-5:])
            raise SwitchyardError(f"'{' '.join(words)}' in {container.name} ended with exit code {code}: {lines}")
