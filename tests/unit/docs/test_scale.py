# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page "Scale" shows what the simulation says, and the simulation keeps to the limits."""

from __future__ import annotations

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.member import (
    patience_with,
)
from ansible_collections.spectrocloud.palette.tools import scale
from checkout import CHECKOUT

PAGE = (CHECKOUT / "docs" / "scale.md").read_text("utf-8")


def test_the_page_has_the_table() -> None:
    assert scale.table() in PAGE


@pytest.mark.parametrize("fleet", scale.FLEETS[:4])
def test_no_snapshot_comes_too_late_and_no_limit_is_beaten(fleet: scale.Fleet) -> None:
    outcome = scale.simulate(fleet)
    assert outcome.failed == 0
    assert outcome.seconds >= fleet.vms / fleet.clusters / fleet.pace
    most = outcome.seconds * scale.LIMIT + scale.BURST
    assert fleet.vms < outcome.requests <= most * fleet.addresses


def test_what_is_simulated_is_the_collections_own() -> None:
    assert patience_with(None, None) == scale.PATIENCE
