# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The error of the collection."""

from __future__ import annotations

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError


def test_with_facts_adds_to_the_result() -> None:
    error = ApiError("wait_timeout", "too late", a=1).with_facts(b=2)
    assert str(error) == "too late"
    assert error.result() == {"msg": "too late", "reason": "wait_timeout", "a": 1, "b": 2}
