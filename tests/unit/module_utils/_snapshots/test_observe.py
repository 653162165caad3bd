# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a GET of one snapshot says, where a list does not show it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.observe import (
    get_snapshot,
)
from unit.builders import key_of
from unit.palette_in_memory import BROKEN, FORBIDDEN, LOST, MemoryPalette, cluster_vms, connected

DB1 = key_of("db1")


@pytest.fixture
def palette() -> Iterator[MemoryPalette]:
    """Return Palette with a snapshot."""
    palette = MemoryPalette()
    palette.add_snapshot("s", DB1)
    with connected(palette):
        yield palette


def test_snapshot_that_is_there_is_shown(palette: MemoryPalette) -> None:
    found = get_snapshot(cluster_vms(palette), DB1, "s")
    assert found
    assert (found.key, found.name) == (DB1, "s")


def test_snapshot_that_is_not_shown_is_none(palette: MemoryPalette) -> None:
    palette.fail("SNAPSHOT", BROKEN)
    assert get_snapshot(cluster_vms(palette), DB1, "s") is None
    assert get_snapshot(cluster_vms(palette), DB1, "other") is None


@pytest.mark.parametrize("error", [FORBIDDEN, LOST])
def test_other_errors_say_nothing_of_a_snapshot(palette: MemoryPalette, error: ApiError) -> None:
    palette.fail("SNAPSHOT", error)
    with pytest.raises(ApiError) as raised:
        get_snapshot(cluster_vms(palette), DB1, "s")
    assert raised.value.reason == error.reason


def test_answer_about_another_object_is_no_snapshot(palette: MemoryPalette) -> None:
    palette.stored["c1", "vms", "s"].metadata.update(name="other", uid=7)
    with pytest.raises(ApiError) as raised:
        get_snapshot(cluster_vms(palette), DB1, "s")
    assert raised.value.reason == "malformed_response"
