# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What needs requests and urllib3 can be imported without them, so that the task can say so."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http import session


@pytest.mark.parametrize("name", ["network", "retry", "session", "transport"])
def test_session_imports_without_requests_and_urllib3(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    original = import_module(f"{session.__package__}.{name}")
    for library in ("requests", "urllib3", "urllib3.exceptions"):
        monkeypatch.setitem(sys.modules, library, None)
    spec = spec_from_file_location(
        f"{session.__package__}.without_libraries", str(original.__file__)
    )
    assert spec
    assert spec.loader
    loaded = module_from_spec(spec)
    spec.loader.exec_module(loaded)
    if name == "session":
        assert "requests" in loaded.REQUESTS_IMPORT_ERROR
