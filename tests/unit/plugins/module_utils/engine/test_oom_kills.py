from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.engine.oom_kills import oom_kills

V1 = "9:name=systemd:/docker/abc\n4:memory:/docker/abc\n1:cpu,cpuacct:/docker/abc\n0::/docker/abc\n"


def counted(folder: Path, cgroup: str, file: str, text: str) -> int:
    (folder / "7").mkdir()
    (folder / "7/cgroup").write_text(cgroup)
    path = folder / "cgroups" / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return oom_kills(7, folder, folder / "cgroups")


@pytest.mark.parametrize(
    ("cgroup", "file", "text", "count"),
    [
        (
            "0::/system.slice/docker-abc.scope\n",
            "system.slice/docker-abc.scope/memory.events",
            "max 9\noom 3\noom_kill 2\n",
            2,
        ),
        (V1, "memory/docker/abc/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n", 1),
        (V1, "memory/docker/abc/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n", 0),
        ("0::/a\n", "b/memory.events", "oom_kill 4\n", 0),
        ("0::/a\n", "a/memory.events", "what is this", 0),
    ],
)
def test_the_kernel_counts_per_container(tmp_path: Path, cgroup: str, file: str, text: str, count: int) -> None:
    assert counted(tmp_path, cgroup, file, text) == count


def test_a_process_that_ended_has_none(tmp_path: Path) -> None:
    assert oom_kills(8, tmp_path) == 0
