# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documented rate limits."""

from __future__ import annotations

import pytest

from palette_simulator.ratelimit import RateLimiter

CLUSTERS = "/v1/spectroclusters/c/vms"
DASHBOARD = "/v1/dashboard/projects/metadata"


def passed(limiter: RateLimiter, path: str, now: float, address: str = "a") -> int:
    return sum(limiter.allows(address, path, now) for _number in range(1000))


@pytest.mark.parametrize(
    ("path", "rate", "burst"),
    [
        (CLUSTERS, 50, 250),
        ("/v1/spectroclusters/c/assets/kubeconfig", 10, 50),
        (DASHBOARD, 10, 50),
        ("/v1/projects/p", 10, 50),
        ("/v1/auth/authenticate", 10, 50),
        ("/", 10, 50),
    ],
)
def test_a_burst_passes_and_then_the_rate(path: str, rate: int, burst: int) -> None:
    limiter = RateLimiter()
    assert passed(limiter, path, now=0.0) == burst
    assert passed(limiter, path, now=1.0) == rate
    assert passed(limiter, path, now=1e6) == burst


@pytest.mark.parametrize(
    ("path", "address"),
    [
        (DASHBOARD, "a"),
        (CLUSTERS, "b"),
        ("/v1/spectroclusters/c/assets/kubeconfig", "a"),
    ],
)
def test_resources_and_addresses_have_buckets_of_their_own(path: str, address: str) -> None:
    limiter = RateLimiter()
    passed(limiter, CLUSTERS, now=0.0)
    assert limiter.allows(address, path, now=0.0)


def test_sub_resources_share_a_bucket() -> None:
    limiter = RateLimiter()
    passed(limiter, CLUSTERS, now=0.0)
    assert not limiter.allows("a", "/v1/spectroclusters/other/vms/x/snapshot", now=0.0)
