# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options on how a task works and shows its progress."""

from __future__ import annotations


class ModuleDocFragment:
    """How many requests, and how many snapshots, at a time."""

    DOCUMENTATION = r"""
options:
  max_in_progress:
    description:
      - How many snapshots of one cluster may be taken or deleted at the same time, so that its
        storage can finish each before its failure deadline. The others wait for their turn.
      - With V(auto), the task begins with few, measures how many the storage finishes per second,
        and lets in so many that each should be done within half its failure deadline. Where a guest
        agent has frozen the file systems, or the virtual machine is off for its snapshot, that is a
        minute at most.
      - If a snapshot fails by its deadline all the same, and none that began later is done, the
        cluster's other members are not tried, with C(reason=storage_too_slow).
      - Not applied with O(wait=false).
    type: str
    default: auto
"""

    CONCURRENCY = r"""
options:
  concurrency:
    description:
      - The maximum number of parallel requests. O(rate_limit) applies as well.
      - Clusters share them equally. Each can always send one, so that no cluster waits for another.
    type: int
    default: 16
"""

    ON_ERROR = r"""
options:
  on_error:
    description:
      - What to do if a cluster cannot be reached. V(abort) fails, before the first write if the
        task writes. V(continue) goes on with the other clusters, and warns.
      - The name of a cluster that does not exist always fails the task before it does anything,
        even with V(continue).
    type: str
    choices: [abort, continue]
    default: abort
"""

    ON_BLOCKED = r"""
options:
  on_error:
    description:
      - What to do if the check before the first write finds blocked virtual machines, or cannot
        reach a cluster.
      - V(abort) writes nothing. V(continue) goes on with the other virtual machines and clusters,
        each cluster as soon as it has answered.
      - The same holds for O(namespaces) and for names in O(vm_names) that match nothing. Patterns
        that match nothing are only warned of.
      - The name of a cluster that does not exist always fails the task before it does anything,
        even with V(continue).
    type: str
    choices: [abort, continue]
    default: abort
"""

    MEMBERS = r"""
options:
  max_failed:
    description:
      - The task fails if more virtual machines than this fail, or, with O(on_error=continue), fail
        or are blocked.
      - Those of clusters that could not be reached do not count here, see O(max_failed_clusters).
    type: int
    default: 0
  members:
    description:
      - Which virtual machines a failing result holds. V(failed) leaves out those that did not fail,
        which can be thousands. A result that does not fail always holds all.
    type: str
    choices: [failed, all]
    default: failed
"""

    MAX_FAILED_CLUSTERS = r"""
options:
  max_failed_clusters:
    description:
      - With O(on_error=continue), the task fails in the end if more clusters than this could not be
        reached. It always fails if none could be.
    type: int
    default: 0
"""

    MAX_ROWS = r"""
options:
  max_rows:
    description:
      - How many rows the result may have. If there are more, those that need attention come first,
        and the others are left out. RV(summary) still counts all. Without this option, the result
        has all rows.
      - AWX keeps no result of more than 700,000 characters, which are about 500 rows.
    type: int
"""

    PROGRESS = r"""
options:
  progress:
    description:
      - Whether to print a line at least every 15 seconds while the task waits, with what it waits
        for and for how long. Nothing is printed when the task uses C(async), or is delegated to
        another machine than the controller.
    type: bool
    default: true
"""
