# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One-off commands of a release: the migration and what follows it."""

from __future__ import annotations

import subprocess
import time
import typing as t

from ..errors import SwitchyardError
from ..place import Place
from ..rendering import jobs_of


def run(place: Place, number: int, token: int) -> list[dict[str, t.Any]]:
    """Run the one-off commands of a release in their order, each once; return their seconds.

    Raises SwitchyardError with the last lines of the log when one fails or takes longer than its limit; then the
    container is ended and the rest does not run.
    """
    record = place.records.need(number)
    folder = place.records.path(number)
    done = []
    for index, job in enumerate(jobs_of(record.stack), 1):
        words = " ".join(job["command"])
        place.lock.renew(token, words, job["timeout"])
        name = f"{place.compose_project('jobs')}-{number}-{index}"
        begun = time.monotonic()
        command = ["docker", "compose", "-p", place.compose_project("jobs"), "-f", str(folder / "jobs.yml")]
        command += ["run", "--rm", "--no-deps", "--no-TTY", "--name", name, job["service"], *job["command"]]
        log = folder / f"job-{index}.log"
        with log.open("w", encoding="utf-8") as output:
            log.chmod(0o600)
            try:
                # AnsibleModule.run_command needs a module; this code is used and tested without one.
                # pylint: disable-next=ansible-bad-function
                code = subprocess.run(
                    command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=job["timeout"], check=False
                ).returncode
                why = f"ended with exit code {code}" if code else None
            except subprocess.TimeoutExpired:
                why = f"was not done after {job['timeout']:g} s and was ended"
                place.engine.remove([one for one in [place.engine.container(name)] if one], timeout=10)
        if why:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-40:]
            raise SwitchyardError(f"'{words}' in the new image {why}. Its whole log: {log}", logs={name: lines})
        done.append({"command": words, "seconds": round(time.monotonic() - begun, 3)})
    return done
