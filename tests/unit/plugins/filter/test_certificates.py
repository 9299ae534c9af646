from __future__ import annotations

from certificates import NOW, self_signed

from ansible_collections.switchyard.stacks.plugins.filter.certificates import FilterModule

certificates = FilterModule().filters()["certificates"]


def test_the_files_of_an_inventory() -> None:
    mine = self_signed("Shop.example.org")
    (found,) = certificates([mine, {"certificate": "", "key": ""}], "prod", secret=True)
    assert found["names"] == ["shop.example.org"]
    assert found["content"] == mine["certificate"] + mine["key"]
    assert found["until"].endswith("Z")
    assert found["until"][:4] in (str(NOW.year), str(NOW.year + 1))
    assert found["file"].startswith("prod.")
    (reported,) = certificates([mine], "prod")
    assert reported == {name: value for name, value in found.items() if name != "content"}
