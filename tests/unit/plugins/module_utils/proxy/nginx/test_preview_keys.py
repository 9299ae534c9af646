from __future__ import annotations

import json
import os

from fakes_nginx import ROUTES, FakeNginx

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.nginx import (
    config,
    driver,
    preview_keys,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import (
    ProxyPlan,
)


def test_the_key_is_nowhere_in_the_configuration() -> None:
    whole = config.full_config({}, ROUTES, "key-of-this-server")[0]
    assert "key-of-this-server" not in "".join(whole.values())
    # echo -n key-of-this-server | openssl md5 -binary | openssl base64 | tr +/ -_ | tr -d =
    assert '    default "MHpZRW3hmkHAIywBBioyEA";' in whole[preview_keys.KEYS]


def test_the_header_of_an_environment_is_a_key_to_its_own_stacks() -> None:
    private = {"prod": ("X-Preview", "the-value-of-prod"), "test": ("x-preview", "the-value-of-test")}
    text = preview_keys.preview_key_files("key-of-this-server", private)[preview_keys.KEYS]
    assert "the-value" not in text
    assert text.count(r'"~\.prod$" $http_x_preview;') == text.count(r'"~\.test$" $http_x_preview;') == 1
    # echo -n the-value-of-prod | openssl md5 -binary | openssl base64 | tr +/ -_ | tr -d =
    assert r'"~\.prod$" "pNLqO0i_6If5aqGta-5QJA";' in text
    assert text.lower().count('proxy_set_header x-preview "";') == 1


def test_only_nginx_reads_the_digests_of_keys(proxy: driver.Nginx, running: FakeNginx) -> None:
    proxy.uid = os.getuid()
    secret = {"prod": {"header": "X-Preview", "value": "the-value-of-prod"}}
    (proxy.folder / "preview-keys.json").write_text(json.dumps(secret))
    own = proxy.own_files("daemon off; # another\n")
    proxy.apply(lambda state: ProxyPlan(state, state, own, {}))
    for name in ("conf.d", "staged"):
        assert (proxy.folder / name / preview_keys.KEYS).stat().st_mode & 0o777 == 0o600
    assert "$http_x_preview" in (proxy.folder / "conf.d" / preview_keys.KEYS).read_text()
    assert proxy.read().in_sync
