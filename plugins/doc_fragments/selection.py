# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options that select virtual machines and their snapshots."""

from __future__ import annotations


class ModuleDocFragment:
    """Which clusters, virtual machines and snapshots."""

    DOCUMENTATION = r"""
options:
  clusters:
    description:
      - The names of several clusters. Without O(cluster), O(cluster_uid) and O(clusters), all
        clusters of the project that run virtual machines are used.
      - A name that no cluster has always fails the task before it does anything, even with
        C(on_error=continue).
      - Mutually exclusive with O(cluster) and O(cluster_uid).
    type: list
    elements: str
  namespace:
    description:
      - The only namespace to include, unless O(namespaces) is set. So C(module_defaults) of the
        group C(spectrocloud.palette.all) may set it for all modules.
    type: str
  namespaces:
    description:
      - The namespaces to include. All if not set.
      - All lists of names, here and below, may also be text with commas, or text on lines.
    type: list
    elements: str
  vm_names:
    description:
      - Names or shell patterns of virtual machines, such as V(db*). They match in all namespaces
        and clusters that the other options include. A pattern with one slash, such
        as V(prod/db*), matches C(namespace/name). A pattern with two slashes matches
        C(cluster/namespace/name), with the cluster as the results call it.
      - Tasks that restore, stop, start or delete refuse a name that several virtual machines have,
        with C(reason=ambiguous_name), before the first write. For that they look at all clusters
        first, even with C(on_error=continue). V(prod/db1) means one of them, and V(*/db1) all.
      - Tasks that take snapshots only warn, and so does a retention of the virtual machines of such
        a task, see O(spectrocloud.palette.vm_snapshot_retention#module:after).
    type: list
    elements: str
  exclude:
    description:
      - Names or shell patterns of virtual machines to leave out, in the form of O(vm_names).
      - Clusters of the same name are called by their uids. Here, their name matches them all.
    type: list
    elements: str
  selector:
    description:
      - Select virtual machines whose labels match this Kubernetes label selector, such as
        V(app=db,tier notin (test,dev\)).
      - In C(-a) of an ad hoc command, and in C(-e key=value), Ansible ends a value at the first
        blank. Quote a selector with blanks there, as in V(selector='app in (db, web\)'), or
        write JSON.
    type: str
"""

    LISTED = r"""
options:
  vms:
    description:
      - The virtual machines, one by one. Each entry is a name, or a mapping of V(vm_name) and any
        of V(namespace), V(cluster) and V(cluster_uid).
      - A name may also be text such as V(vms/db1) or V(vm-cluster-1/vms/db1), with the name or the
        uid of the cluster.
      - O(namespace), O(cluster) and O(cluster_uid) apply to entries that do not set their own.
        An entry that sets both V(cluster) and V(cluster_uid) is refused if the cluster of that name
        has another uid, such as the one of another project.
      - Cannot be combined with the filters O(selector), O(namespaces), O(vm_names), O(clusters) and
        O(all).
    type: list
    elements: raw
  all:
    description:
      - Select all virtual machines. Required if there is no other filter, so that nobody selects
        all by mistake.
    type: bool
    default: false
"""

    SNAPSHOTS = r"""
options:
  set:
    description:
      - Consider only the snapshots of this set, see M(spectrocloud.palette.vm_snapshot_set).
    type: str
  snapshot_selector:
    description:
      - Consider only snapshots whose own labels match this Kubernetes label selector, such as
        V(purpose=patch).
    type: str
"""

    ROWS = r"""
options:
  fields:
    description:
      - The keys of each row to return, in this order. All if not set.
      - Large results take memory and time in each task that uses them. With a few fields, those of
        30,000 snapshots are quick.
    type: list
    elements: str
  sort:
    description:
      - The keys to sort the rows by. With a minus before the key, as in V(-creation_time), the
        greatest comes first. Rows without a value come last, and rows with the same values stay in
        the usual order.
      - Keys whose values are lists or dictionaries have no order.
    type: list
    elements: str
  limit:
    description:
      - Return at most this many rows, the first ones. The summary counts all that match. With V(0),
        only counts are returned.
    type: int
"""
