# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options for how fast a run may go."""

from __future__ import annotations

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._execution.run import (
    pace_problems,
)


@pytest.mark.parametrize(("concurrency", "wrong"), [(1, False), (64, False), (0, True), (-1, True)])
def test_concurrency_must_be_1_or_more(concurrency: int, wrong: bool) -> None:
    problems = pace_problems({"concurrency": concurrency, "max_in_progress": "auto"})
    assert [problem.option for problem in problems] == ["concurrency"] * wrong
