# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observes VMs by their cluster's own API: few lists, never one GET for each VM."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from .._kubernetes.cluster import ClusterApi
from .model import Instance, Machine, Restore, read_instance, read_listed, read_machine


def list_restores(api: ClusterApi, uid: str, namespaces: Collection[str]) -> list[Restore]:
    """Return the restores in the namespaces; without namespaces, none. uid: the cluster's."""
    return api.restores(partial(read_listed, uid), namespaces) if namespaces else []


def list_instances(api: ClusterApi, uid: str, namespaces: Collection[str]) -> list[Instance]:
    """Return the instances in the namespaces; without namespaces, none."""
    return api.instances(partial(read_instance, uid), namespaces) if namespaces else []


def list_machines(api: ClusterApi, uid: str, namespaces: Collection[str]) -> list[Machine]:
    """Return the VMs in the namespaces that can be read; without namespaces, none."""
    listed = api.vms(partial(read_machine, uid), namespaces) if namespaces else []
    return [machine for machine in listed if machine]
