# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports inside plugins/ point one way, make no circle, and load only what a module needs."""

from __future__ import annotations

import ast
import graphlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
PACKAGE = ("ansible_collections", "spectrocloud", "palette", "plugins")
OWN = ".".join(PACKAGE) + "."
LIBRARIES = {"ansible", "jinja2", "jsonschema", "requests", "urllib3", "yaml"}

# What the files of a room may import of other rooms. _validation's leaves are for all.
MAY_IMPORT = {
    "action": {"plugin_utils", "_module"},
    "inventory": {"plugin_utils", "_module", "_validation"},
    "modules": {"_module"},
    "plugin_utils": {"_module", "_palette", "_validation"},
    "_module": {
        "_restores",
        "_snapshots",
        "_power",
        "_execution",
        "_vms",
        "_palette",
        "_http",
        "_validation",
    },
    "_restores": {
        "_snapshots",
        "_power",
        "_execution",
        "_vms",
        "_palette",
        "_kubernetes",
        "_http",
        "_validation",
    },
    "_snapshots": {"_power", "_execution", "_vms", "_palette", "_http", "_validation"},
    "_power": {"_execution", "_vms", "_palette", "_http", "_validation"},
    "_execution": {"_vms", "_palette", "_http", "_validation"},
    "_vms": {"_palette", "_http", "_validation"},
    "_palette": {"_http", "_validation"},
    "_kubernetes": {"_http", "_validation"},
    "_http": {"_validation"},
    "_validation": set[str](),
    "doc_fragments": set[str](),
    "filter": {"plugin_utils", "_vms", "_validation"},
    "lookup": {"_validation", "plugin_utils"},
}

# The modules that each module of plugins/ imports, by their names below plugins/.
Graph = Mapping[str, set[str]]


class Imports:
    """What the Python files of a folder such as plugins/ import."""

    def __init__(self, plugins: Path) -> None:
        files = {_name_of(file.relative_to(plugins)): file for file in plugins.rglob("*.py")}
        imported = {name: set(_imported(file, name)) for name, file in files.items()}
        self.graph: Graph = {
            name: {_module_in(text, files) for text in texts if text.startswith(OWN)}
            for name, texts in imported.items()
        }
        everything = set[str]().union(*imported.values())
        self.foreign = {text for text in everything if not text.startswith(OWN)}


def _name_of(file: Path) -> str:
    parts = file.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(file: Path, name: str) -> Iterator[str]:
    """Yield the full names of all that a file imports, wherever in the file."""
    parts = (*PACKAGE, *name.split("."), *(["__init__"] if file.stem == "__init__" else []))
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            where = [*parts[: -node.level]] if node.level else []
            where += [node.module] if node.module else []
            yield from (".".join([*where, alias.name]) for alias in node.names)


def _module_in(text: str, modules: Mapping[str, object]) -> str:
    """Return the module that an imported name is, or is in."""
    name = text.removeprefix(OWN)
    while name and name not in modules:
        name = name.rpartition(".")[0]
    assert name, f"{text} is not there"
    return name


def room_of(module: str) -> str:
    """Return the folder that a module is in, inside module_utils the one below that."""
    return module.removeprefix("module_utils.").partition(".")[0]


def wrong_arrows(graph: Graph) -> list[str]:
    """Return the imports from one room into another that it may not import."""
    return sorted(
        f"{importer} -> {imported}"
        for importer, all_imported in graph.items()
        for imported in all_imported
        if room_of(imported) not in {room_of(importer)} | MAY_IMPORT.get(room_of(importer), set())
    )


def circle_in(graph: Graph) -> list[str]:
    """Return modules that import each other in a circle; empty where there is none."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        circle: list[str] = error.args[1]
        return circle
    return []


def not_allowed(foreign: set[str]) -> list[str]:
    """Return what neither Python nor a runtime requirement provides, such as tests."""
    allowed = LIBRARIES | sys.stdlib_module_names
    return sorted(name for name in foreign if name.partition(".")[0] not in allowed)


def loaded_by(module: str, graph: Graph) -> set[str]:
    """Return all that a module imports, and what that imports, and so on."""
    loaded: set[str] = set()
    waiting = [module]
    while waiting:
        following = graph[waiting.pop()] - loaded
        loaded |= following
        waiting += following
    return loaded


IMPORTS = Imports(PLUGINS)
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py"))


def test_every_room_says_what_it_may_import() -> None:
    assert {room_of(name) for name in IMPORTS.graph} == MAY_IMPORT.keys()


def test_imports_point_one_way() -> None:
    assert wrong_arrows(IMPORTS.graph) == []


def test_imports_make_no_circle() -> None:
    assert circle_in(IMPORTS.graph) == []


def test_imports_need_only_python_and_the_runtime_requirements() -> None:
    """So nothing in plugins/ imports tests or tools."""
    assert {name.partition(".")[0] for name in IMPORTS.foreign} >= LIBRARIES
    assert not_allowed(IMPORTS.foreign) == []


@pytest.mark.parametrize("name", MODULES)
def test_module_loads_no_core_but_its_own(name: str) -> None:
    loaded = loaded_by(f"modules.{name}", IMPORTS.graph)
    cores = {f"module_utils._module.{other}" for other in MODULES}
    assert loaded & cores == {f"module_utils._module.{name}"}


@pytest.mark.parametrize("name", ["vm_info", "vm_snapshot_info"])
def test_info_loads_nothing_that_plans_writes_or_waits(name: str) -> None:
    needless = {
        f"module_utils._snapshots.{name}"
        for name in ("desired", "naming", "plan", "steps", "wait", "writes")
    }
    needless |= {module for module in IMPORTS.graph if room_of(module) == "_execution"}
    assert needless <= IMPORTS.graph.keys()
    assert loaded_by(f"modules.{name}", IMPORTS.graph) & needless == set()


# The same on files that break the rules


def imports_of(folder: Path, files: Mapping[str, str]) -> Imports:
    """Return the imports of files written into a folder."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return Imports(folder)


RIGHT = {
    "modules/vm_snapshot.py": "from ..module_utils._module.vm_snapshot import MODULE",
    "module_utils/_module/vm_snapshot.py": "from .._palette.client import connect",
    "module_utils/_palette/__init__.py": "",
    "module_utils/_palette/client.py": "import os",
    "module_utils/_palette/vms.py": "from . import client",
}


def test_imports_that_are_right_pass(tmp_path: Path) -> None:
    imports = imports_of(tmp_path, RIGHT)
    assert imports.graph["module_utils._palette.vms"] == {"module_utils._palette.client"}
    assert wrong_arrows(imports.graph) == []
    assert circle_in(imports.graph) == []
    assert not_allowed(imports.foreign) == []


@pytest.mark.parametrize(
    "text",
    [
        "from .._module.vm_snapshot import MODULE",
        "from .._module import vm_snapshot",
        "def later():\n    from .._module import vm_snapshot",
        "import ansible_collections.spectrocloud.palette.plugins.module_utils._module.vm_snapshot",
    ],
)
def test_import_against_the_direction_is_found(tmp_path: Path, text: str) -> None:
    imports = imports_of(tmp_path, {**RIGHT, "module_utils/_palette/vms.py": text})
    arrow = "module_utils._palette.vms -> module_utils._module.vm_snapshot"
    assert wrong_arrows(imports.graph) == [arrow]


def test_import_past_the_core_is_found(tmp_path: Path) -> None:
    text = "from ..module_utils._palette.client import connect"
    imports = imports_of(tmp_path, {**RIGHT, "modules/vm_snapshot.py": text})
    assert wrong_arrows(imports.graph) == ["modules.vm_snapshot -> module_utils._palette.client"]


def test_import_in_a_circle_is_found(tmp_path: Path) -> None:
    circle = {"module_utils/_palette/client.py": "from . import vms"}
    imports = imports_of(tmp_path, {**RIGHT, **circle})
    assert wrong_arrows(imports.graph) == []
    assert set(circle_in(imports.graph)) == {
        "module_utils._palette.client",
        "module_utils._palette.vms",
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from unit.fakes import Clock", "unit.fakes.Clock"),
        ("import palette_simulator.launch", "palette_simulator.launch"),
        ("from ....tests import fakes", "ansible_collections.spectrocloud.palette.tests.fakes"),
        ("import kubernetes", "kubernetes"),
    ],
)
def test_import_of_tests_or_another_library_is_found(tmp_path: Path, text: str, found: str) -> None:
    imports = imports_of(tmp_path, {**RIGHT, "module_utils/_palette/client.py": text})
    assert not_allowed(imports.foreign) == [found]
