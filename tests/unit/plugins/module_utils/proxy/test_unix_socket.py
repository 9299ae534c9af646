from __future__ import annotations

import re
import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import ProxyUnavailable
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import unix_socket


class Echo(socketserver.StreamRequestHandler):
    """Answers a line with itself, in two parts."""

    def handle(self) -> None:
        line = self.rfile.readline()
        self.wfile.write(line[:2])
        self.wfile.write(line[2:])


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "echo.sock"
    with socketserver.ThreadingUnixStreamServer(str(path), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield path
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("half_close", [False, True])
def test_the_whole_answer_is_returned(path: Path, half_close: bool) -> None:
    assert unix_socket.exchange(path, "show map\n", half_close=half_close) == "show map\n"


def test_no_answer_names_the_socket_and_the_log(tmp_path: Path) -> None:
    path = tmp_path / "none.sock"
    with pytest.raises(FileNotFoundError):
        unix_socket.exchange(path, "x")
    words = f"does not answer on {path} .*'docker logs po-proxy', then run setup.yml"
    with pytest.raises(ProxyUnavailable, match=words):
        unix_socket.ask(path, "x", "docker logs po-proxy")


def test_a_refused_connection_is_tried_again_for_a_while(tmp_path: Path) -> None:
    path = tmp_path / "late.sock"
    with socket.socket(socket.AF_UNIX) as refusing:
        refusing.bind(str(path))
        with pytest.raises(ConnectionRefusedError):
            unix_socket.exchange(path, "x")
        refusing.settimeout(5)

        def listen() -> None:
            refusing.listen()
            with refusing.accept()[0] as connection:
                connection.sendall(re.sub(rb"x", b"late", connection.recv(10)))

        beginning = threading.Timer(0.2, listen)
        beginning.start()
        assert unix_socket.exchange(path, "x", retry_refused=2) == "late"
        beginning.join()
