# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session with Palette: the clusters and the scope that the options name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

from .._http.errors import ApiError
from .._http.threads import at_once
from .._palette import clusters
from .._palette.client import PaletteClient, connect
from .._palette.clusters import Cluster
from .._palette.settings import settings_from
from .._palette.vms import ClusterVms


class PaletteSession:
    """Palette, as the connection options reach it. A process looks up each name once."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._client = connect(settings_from(options))

    def cluster(self, name: str | None = None, uid: str | None = None) -> ClusterVms:
        """Return the cluster with this name or uid; without either, the one in the options.

        A cluster of this name with another uid, such as another project's, is ``not_found``.
        """
        if not (name or uid):
            name, uid = self._options.get("cluster"), self._options.get("cluster_uid")
        scope = self._scope()
        if uid and not name:
            return ClusterVms(self._client, Cluster(uid, uid, scope))
        found = _cluster_named(self._client, name or "", scope)
        if uid and uid != found.uid:
            text = (
                f"cluster {name!r} with the uid {uid} not found: the one that was found has the "
                f"uid {found.uid}; check project"
            )
            raise ApiError("not_found", text, candidates=[found.uid])
        return ClusterVms(self._client, found)

    def vm_clusters(self) -> list[tuple[str, ClusterVms]]:
        """Return the clusters that the options name; if they name none, all that run VMs.

        Each with what the task calls it.
        """
        options = self._options
        if options.get("cluster") or options.get("cluster_uid"):
            return self.named([(options.get("cluster"), options.get("cluster_uid"))])
        if options.get("clusters"):
            return self.named([(name, None) for name in dict.fromkeys(options["clusters"])])
        found = clusters.vm_clusters(self._client, self._scope())
        return [(cluster.name, ClusterVms(self._client, cluster)) for cluster in found]

    def named(self, names: Sequence[tuple[str | None, str | None]]) -> list[tuple[str, ClusterVms]]:
        """Return the clusters with these names or uids, all looked up at the same time.

        A name that stands for no cluster is a mistake of the task, and no trouble of a cluster.
        """
        self._scope()  # once, before there are threads
        found = at_once(lambda given: self.cluster(*given), names)
        errors = [error for error in found if isinstance(error, ApiError)]
        if errors:
            raise _of_all_names(errors)
        apis = [api for api in found if isinstance(api, ClusterVms)]
        return [(name or uid or "", api) for (name, uid), api in zip(names, apis)]

    @property
    def project_hint(self) -> str:
        """What to think of where nothing is found; empty where a project was given."""
        given = self._options.get("project") or self._options.get("project_uid")
        return "" if given else clusters.NO_PROJECT

    @property
    def clock_skew(self) -> timedelta | None:
        """Palette's clock less this machine's; None before the first answer that tells."""
        return self._client.clock_skew

    def _scope(self) -> str | None:
        project = self._options.get("project")
        return _project_uid(self._client, project) if project else self._options.get("project_uid")


def _of_all_names(errors: Sequence[ApiError]) -> ApiError:
    """Return one error for all names that stand for no cluster."""
    # One without candidates is not about its name, and would fail for all clusters.
    others = [error for error in errors if "candidates" not in error.facts]
    if others or len(errors) == 1:
        return next(iter(others), errors[0])
    candidates = sorted({name for error in errors for name in error.facts["candidates"]})
    text = "; ".join(error.message for error in errors)
    return ApiError(errors[0].reason, text, candidates=candidates)


@lru_cache(maxsize=64)
def _project_uid(client: PaletteClient, name: str) -> str:
    return clusters.project_uid(client, name)


@lru_cache(maxsize=256)
def _cluster_named(client: PaletteClient, name: str, scope: str | None) -> Cluster:
    return clusters.cluster_named(client, name, scope)
