"""Texts that exist for a moment only are recorded."""

from __future__ import annotations

import sys
from pathlib import Path

import docker_resources
import pytest
import transient_sources


def test_argument_lists_are_those_of_all_processes():
    seen = set(transient_sources.arguments())
    assert Path("/proc/self/cmdline").read_bytes() in seen
    assert any(Path(sys.executable).name.encode() in words for words in seen)


def test_a_watch_that_ended_does_not_look_like_silence(monkeypatch):
    watch = transient_sources.TransientSources("shop")
    monkeypatch.setattr(watch, "_listen", lambda: None)
    monkeypatch.setattr(watch, "_watch_processes", lambda: None)
    monkeypatch.setattr(watch, "_watch_containers", lambda: None)
    with watch:
        for thread in watch._threads:
            thread.join()
        with pytest.raises(RuntimeError, match="recording thread has ended"):
            watch.take()


@pytest.mark.parametrize(
    ("name", "labels", "own"),
    [
        ("shop-web-one", None, True),
        ("shop_web_one_jobs-run-1", {}, True),
        ("backup", {"io.switchyard.project": "shop"}, True),
        ("shopping-web-one", {"io.switchyard.project": "shopping"}, False),
    ],
)
def test_what_is_of_a_project_has_its_label_or_its_name(name, labels, own):
    assert docker_resources.belongs(name, labels, "shop") is own
