"""The scan knows a secret in every spelling and file, and never shows it."""

from __future__ import annotations

import base64
import os
import time

import pytest
import secret_scan

SECRET = "Correct-Horse_7"


@pytest.mark.parametrize("before", ["", "u", "us", "user", "user:"])
@pytest.mark.parametrize("after", ["", "-", "-a", "-and more"])
def test_a_secret_is_found_in_base64_within_any_text(before, after):
    encoded = base64.b64encode(f"{before}{SECRET}{after}".encode())
    assert secret_scan.Secrets({"password": SECRET}).within(b"Basic " + encoded) == {"password"}


def test_a_similar_text_does_not_count():
    known = secret_scan.Secrets({"password": SECRET, "empty": ""})
    assert known.within(SECRET.lower().encode() + base64.b64encode(SECRET[1:].encode())) == set()


def test_a_secret_has_the_name_that_it_got_first():
    known = secret_scan.Secrets({"of the inventory": SECRET})
    known.add({"releases/0001/secrets/password": SECRET, "made": "other-secret"})
    assert len(known) == 2
    assert known.within(f"{SECRET} other-secret".encode()) == {"of the inventory", "made"}


def test_a_shown_text_has_no_secret():
    shown = secret_scan.Secrets({"password": SECRET}).hidden(f"psql\0postgres://me:{SECRET}@db\0".encode())
    assert shown == "psql postgres://me:***@db"


def test_a_secret_is_found_across_the_parts_of_a_large_file(tmp_path):
    path = tmp_path / "dump"
    path.write_bytes(b"x" * (secret_scan.CHUNK - 5) + SECRET.encode() + b"x" * secret_scan.CHUNK)
    assert secret_scan.Secrets({"password": SECRET}).within_file(path) == {"password"}


def test_a_missing_file_has_no_secret(tmp_path):
    assert secret_scan.Secrets({"password": SECRET}).within_file(tmp_path / "gone") == set()


def test_a_secret_on_the_server_has_the_name_of_its_file(tmp_path):
    for name in ("postgres/conf/logins/shop_one_ro.key", "shop-one/shop/secrets/0123/token", "redis/conf/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"secret of {name}\n")
    assert secret_scan.kept(tmp_path) == {
        name: f"secret of {name}"
        for name in ("postgres/conf/logins/shop_one_ro.key", "shop-one/shop/secrets/0123/token")
    }


def test_only_new_files_are_looked_at_and_no_checkout(tmp_path):
    (tmp_path / "clone/.git").mkdir(parents=True)
    (tmp_path / "own").mkdir()
    for name in ("clone/config", "own/inventory", "left"):
        (tmp_path / name).touch()
    os.symlink(tmp_path / "left", tmp_path / "link")
    assert list(secret_scan.files(tmp_path, time.time() - 60, [tmp_path / "own"])) == [tmp_path / "left"]
    assert list(secret_scan.files(tmp_path, time.time() + 60)) == []
    assert len(list(secret_scan.files(tmp_path))) == 3
