# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which error branches the tests took: ``error_branches.py COVERAGE.json [FOLDER]``.

An error branch is a statement that raises, or that makes an error, a problem or a refusal, and each
block within an ``except``. A statement counts that runs only for an error: what a comprehension or
a condition within it makes does not. It is taken where its first line has run.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = "plugins/module_utils"
LEAST = 95.0  # percent
_MAKES_ERRORS = re.compile(r"([A-Z]\w*)?(Error|Problem)|option_problem|refuse(_\w+)?")
_MAYBE = (ast.IfExp, ast.BoolOp, ast.Lambda, ast.comprehension, ast.ListComp, ast.SetComp,
          ast.DictComp, ast.GeneratorExp)  # fmt: skip
_BLOCKS = ("body", "orelse", "finalbody")


class Branch(NamedTuple):
    """An error branch: where it begins, and whether a test took it."""

    file: str
    line: int
    text: str
    taken: bool


def main() -> int:
    """Print the error branches that no test took and the share of the others."""
    report, *folder = sys.argv[1:]
    measured: dict[str, Any] = json.loads(Path(report).read_text(encoding="utf-8"))
    branches = list(branches_in(measured["files"], *folder or [FOLDER]))
    taken = sum(branch.taken for branch in branches)
    for branch in branches:
        if not branch.taken:
            print(f"{branch.file}:{branch.line}: {branch.text}")
    share = 100 * taken / max(len(branches), 1)
    print(f"{taken} of {len(branches)} error branches taken: {share:.1f} %, at least {LEAST:g} %")
    return 0 if share >= LEAST else 1


def branches_in(files: Mapping[str, Mapping[str, Any]], folder: str) -> Iterator[Branch]:
    """Yield the error branches of a folder's files, as a report of coverage measured them."""
    for name, measured in sorted(files.items()):
        if not name.startswith(f"{folder}/"):
            continue
        source = Path(name).read_text(encoding="utf-8")
        texts, taken = source.splitlines(), set(measured["executed_lines"])
        known = taken | set(measured["missing_lines"])
        for line in sorted(error_lines(source) & known):
            yield Branch(name, line, texts[line - 1].strip(), line in taken)


def error_lines(source: str) -> set[int]:
    """Return the lines at which the error branches of a file begin."""
    nodes = list(ast.walk(ast.parse(source)))
    handlers = [node for node in nodes if isinstance(node, ast.ExceptHandler)]
    blocks = (block for handler in handlers for block in _blocks(handler))
    made = (node for node in nodes if isinstance(node, ast.stmt) and _makes_error(node))
    return {block[0].lineno for block in blocks} | {node.lineno for node in made}


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """Yield a statement's blocks, and those within them."""
    own = (getattr(node, name, None) for name in _BLOCKS)
    for block in filter(None, own):
        yield block
        for statement in block:
            yield from _blocks(statement)


def _makes_error(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Raise):
        return not _cannot_be(statement)
    simple = not any(hasattr(statement, name) for name in _BLOCKS)
    return simple and any(_is_error(node) for node in _surely_run(statement))


def _cannot_be(statement: ast.Raise) -> bool:
    """Say whether a statement tells that it is never reached."""
    return isinstance(statement.exc, ast.Call) and _name(statement.exc) == "AssertionError"


def _surely_run(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that are evaluated whenever a statement runs."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, _MAYBE):
            yield from _surely_run(child)


def _is_error(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and _MAKES_ERRORS.fullmatch(_name(node)) is not None


def _name(call: ast.Call) -> str:
    """Return the name of what is called, without what it is a part of."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


if __name__ == "__main__":
    sys.exit(main())
