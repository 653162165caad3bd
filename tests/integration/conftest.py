# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tests stay together where several processes run them."""

from __future__ import annotations

import re

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

_TARGET = re.compile(r"\[(vm_\w+)-")


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist is untyped
    """Keeps a target's cases together, which are one play, and any other file's tests."""

    def _split_scope(self, nodeid: str) -> str:
        file, _colons, test = nodeid.partition("::")
        target = _TARGET.search(test)
        return f"{file} {target[1]}" if target else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupScheduling:
    """Hand out groups, whatever --dist says."""
    return GroupScheduling(config, log)
