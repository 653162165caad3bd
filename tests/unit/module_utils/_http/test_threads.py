# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What many threads do at the same time."""

from __future__ import annotations

import threading
import time

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.deadline import (
    give_up_at,
    time_left,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._http.threads import (
    at_once,
    started,
)


def test_at_once_keeps_the_deadline() -> None:
    with give_up_at(time.monotonic() + 60):
        left = at_once(lambda _number: time_left(), [1, 2, 3])
    assert all(isinstance(seconds, float) and seconds <= 60 for seconds in left)


def test_at_once_has_no_more_threads_than_it_may() -> None:
    def name(_number: int) -> str:
        return threading.current_thread().name

    assert len(set(at_once(name, list(range(50)), threads=2))) <= 2


def test_started_goes_on_meanwhile_and_keeps_the_deadline() -> None:
    go = threading.Event()

    def work() -> float:
        assert go.wait(60)
        return time_left()

    with give_up_at(time.monotonic() + 60):
        result = started(work)
    go.set()
    assert result() <= 60


def test_started_raises_what_the_work_raises() -> None:
    def work() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        started(work)()
