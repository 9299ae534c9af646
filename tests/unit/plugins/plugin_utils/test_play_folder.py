from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.plugin_utils.play_folder import play_folder


def test_the_folder_exists_and_stays_the_same_in_one_play() -> None:
    assert play_folder().is_dir()
    assert play_folder() == play_folder()
