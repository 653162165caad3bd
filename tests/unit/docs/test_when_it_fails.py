# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page "When it fails" has each reason that the code gives, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import yaml

from ansible_collections.spectrocloud.palette.plugins.module_utils._http import (
    errors as http_errors,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette import errors
from checkout import CHECKOUT

PAGE = (CHECKOUT / "docs" / "when-it-fails.md").read_text("utf-8")
# They are called with a reason first.
RAISING = ("ApiError", "refuse", "__init__")
# These say of an error in the main table what to do, and are never the reason of a failure.
NOT_LAST = {"already_exists"}
ROLE = {"uncovered", "unknown", "cluster_unreachable", "nothing_selected", "invalid_parameters"}
ROLE |= {"change_failed", "rolled_back", "rollback_failed", "hosts_unreachable"}


def reasons_in(tree: ast.AST) -> Iterator[str]:
    """Yield the reasons that a piece of code names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            yield from texts(node.args[:1] if name in RAISING else [])
            yield from texts([word.value for word in node.keywords if word.arg == "reason"])
        elif isinstance(node, ast.Assign):
            if any(getattr(target, "id", "") == "reason" for target in node.targets):
                yield from texts(list(ast.walk(node.value)))
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            keyed = [value for key, value in pairs if getattr(key, "value", "") == "reason"]
            yield from texts(keyed)
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            yield from texts(node.value.elts[:1])


def texts(nodes: list[ast.expr] | list[ast.AST]) -> Iterator[str]:
    """Yield the texts among some nodes."""
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def reasons_of_the_code() -> set[str]:
    """Return all reasons that modules, actions and the role give."""
    found = {
        *http_errors._REASON_BY_STATUS.values(),
        *errors._REASON_BY_CODE.values(),
        *(reason for _phrase, reason in errors._REASON_BY_TEXT),
        *("redirected", "unavailable"),
        *ROLE,
    }
    for path in (CHECKOUT / "plugins").rglob("*.py"):
        found.update(reasons_in(ast.parse(path.read_text("utf-8"))))
    return {reason for reason in found if re.fullmatch("[a-z]+(_[a-z]+)*", reason)} - {"code"}


def test_each_reason_is_explained_and_none_besides() -> None:
    explained = re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.M)
    assert explained == sorted(explained)
    assert set(explained) == reasons_of_the_code() - NOT_LAST


def test_each_reason_of_a_modules_documentation_is_explained() -> None:
    explained = set(re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.M))
    for path in (CHECKOUT / "plugins" / "modules").glob("*.py"):
        (returned,) = re.findall(r'^RETURN = r"""(.*?)^"""', path.read_text("utf-8"), re.M | re.S)
        told = set(re.findall(r"V\(([a-z_]+)\)", str(yaml.safe_load(returned)["reason"])))
        assert told <= explained
