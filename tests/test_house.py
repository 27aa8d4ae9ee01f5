"""The house keeps its order: imports point down, no two modules import each other, every test file is a test file."""

import ast
import importlib
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# From top to bottom: what stands in a room imports only from its own and from those below.
ROOMS = ["cli", "release", "measure", "building", "steps", "report", "llm", "formats", "validation", "corpus"]


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in sorted((ROOT / "nercot").rglob("*.py"))}


def imported(path, for_types=True):
    """The modules of ours that a file imports, anywhere in it; `for_types`: also what only type checkers see."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    hidden = set()
    if not for_types:
        guards = [
            node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        ]
        hidden = {inner for guard in guards for inner in ast.walk(guard)}
    for node in ast.walk(tree):
        if node in hidden:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "nercot":
            for name in node.names:
                whole = f"{node.module}.{name.name}"
                yield whole if whole in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in MODULES)


def room_of(module):
    return ROOMS.index(module.split(".")[1]) if module.count(".") and module.split(".")[1] in ROOMS else None


@pytest.mark.parametrize("module", [module for module in MODULES if room_of(module) is not None])
def test_imports_point_down(module):
    up = [other for other in imported(MODULES[module]) if (room_of(other) or 99) < room_of(module)]
    assert not up, f"{module} imports {up[0]}, which is in a room above it"


def test_no_two_modules_import_each_other():
    graph = {module: set(imported(path, for_types=False)) for module, path in MODULES.items()}
    circles = [(one, other) for one, found in graph.items() for other in found if one < other and one in graph[other]]
    assert not circles


def test_only_the_public_modules_stand_outside_of_the_rooms():
    inside = {
        path.name for path in (ROOT / "nercot").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    public = {"__init__.py", "__main__.py", "errors.py", "answers.py", "rewards.py"}
    assert inside - {"embedded"} == public | set(ROOMS)


def test_every_test_file_is_collected(pytestconfig):
    files = [path for path in (ROOT / "tests").rglob("test_*.py") if "__pycache__" not in path.parts]
    names = Counter(path.name for path in files)
    assert not [name for name, count in names.items() if count > 1]
    for path in files:
        relative = path.relative_to(ROOT)
        assert not any(part in pytestconfig.getini("norecursedirs") for part in relative.parts), relative
        tree = ast.parse(path.read_text(encoding="utf-8"))
        tests = [node for node in ast.walk(tree) if str(getattr(node, "name", "")).startswith(("test_", "Test"))]
        assert tests, f"{relative} has no test"
    listed = pytestconfig.getini("testpaths")
    assert not listed or "tests" in listed


NAMED = re.compile(r"\bnercot(?:\.[a-z_][a-z0-9_]*)+")
PAGES = [*(ROOT / "cards").iterdir(), *(ROOT / "training").rglob("*"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


@pytest.mark.parametrize(
    "path", [path for path in PAGES if path.suffix in (".md", ".j2", ".py", ".toml", ".yaml", ".sh")]
)
def test_every_name_that_a_page_gives_can_be_imported(path):
    for name in set(NAMED.findall(path.read_text(encoding="utf-8"))):
        module, found = name, None
        while module.count(".") and module not in MODULES:
            module = module.rpartition(".")[0]
        found = importlib.import_module(module)
        for part in name.removeprefix(module).split(".")[1:]:
            found = getattr(found, part)
