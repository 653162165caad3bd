# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several processes that share Palette's rate limit, and none of which knows of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs

import pytest

from integration.runs import Ansible, Run
from palette_simulator.launch import Simulator

PROCESSES = 4
VMS = 250  # of each process
SHARES = [f"share-{number}" for number in range(PROCESSES)]


BURST = 250  # requests that Palette takes at once on /v1/spectroclusters, as documented


class Shared:
    """What became of the processes, and what Palette saw of them."""

    def __init__(self, run: Run, requests: Sequence[dict[str, Any]]) -> None:
        self.run = run
        self.refused = [request for request in requests if request["status"] == 429]
        self.accepted = [request for request in requests if request["status"] == 200]
        # Whose snapshot each was, in the order in which they were asked for.
        self.creations = [
            parse_qs(request["query"])["namespace"][0]
            for request in self.accepted
            if request["operation"] == "create_snapshot"
        ]

    def most_passed_over(self, share: str) -> int:
        """Return how many creations of others came between two of one's own, at the most."""
        own = [place for place, whose in enumerate(self.creations) if whose == share]
        return max(later - earlier - 1 for earlier, later in pairwise(own))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """A set taken by each of the processes at the same time."""
    task = {
        "name": "Take the set",
        "spectrocloud.palette.vm_snapshot_set": {
            "set": "nightly",
            "project": "Default",
            "cluster": "vm-cluster-1",
            "namespaces": ["{{ inventory_hostname }}"],
        },
    }
    with Simulator.running(
        "demo", vms=PROCESSES * VMS, vm_namespaces=",".join(SHARES), timing="fast"
    ) as palette:
        run = Ansible(tmp_path_factory.mktemp("home")).play(
            [task],
            f"--forks={PROCESSES}",
            hosts={share: {"ansible_connection": "local"} for share in SHARES},
            PALETTE_HOST=palette.url,
            PALETTE_API_KEY="demo-key",
        )
        yield Shared(run, palette.requests())


def test_all_finish_and_no_member_fails(shared: Shared) -> None:
    results = [record["result"] for record in shared.run.ok().records]
    counts = [(result["summary"]["created"], result["summary"]["failed"]) for result in results]
    assert counts == [(VMS, 0)] * PROCESSES
    assert Counter(shared.creations) == dict.fromkeys(SHARES, VMS)


def test_they_feel_the_limit_and_do_not_storm(shared: Shared) -> None:
    assert shared.refused
    assert len(shared.refused) < len(shared.accepted) / 2


@pytest.mark.parametrize("share", SHARES)
def test_nobody_starves(shared: Shared, share: str) -> None:
    assert shared.most_passed_over(share) < BURST
