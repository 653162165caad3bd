# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue and the operations: names that tell cells apart, and as many as were promised."""

from __future__ import annotations

from collections import Counter

from faults.catalogue import CATALOGUE
from faults.operations import OPERATIONS, WAYS, all_cells


def test_there_are_at_least_sixty_faults() -> None:
    assert len({fault.name for fault in CATALOGUE}) >= 60


def test_names_of_cells_are_unique() -> None:
    twice = [name for name, count in Counter(c.name for c in all_cells()).items() if count > 1]

    assert twice == []


def test_each_operation_meets_at_least_sixty_faults_in_each_way() -> None:
    met = {
        (operation.name, way): len(
            {c.fault.name for c in all_cells() if c.operation is operation and c.way == way}
        )
        for operation in OPERATIONS
        for way in WAYS
    }

    assert len(met) == 22
    assert min(met.values()) >= 60
