from __future__ import annotations

import os
import socket
from pathlib import Path

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import sockets

# Port 8000 is 1F40. One listener (0A), two connections from the proxy, one from the container itself, one in TIME_WAIT
# (06), and one from the container to port 8000 of another host.
TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10001        0 1 1 0 100 0 0 10 0
   1: 0500A8C0:1F40 0200A8C0:A2C4 01 00000000:00000000 00:00000000 00000000 10001        0 2 1 0 20 4 0 10 -1
   2: 0500A8C0:1F40 0200A8C0:A2C6 01 00000000:00000000 00:00000000 00000000     0        0 0 1 0 20 4 0 10 -1
   3: 0100007F:1F40 0100007F:B000 01 00000000:00000000 00:00000000 00000000 10001        0 3 1 0 20 4 0 10 -1
   4: 0500A8C0:1F40 0200A8C0:A2C8 06 00000000:00000000 03:00000B2F 00000000     0        0 0 3 0
   5: 0500A8C0:C000 0900A8C0:1F40 01 00000000:00000000 00:00000000 00000000 10001        0 4 1 0 20 4 0 10 -1
"""

# An application that listens on :: has IPv4 peers as mapped addresses.
TCP6 = """  sl  local_address                         remote_address                        st tx_queue rx_queue
   0: 00000000000000000000000000000000:1F40 00000000000000000000000000000000:0000 0A 00000000:00000000 00:0 0
   1: 0000000000000000FFFF00000500A8C0:1F40 0000000000000000FFFF00000200A8C0:A2C4 01 00000000:00000000 00:0 0
   2: 00000000000000000000000001000000:1F40 00000000000000000000000001000000:B000 01 00000000:00000000 00:0 0
   3: 0000000000000000FFFF00000100007F:1F40 0000000000000000FFFF00000100007F:B000 01 00000000:00000000 00:0 0
"""


def test_only_open_connections_from_other_hosts_to_the_port_are_counted() -> None:
    assert sockets.established(TCP, 8000) == 2
    assert sockets.established(TCP6, 8000) == 1
    assert sockets.established(TCP, 9000) == 0
    assert sockets.established("", 8000) == 0


def test_both_families_of_a_process_are_read(tmp_path: Path) -> None:
    (tmp_path / "7" / "net").mkdir(parents=True)
    (tmp_path / "7" / "net" / "tcp").write_text(TCP)
    assert sockets.open_to(7, 8000, tmp_path) == 2
    (tmp_path / "7" / "net" / "tcp6").write_text(TCP6)
    assert sockets.open_to(7, 8000, tmp_path) == 3
    assert sockets.open_to(8, 8000, tmp_path) == 0


def test_the_table_of_the_running_kernel_is_parsed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            table = Path("/proc/self/net/tcp").read_text()
            # Connections from 127.0.0.1 are not counted; the same line with another peer is.
            assert sockets.open_to(os.getpid(), port) == 0
            assert sockets.established(table.replace("0100007F", "0200A8C0"), port) == 1


def test_the_process_that_listens_on_a_port_is_named(tmp_path: Path) -> None:
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    row = "   0: {}:0050 00000000:0000 {} 00000000:00000000 00:00000000 00000000     0        0 {} 1\n"
    (tmp_path / "net").mkdir()
    (tmp_path / "net/tcp").write_text(head + row.format("0100007F", "0A", 77) + row.format("0200007F", "01", 78))
    (tmp_path / "net/tcp6").write_text(head + row.format("0" * 32, "0A", 79))
    (tmp_path / "812/fd").mkdir(parents=True)
    (tmp_path / "812/fd/3").symlink_to("socket:[77]")
    (tmp_path / "812/comm").write_text("apache2\n")
    actual = sockets.listeners(80, tmp_path)
    assert actual == [sockets.Listener("127.0.0.1", 812, "apache2"), sockets.Listener("::")]
    assert sockets.listeners(81, tmp_path) == []
