from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.switchyard.stacks.plugins.filter.behind_traefik_labels import FilterModule

STACKS = [{"name": "shop", "routes": [{"service": "web", "port": 80, "hosts": ["a.org"]}]}]


def test_the_filter_makes_the_labels() -> None:
    behind_traefik_labels = FilterModule().filters()["behind_traefik_labels"]
    (labels,) = behind_traefik_labels(STACKS, "po", "prod", {"network": "front"})
    assert labels["traefik.docker.network"] == "front"


def test_a_mistake_is_an_error_of_the_filter() -> None:
    behind_traefik_labels = FilterModule().filters()["behind_traefik_labels"]
    with pytest.raises(AnsibleFilterError, match="labels for Traefik cannot be made: 'stage'"):
        behind_traefik_labels(STACKS, "po", "prod", {"router": "{service}-{stage}"})
