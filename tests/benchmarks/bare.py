# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The least that a script can do: list the VMs and snapshots, then post, with a thread pool.

Run as a process of its own: python -m benchmarks.bare URL PROJECT_UID CLUSTER_UID CONCURRENCY
With a concurrency of 0, it only lists the snapshots.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import requests
from requests.adapters import HTTPAdapter

from benchmarks.by_hand import NAMESPACE, body, headers, items, path_of_vms


def main(url: str, project: str, cluster: str, concurrency: int) -> None:
    """Take a snapshot of every VM, or only list those that there are."""
    session = requests.Session()
    session.headers.update(headers(project))
    session.mount("http://", HTTPAdapter(pool_maxsize=max(concurrency, 1)))
    vms = url + path_of_vms(cluster)
    list(items(session, f"{vms}/snapshot"))
    if not concurrency:
        return
    names = [vm["metadata"]["name"] for vm in items(session, vms)]

    def post(name: str) -> None:
        target = f"{vms}/{name}/snapshot?namespace={NAMESPACE}"
        session.post(target, json=body(name)).raise_for_status()

    with ThreadPoolExecutor(concurrency) as pool:
        list(pool.map(post, names))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
