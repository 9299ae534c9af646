"""The parts of the test run, and the steps of each."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from runner import Runner, Step, Together

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / ".test-logs"
BIN = ROOT / ".venv/bin"
PYTHON = str(BIN / "python")
NEWER_PYTHON = str(ROOT / ".venv-2.21/bin/python")

ENVIRONMENT = {
    **os.environ,
    "PATH": f"{BIN}:{os.environ['PATH']}",
    "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
    "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
    "ANSIBLE_NOCOLOR": "1",
    "MOLECULE_GLOB": "molecule/*/molecule.yml",
    "NO_COLOR": "1",
    "PYTHONUNBUFFERED": "1",
}

# One proxy of this project serves them, so they run one after the other.
SHARED_PROJECT = frozenset({"the project ft"})
# Scenarios whose clients count every request.
UNDER_LOAD = ("end_to_end", "proxy_matrix", "proxy")
# The longest first, so that none is left alone at the end. A name that is missing here is first.
ORDER = (
    # On a server without another project, as uninstall.yml is to leave it
    "compose_application",
    "images",
    "corpus",
    "postgres",
    "maintenance",
    "stack",
    "redis",
    "end_to_end",
    "proxy_matrix",
    "proxy",
)
ORDER_OF_PROXIES = ("traefik", "behind-traefik", "nginx", "nginx-package", "haproxy-package", "haproxy")
# Two of these at the same time would wait for each other's lock of dpkg.
PACKAGES = frozenset({"packages of server1"})
SERVER2 = frozenset({"server2"})
# They need this project, no other scenario's.
OWN_PROJECT = ("host", "postgres", "redis")
# They need the engine of server2 for themselves.
EXCLUSIVE = ("compose_application", "corpus", "images")


def newer() -> bool:
    """Whether an environment with the newest ansible-core exists."""
    return Path(NEWER_PYTHON).exists()


def tool(name: str) -> str:
    return str(BIN / name)


def tracked(*patterns: str) -> list[str]:
    """The existing files that git tracks or would track."""
    out = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [name for name in out.splitlines() if (ROOT / name).is_file()]


def bash_scripts() -> list[str]:
    return [
        name
        for name in tracked(".")
        if name.endswith(".sh") or re.match(rb"#!\S*/(?:env )?(?:ba|da)?sh\b", (ROOT / name).read_bytes()[:32])
    ]


def lint(runner: Runner) -> list[Step]:
    return [
        Step("ruff check", [tool("ruff"), "check", "."]),
        Step("ruff format", [tool("ruff"), "format", "--check", "."]),
        Step("mypy", [tool("mypy")]),
        # They use the code of the plugins, and no test runs them.
        Step("mypy benches", [tool("mypy"), "tests/bench/backup.py", "tests/bench/switch_loop/switch_loop.py"]),
        Step("shellcheck", [tool("shellcheck"), "--external-sources", *bash_scripts()]),
        Step(
            "ansible-lint",
            ["env", "ANSIBLE_INVENTORY=molecule/inventory", tool("ansible-lint"), "--offline", "--strict"],
        ),
        Step("changelog fragments", [tool("antsibull-changelog"), "lint"]),
        Step("plugin docs", [tool("antsibull-docs"), "lint-collection-docs", "--plugin-docs", "."]),
    ]


def sanity(runner: Runner) -> list[Step]:
    if not newer():
        return [Step("sanity 2.19", ["scripts/sanity", ".venv"], limit=600)]
    # Pylint is the slowest test, and the newer core's finds what the older one's does.
    return [
        Step("sanity 2.19", ["scripts/sanity", ".venv", "--skip-test", "pylint"], limit=600),
        Step("sanity 2.21", ["scripts/sanity", ".venv-2.21"], limit=600),
    ]


def unit(runner: Runner) -> Iterator[Together]:
    """The newest ansible-core runs the tests of the plugins: it imports nothing else. Both wait most of the time."""

    def step(name: str, python: str, *paths: str) -> Step:
        return Step(name, [python, "-m", "pytest", *paths, "-q", "-m", "not compose"], limit=600, pytest=True)

    yield Together(
        (
            step("unit 2.19", PYTHON, "tests", "--ignore=tests/consistency"),
            *([step("unit 2.21", NEWER_PYTHON, "tests/unit/plugins")] if newer() else []),
        )
    )


def consistency(runner: Runner) -> list[Step]:
    return [Step("consistency", [PYTHON, "-m", "pytest", "tests/consistency", "-q"], pytest=True)]


def package(runner: Runner) -> list[Step]:
    return [
        Step(f"package {what}", ["scripts/package", what], warnings_fail=what == "playbooks")
        for what in ("build", "docs", "playbooks", "importer")
    ]


def engine(runner: Runner) -> list[Step]:
    """A Docker Engine, installed by the role host where none answers, and the images of the tests."""
    return [
        Step("docker engine", ["scripts/engine"], limit=900, warnings_fail=True),
        Step("images", ["scripts/images", "all"], limit=1200),
    ]


def compose(runner: Runner) -> list[Step]:
    """The tests with Docker Compose itself, which the part engine installs: the corpus, and some of the unit tests."""
    return [Step("compose", [PYTHON, "-m", "pytest", "tests", "-q", "-m", "compose"], limit=600, pytest=True)]


def molecule(runner: Runner) -> Iterator[Step | Together]:
    """One step per scenario. The scenario default creates the test hosts for all of them.

    The test hosts are removed at the end, at the beginning, where an interrupted run left them, and after a failure,
    so that the next scenario gets clean ones.
    """
    destroy = (tool("molecule"), "destroy", "--scenario-name", "default")
    create = (tool("molecule"), "create", "--scenario-name", "default")
    yield Step("molecule clean-up before", list(destroy))
    try:
        # With --destroy never the hosts that it creates stay for the others.
        yield scenario("default", quiet=False)
        yield Together(tuple(scenarios()), repair=(destroy, create))
    finally:
        runner.run_quietly(destroy)


def scenario(name: str, quiet: bool, proxy: str = "", uses: frozenset[str] = frozenset()) -> Step:
    """The step of a scenario, for a kind of proxy where the scenario has several."""
    environment = ["env", f"SWITCHYARD_PROXY={proxy}"] if proxy else []
    command = [*environment, tool("molecule"), "test", "--destroy", "never", "--scenario-name", name]
    label = f"molecule {name} {proxy}".rstrip()
    return Step(label, command, limit=1200, warnings_fail=True, uses=uses, quiet=quiet)


def in_order(names: Iterable[str], order: tuple[str, ...]) -> list[str]:
    """Names as an order has them; those that it does not have come first."""
    return sorted(names, key=lambda name: order.index(name) if name in order else -1)


def scenarios() -> Iterator[Step]:
    """Every scenario but default."""
    names = {path.parent.name for path in ROOT.glob("molecule/*/molecule.yml")} - {"default"}
    for name in in_order(names, ORDER):
        if name == "proxy_matrix":
            kinds = {path.stem for path in ROOT.glob("tests/test_hosts/proxies/*.yml")}
            for kind in sorted(
                kinds, key=lambda kind: ORDER_OF_PROXIES.index(kind) if kind in ORDER_OF_PROXIES else -1
            ):
                yield scenario(name, True, kind, PACKAGES if kind.endswith("-package") else frozenset())
        else:
            uses = SERVER2 if name in EXCLUSIVE else frozenset() if name in OWN_PROJECT else SHARED_PROJECT
            yield scenario(name, name in UNDER_LOAD, uses=uses)


PARTS: dict[str, Callable[[Runner], list[Step] | Iterator[Step | Together]]] = {
    "lint": lint,
    "sanity": sanity,
    "unit": unit,
    "consistency": consistency,
    "package": package,
    "engine": engine,
    "compose": compose,
    "molecule": molecule,
}
