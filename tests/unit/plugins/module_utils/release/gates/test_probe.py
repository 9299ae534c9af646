from __future__ import annotations

import typing as t

from fakes import FakeEngine, FakeProxy
from fakes_gates import answering

from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates import probe


def test_a_container_is_probed_directly(engine: FakeEngine) -> None:
    with answering(200, body="hello") as port:
        answer = probe.probe_container("127.0.0.1", port, "web.example.org", "/healthz", 1)
    assert (answer.status, answer.body) == (200, "hello")
    assert str(answer) == f"GET http://127.0.0.1:{port}/healthz: 200 from the container: hello"


def test_a_refused_connection_is_the_answer() -> None:
    with answering(200) as port:
        pass
    answer = probe.probe_container("127.0.0.1", port, "web.example.org", "/", 1)
    assert answer.status is None
    assert "ConnectionRefusedError" in str(answer)


def test_a_proxy_that_resets_the_connection_is_the_answer(proxy: FakeProxy) -> None:
    def refuse(color: str, path: str) -> t.NoReturn:
        raise ConnectionResetError("reset")

    proxy.answer = refuse
    answer = probe.probe_via_proxy(proxy, "web.example.org", "/", "blue", 1)
    assert str(answer) == "GET http://web.example.org/ (only blue): ConnectionResetError: reset"
