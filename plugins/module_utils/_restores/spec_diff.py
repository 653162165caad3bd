# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the spec of a virtual machine differs from the one in a snapshot, without what is secret."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .._validation.printable import printable

# cloud-init's texts and SSH keys, passwords, and whatever is called so.
_SECRET = re.compile("userdata|networkdata|ssh|passw|secret|token|credential|key", re.IGNORECASE)
# A restore keeps the run strategy and gives new claims, which are told by themselves.
_TOLD_ELSEWHERE = re.compile(
    r"^(runStrategy|running|dataVolumeTemplates\b.*)$"
    r"|\.volumes\[[^]]*\]\.(persistentVolumeClaim\.claimName|dataVolume\.name)$"
)
_LONGEST = 200  # characters of a value

Spec = Mapping[str, Any]


def differences(before: Spec, after: Spec) -> tuple[dict[str, str], dict[str, str]]:
    """Return the values of the paths that differ, before and after; those of secrets are hidden."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    paths = [
        path
        for path in sorted({*old, *new})
        if old.get(path) != new.get(path) and not _TOLD_ELSEWHERE.search(path)
    ]
    return (
        {path: _shown(path, old[path], "now") for path in paths if path in old},
        {path: _shown(path, new[path], "in the snapshot") for path in paths if path in new},
    )


def _shown(path: str, value: object, which: str) -> str:
    if _SECRET.search(path):
        return f"(hidden: the one {which})"
    return printable(value, _LONGEST)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield each value that has no parts, by its path. What has a name is called by it in lists."""
    if isinstance(value, Mapping) and value:
        for name, part in value.items():
            yield from _leaves(part, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and value:
        for number, part in enumerate(value):
            named = part.get("name") if isinstance(part, Mapping) else None
            yield from _leaves(part, f"{path}[{named or number}]")
    else:
        yield path, value
