# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Palette counts a request as."""

from __future__ import annotations

from functools import partial

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http import rate_limit
from ansible_collections.spectrocloud.palette.plugins.module_utils._http.rate_limit import (
    RateLimiter,
    TokenBucket,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.quotas import quota_of
from unit.fakes import Clock


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("/v1/spectroclusters", "spectroclusters"),
        ("/v1/spectroclusters/u/vms/snapshot?limit=50", "spectroclusters"),
        ("/v1/spectroclusters/u/assets/kubeconfig", "assets"),
        ("/v1/spectroclusters/assets", "spectroclusters"),
        ("/v1/dashboard/projects/metadata", "dashboard"),
        ("/v1?x=/y", ""),
        ("", ""),
    ],
)
def test_quota_of_counts_by_the_first_part_of_the_path(path: str, resource: str) -> None:
    assert quota_of(path).resource == resource


@pytest.fixture
def limiter(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> RateLimiter:
    """A limiter at the documented rate, on the test's clock."""
    monkeypatch.setattr(rate_limit, "TokenBucket", partial(TokenBucket, clock=clock.monotonic))
    return RateLimiter(50, quota_of)


def test_rate_limit_counts_each_resource_by_itself(limiter: RateLimiter, clock: Clock) -> None:
    for _number in range(240):
        limiter.acquire("/v1/spectroclusters/u/vms")
    for _number in range(48):
        limiter.acquire("/v1/dashboard/projects/metadata")
    assert clock.slept == []
    limiter.acquire("/v1/dashboard/spectroclusters/search")
    assert clock.slept == [pytest.approx(0.1)]
    limiter.acquire("/v1/spectroclusters/other/vms")
    assert len(clock.slept) == 1  # five came back meanwhile


def test_kubeconfigs_are_ten_a_second(limiter: RateLimiter, clock: Clock) -> None:
    for _number in range(48):
        limiter.acquire("/v1/spectroclusters/u/assets/kubeconfig")
    assert clock.slept == []
    limiter.acquire("/v1/spectroclusters/other/assets/adminKubeconfig")
    assert clock.slept == [pytest.approx(0.1)]
