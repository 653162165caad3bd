# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session with Palette that also reaches its clusters' own APIs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._kubernetes.client import KubernetesClient
from .._kubernetes.cluster import ClusterApi
from .._kubernetes.kubeconfig import Kubeconfig, parse_kubeconfig, read_kubeconfig
from .._palette.clusters import Cluster
from .._palette.kubeconfig import kubeconfig_of
from .._palette.vms import ClusterVms
from .._vms.session import PaletteSession


class RestoreSession(PaletteSession):
    """Palette and its clusters, as the options reach them."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self._apis: dict[str, ClusterApi] = {}

    def kubernetes(self, api: ClusterVms) -> ClusterApi:
        """Return a cluster's own API. A task asks for its kubeconfig once."""
        uid, options = api.cluster.uid, self._options
        if uid not in self._apis:
            client = KubernetesClient(
                self._kubeconfig(api.cluster),
                options["request_timeout"],
                options["retries"],
                options["rate_limit"],
            )
            # A cluster that does not answer Palette does not answer us, and the other way round.
            self._apis[uid] = ClusterApi(client, api.breaker)
        return self._apis[uid]

    def _kubeconfig(self, cluster: Cluster) -> Kubeconfig:
        given = self._options["kubeconfig"]
        if given:
            return read_kubeconfig(given)
        through_proxy = self._options["through_proxy"]
        return kubeconfig_of(self._client, cluster, parse_kubeconfig, through_proxy)
