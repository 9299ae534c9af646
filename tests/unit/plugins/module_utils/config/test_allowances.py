from __future__ import annotations

import pytest
from fakes import written
from fakes_config import only, problems

from ansible_collections.switchyard.stacks.plugins.module_utils.config import allowances


@pytest.mark.parametrize("word", allowances.WORDS)
def test_the_example_of_each_word_is_valid(word: str) -> None:
    assert allowances.allowance_error(f"{word} {allowances.WORDS[word].example}".strip()) is None


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("docker_soket", "docker_soket is not a word of allow", "Did you mean 'docker_socket'?"),
        ("everything", "everything is not a word of allow", f"Words are {', '.join(allowances.WORDS)}, or an absolute"),
        ("privileged yes", "'privileged yes' is not valid", "Write privileged"),
        ("network", "'network' is not valid", 'Write "network traefik"'),
        ("network a b", "'network a b' is not valid", 'Write "network traefik"'),
        ("capability CAP_SYS_ADMIN", "'capability CAP_SYS_ADMIN' is not valid", 'Write "capability SYS_ADMIN"'),
        ("pid service:web", "'pid service:web' is not valid", 'Write "pid host"'),
        ("read_only srv", "'read_only srv' is not valid", 'Write "read_only /etc/ssl/certs"'),
        *(
            (
                path,
                f"{path} is not an absolute path in its normal form",
                "Write it without //, /./, /../ and / at its end",
            )
            for path in ("/srv/", "//srv", "/srv/../etc", "/srv/.", "/..", "/a\nb")
        ),
    ],
)
def test_what_is_not_in_the_grammar(text: str, message: str, hint: str) -> None:
    found = allowances.allowance_error(text)
    assert found
    assert found[0] == message
    assert found[1].startswith(hint)


@pytest.mark.parametrize(
    ("allowance", "address"),
    [
        ("file https://example.org/a.git", True),
        ("file git@example.org:a/b.git", True),
        ("file github.com/a/b", True),
        ("file /etc/app.env", False),
        ("network a:b", False),
        ("/a:b", False),
    ],
)
def test_a_file_that_compose_fetches(allowance: str, address: bool) -> None:
    assert allowances.is_address(allowance) is address


@pytest.mark.parametrize("text", ["/", "/srv/media", "/srv/a b/..c", "/srv/.hidden"])
def test_an_absolute_path_is_an_allowance(text: str) -> None:
    assert allowances.allowance_error(text) is None


def test_a_word_that_is_not_known_is_a_problem_of_the_inventory() -> None:
    assert only(written(allow={"web": ["docker_socket", "root"]})).startswith(
        "switchyard_stacks[shop].allow.web: root is not a word of allow."
    )


@pytest.mark.parametrize("value", [["web"], {"web": "docker_socket"}, {"web": []}, {"web": [True]}])
def test_the_form_of_allow_is_checked(value: object) -> None:
    assert "is not a mapping of services and lists of texts" in only(written(allow=value))


def test_a_stack_without_allowances_has_no_problem() -> None:
    assert problems(written(allow={})) == []
