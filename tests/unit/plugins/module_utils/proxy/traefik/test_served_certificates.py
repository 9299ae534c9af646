from __future__ import annotations

import contextlib
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from certificates import self_signed
from fakes import HOST
from fakes_traefik import FakeTraefik, own

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.capabilities import Certificate, ProxyCapabilities
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import (
    ProxyPlan,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.traefik import (
    driver,
)


def equipped(*hosts: str) -> ProxyCapabilities:
    return ProxyCapabilities(443, (Certificate(hosts, datetime.now(timezone.utc)),))


@pytest.fixture
def serving(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Give an https server that shows a certificate of the folder, and takes another one on request."""
    (folder / "certificates").mkdir()
    for name in ("old", "new"):
        pair = self_signed(HOST)
        (folder / "certificates" / f"{name}.pem").write_text(pair["certificate"] + pair["key"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def show(name: str) -> None:
        context.load_cert_chain(folder / "certificates" / f"{name}.pem")

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError), context.wrap_socket(self.request, server_side=True):
                pass

    show("old")
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        for name in ("HTTPS_PORT", "DRY_RUN_HTTPS_PORT"):
            monkeypatch.setattr(driver, name, server.server_address[1])
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield show
        server.shutdown()


def give(proxy: driver.Traefik, name: str) -> None:
    proxy.apply(lambda state: ProxyPlan(state, state, {proxy.own_file: own(name)}, {}))


def test_a_new_certificate_is_in_use_before_it_is_reported(
    shop: driver.Traefik, serving: Callable[[str], None]
) -> None:
    shop.capabilities = equipped(HOST)
    give(shop, "old")
    with pytest.raises(SwitchyardError, match=rf"the old one stays: the certificate for {HOST} is not in use"):
        give(shop, "new")
    serving("new")
    give(shop, "new")


@pytest.mark.usefixtures("serving")
def test_a_wildcard_is_asked_for_a_host_of_its_own(shop: driver.Traefik) -> None:
    shop.capabilities = equipped(f"*.{HOST}")
    give(shop, "old")


def test_a_proxy_that_has_no_https_yet_is_not_asked_for_it(shop: driver.Traefik, running: FakeTraefik) -> None:
    shop.capabilities = equipped(HOST)
    running.raw["routers"]["switchyard:https-health@file"] = {"error": ['entryPoint "https" doesn\'t exist']}
    assert shop._certificates_not_served(own("old"), running.raw, 1) == []


def test_no_answer_on_https_is_reported(
    shop: driver.Traefik, serving: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.capabilities = equipped(HOST)
    monkeypatch.setattr(driver, "HTTPS_PORT", 1)
    with pytest.raises(SwitchyardError, match="does not answer on https"):
        give(shop, "old")
