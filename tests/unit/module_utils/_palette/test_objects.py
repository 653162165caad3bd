# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times as the API writes them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.objects import (
    read_time,
    write_time,
)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2025-12-10T08:00:03Z", "2025-12-10T08:00:03Z"),
        ("2025-12-10t08:00:03z", "2025-12-10T08:00:03Z"),
        ("2025-12-10T08:00:03.5Z", "2025-12-10T08:00:03Z"),
        ("2025-12-10T08:00:03.123456789Z", "2025-12-10T08:00:03Z"),
        ("2025-12-10T08:00:03.1+02:00", "2025-12-10T06:00:03Z"),
        ("2025-12-10T08:00:03-07:30", "2025-12-10T15:30:03Z"),
        ("2025-12-10T08:00:03", "2025-12-10T08:00:03Z"),
        ("0001-01-01T00:00:00.000Z", None),
        ("0001-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-01:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("", None),
        (None, None),
        ("yesterday", None),
        ("2025-13-40T99:99:99Z", None),
        (7, None),
    ],
)
def test_read_time_reads_every_form(text: Any, time: str | None) -> None:
    assert write_time(read_time(text)) == time


@given(st.datetimes(datetime(2, 1, 3), datetime(2900, 1, 1), timezones=st.timezones()))  # noqa: DTZ001
def test_read_time_reads_what_write_time_wrote(moment: datetime) -> None:
    assert read_time(write_time(moment)) == moment.astimezone(timezone.utc).replace(microsecond=0)


@given(st.text())
def test_read_time_survives_any_text(text: str) -> None:
    moment = read_time(text)
    assert moment is None or moment.tzinfo == timezone.utc
