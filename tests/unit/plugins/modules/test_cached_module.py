from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tarfile
import typing as t
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils import code_cache
from ansible_collections.switchyard.stacks.plugins.modules import cached_module

PLUGINS = Path(cached_module.__file__).resolve().parent.parent

HELLO = """
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchyard.stacks.plugins.module_utils.engine import words

def main():
    module = AnsibleModule({"name": {}, "password": {"no_log": True}}, supports_check_mode=True)
    module.exit_json(msg=words.HELLO + module.params["name"], check=module.check_mode, secret=module.params["password"])

if __name__ == "__main__":
    main()
"""

# As Ansible's wrapper starts a module: from packages that hold this module and what it imports, and nothing else.
START = """
import runpy, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from ansible.module_utils import basic
from ansible_collections.switchyard.stacks.plugins.module_utils import code_cache
basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = sys.stdin.buffer.read(), "legacy"
root = Path(sys.argv[2])
code_cache.stored_code.__defaults__ = code_cache.store_code.__defaults__ = (root,)
name = "ansible_collections.switchyard.stacks.plugins.modules.cached_module"
runpy.run_module(name, init_globals={"_module_fqn": name}, run_name="__main__", alter_sys=True)
"""


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    """Give a folder with what Ansible sends of the module."""
    folder = tmp_path / "sent" / "ansible_collections/switchyard/stacks/plugins"
    for name in ("modules/cached_module.py", "module_utils/code_cache.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PLUGINS / name, folder / name)
    for package in [folder, folder / "modules", folder / "module_utils", *list(folder.parents)[:3]]:
        (package / "__init__.py").touch()
    return tmp_path / "sent"


@pytest.fixture
def code(tmp_path: Path) -> dict[str, t.Any]:
    """Give the options of a call, with code that holds one module."""
    source = tmp_path / "checkout"
    for name, text in (("modules/hello.py", HELLO), ("module_utils/engine/words.py", "HELLO = 'hello '\n")):
        (source / "plugins" / name).parent.mkdir(parents=True, exist_ok=True)
        (source / "plugins" / name).write_text(text, encoding="utf-8")
    with tarfile.open(tmp_path / "code.tar.gz", "w:gz") as tar:
        for path in code_cache.code_files(source):
            tar.add(path, path.relative_to(source).as_posix())
    return {"digest": code_cache.digest_of(source), "name": "hello", "arguments": {"name": "Ada", "password": "hush"}}


def call(sent: Path, root: Path, options: dict[str, t.Any], *, check: bool = False) -> dict[str, t.Any]:
    remote_tmp = {"_ansible_remote_tmp": str(root.parent), "_ansible_keep_remote_files": False}
    given = {**options, **remote_tmp, "_ansible_check_mode": check, "_ansible_module_name": "cached_module"}
    done = subprocess.run(
        [sys.executable, "-c", START, str(sent), str(root)],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode(),
        env={key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"},
        capture_output=True,
        check=False,
    )
    assert done.stdout, done.stderr.decode()
    result: dict[str, t.Any] = json.loads(done.stdout)
    return result


def test_missing_code_is_reported_then_stored_then_run(sent: Path, tmp_path: Path, code: dict[str, t.Any]) -> None:
    root = tmp_path / "cache" / "code"
    missing = call(sent, root, code)
    assert (missing["code_missing"], missing["changed"]) == (True, False)
    assert not root.exists()
    stored = call(sent, root, {**code, "archive": str(tmp_path / "code.tar.gz")})
    assert stored["msg"] == "hello Ada"
    again = call(sent, root, code)
    assert (again["msg"], again["check"]) == ("hello Ada", False)
    assert len(list(root.rglob("*.pyc"))) == 2


def test_the_options_of_the_module_decide_what_is_secret(sent: Path, tmp_path: Path, code: dict[str, t.Any]) -> None:
    result = call(sent, tmp_path / "cache" / "code", {**code, "archive": str(tmp_path / "code.tar.gz")})
    assert "hush" not in json.dumps(result)
    assert result["msg"] == "hello Ada"


def test_check_mode_stores_nothing(sent: Path, tmp_path: Path, code: dict[str, t.Any]) -> None:
    root = tmp_path / "cache" / "code"
    missing = call(sent, root, {**code, "archive": str(tmp_path / "code.tar.gz")}, check=True)
    assert (missing["code_missing"], missing["can_store"]) == (True, False)
    assert not root.exists()


def test_check_mode_reaches_the_module_and_writes_nothing(sent: Path, tmp_path: Path, code: dict[str, t.Any]) -> None:
    root = tmp_path / "cache" / "code"
    code_cache.store_code(code["digest"], tmp_path / "code.tar.gz", root)
    before = {path: path.stat().st_mtime for path in root.rglob("*")}
    assert call(sent, root, code, check=True)["check"] is True
    assert {path: path.stat().st_mtime for path in root.rglob("*")} == before


def test_code_with_another_digest_is_not_run(sent: Path, tmp_path: Path, code: dict[str, t.Any]) -> None:
    root = tmp_path / "cache" / "code"
    result = call(sent, root, {**code, "digest": "0" * 32, "archive": str(tmp_path / "code.tar.gz")})
    assert result["failed"]
    assert (result["code_missing"], result["can_store"]) == (True, False)
    assert "expected 000000" in result["msg"]


def test_the_sent_module_brings_all_of_ansible_that_the_stored_code_imports() -> None:
    imported = set()
    for path in [*(PLUGINS / "modules").glob("*.py"), *(PLUGINS / "module_utils").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ansible."):
                imported.add(node.module)
    program = "import json, sys; from ansible.module_utils import basic; print(json.dumps(list(sys.modules)))"
    brought = json.loads(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout)
    assert imported <= set(brought)
