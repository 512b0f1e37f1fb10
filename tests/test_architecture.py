"""The house's rules, read from the code: who imports whom, what starts fast, what is declared once."""

import ast
from pathlib import Path

import pytest

from conftest import loaded_by

ROOT = Path(__file__).parent.parent / "pyvirsh"
MODULES = sorted(ROOT.rglob("*.py"))

# package -> what its modules may import of pyvirsh (prefixes), at any place in the file.
ALLOWED = {
    "spec": (),
    "errors": (),
    "rpc": ("rpc", "backend.errors", "backend.api"),  # what calls carry, and how they fail
    "backend": ("backend", "rpc"),
    "server": ("server", "rpc", "backend"),
    "commands": ("commands", "spec", "errors", "backend", "shell", "server"),
    "shell": ("shell", "spec", "errors", "commands", "backend"),
    "shell.clickapp": ("shell", "spec", "errors", "commands", "program"),
}
DRIVERS = ("qemu", "lxc", "test", "remote")
OWNERS = {
    "lxml": ("backend/conf/",),
    "paramiko": ("backend/remote/",),
    "prompt_toolkit": ("shell/interactive.py",),
    "rich": ("shell/pretty.py",),
    "click": ("shell/clickapp.py",),
}


def imports(path: Path, *, run_time: bool = False) -> set[str]:
    """Return the modules a file imports; run_time: leave out those for type checking only."""
    tree = ast.parse(path.read_text("utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if run_time and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_import_directions(path):
    name = name_of(path)
    top = name.split(".")[0]
    if top in ("__main__", "__init__", "program", "bin"):
        return
    found = imports(path, run_time=True) - {"pyvirsh.LIBVIRT_VERSION", "pyvirsh.__version__"}
    own = [other.removeprefix("pyvirsh.") for other in found if other.startswith("pyvirsh.")]
    for other in own:
        allowed = ALLOWED.get(name, ALLOWED[top])
        fits = any(other == p or other.startswith(p + ".") or p.startswith(other + ".") for p in allowed)
        assert fits, f"{name} imports {other}"
    for driver in DRIVERS:
        if name.startswith(f"backend.{driver}"):
            others = [other for other in DRIVERS if other != driver]
            bad = [other for other in own if any(other.startswith(f"backend.{d}") for d in others)]
            assert not bad, f"{name} imports another driver: {bad}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_heavy_packages_have_one_owner(path):
    where = path.relative_to(ROOT).as_posix()
    for package, owners in OWNERS.items():
        if any(other.split(".")[0] == package for other in imports(path)):
            assert where.startswith(owners), f"{where} imports {package}, which {owners} owns"


def test_shell_knows_commands_only_through_the_index():
    for path in (ROOT / "shell").glob("*.py"):
        for other in imports(path, run_time=True):
            if other.startswith("pyvirsh.commands"):
                assert other.count(".") <= 1 or other.split(".")[2] in (
                    "INDEX",
                    "GROUPS",
                    "UNLISTED",
                    "load",
                ), f"{path.name} imports {other}"


SLOW = {"enum", "dataclasses", "typing", "re", "logging", "pathlib", "click", "json", "subprocess", "asyncio"}


@pytest.mark.parametrize(
    "words",
    [["-c", "qemu:///embed?root={}", "list"], ["-c", "qemu:///embed?root={}", "list", "--all"]],
    ids=["list", "list-all"],
)
def test_list_imports_nothing_slow(words, tmp_path):
    words = [word.format(tmp_path) for word in words]
    _, loaded = loaded_by(words)
    assert "pyvirsh.shell.dispatch" in loaded
    assert not loaded & SLOW
    assert not any(name.startswith(("lxml", "rich", "prompt_toolkit", "paramiko")) for name in loaded)


def test_index_is_what_the_modules_declare():
    from importlib import import_module

    from pyvirsh.commands import INDEX

    for module in sorted(set(INDEX.values())):
        declared = set(import_module(f"pyvirsh.commands.{module}").TABLE.commands)
        assert declared == {name for name, where in INDEX.items() if where == module}, module


def test_every_driver_method_is_a_procedure():
    from pyvirsh.backend.api import Driver
    from pyvirsh.rpc.protocol import PROCEDURES

    ours = {
        *("abandon", "alive", "beside", "close", "events_fileno", "implements", "lost", "next_events"),
        *("set_keepalive", "supports_keepalive"),
        # Newer than the table, which is libvirt 11.3's.
        "domain_announce_interface",
    }
    methods = {name for name, value in vars(Driver).items() if callable(value) and not name.startswith("_")}
    assert methods - set(PROCEDURES) <= ours
