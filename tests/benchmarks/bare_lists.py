# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The least that an inventory can do: list the VMs and snapshots of all clusters at the same time.

Run as a process of its own: python -m benchmarks.bare_lists URL PROJECT_UID CLUSTER_UID ...
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import requests
from requests.adapters import HTTPAdapter

from benchmarks.by_hand import headers, items, path_of_vms


def main(url: str, project: str, clusters: Sequence[str]) -> None:
    """List what each cluster has."""
    session = requests.Session()
    session.headers.update(headers(project))
    session.mount("http://", HTTPAdapter(pool_maxsize=len(clusters)))

    def read(cluster: str) -> None:
        for what in ("", "/snapshot"):
            list(items(session, f"{url}{path_of_vms(cluster)}{what}"))

    with ThreadPoolExecutor(len(clusters)) as pool:
        list(pool.map(read, clusters))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
