from __future__ import annotations

import base64

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import scram


def test_the_verifier_is_the_one_of_rfc_7677() -> None:
    # Its example: the user's password is "pencil"; the keys of it are what a server stores.
    made = scram.scram_sha_256("pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="))
    assert made == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="
        "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )


def test_a_verifier_depends_on_password_and_user_alone() -> None:
    assert scram.verifier("secret", "one") == scram.verifier("secret", "one")
    assert len({scram.verifier(password, user) for password in ("a", "b") for user in ("one", "two")}) == 4


@pytest.mark.parametrize("password", ["", "naïve", "two\nlines"])
def test_a_password_that_needs_preparation_is_refused_without_showing_it(password: str) -> None:
    with pytest.raises(ValueError, match="the password of shop must be printable ASCII") as caught:
        scram.verifier(password, "shop")
    assert not password or password not in str(caught.value)
