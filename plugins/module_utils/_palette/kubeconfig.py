# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches a cluster's kubeconfig, with which its own API can be asked.

It is the key to the whole cluster: nothing here shows it or writes it to a file. See
docs/palette.md, "Kubeconfig".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from .._http.errors import ApiError
from .client import PaletteClient, api_path
from .clusters import Cluster, is_of_tenant
from .vms import may_be_the_scope

_NO_PERMISSION = (
    "; the cluster's own API needs a kubeconfig: give the API key's user the permission "
    "cluster.adminKubeconfigDownload, or set kubeconfig to a file of your own"
)
_NONE = (
    "; Palette has no kubeconfig of this cluster, as while a cluster is being created: set "
    "kubeconfig to a file of your own"
)

Parsed = TypeVar("Parsed")


def kubeconfig_of(
    client: PaletteClient, cluster: Cluster, parse: Callable[[str], Parsed], through_proxy: bool
) -> Parsed:
    """Return what ``parse`` makes of a cluster's kubeconfig, which a process fetches once.

    The admin's, or else the user's own where a task can log in with it: parse raises
    ``kubeconfig_unusable`` where not. through_proxy: whether the user's own leads through Spectro
    Proxy; the admin's leads where Palette says.
    """
    parsed: Parsed = _fetched(client, cluster, parse, through_proxy)
    return parsed


@lru_cache(maxsize=256)
def _fetched(
    client: PaletteClient, cluster: Cluster, parse: Callable[[str], Any], through_proxy: bool
) -> Any:
    try:
        return parse(_asset(client, cluster, "adminKubeconfig"))
    except ApiError as error:
        if error.reason not in ("forbidden", "not_found"):
            raise
        refusal = error
    try:
        frp = "true" if through_proxy else "false"
        return parse(_asset(client, cluster, "kubeconfig", frp=frp))
    except ApiError as error:
        if error.reason not in ("forbidden", "not_found"):
            raise
    refusal.message += _NO_PERMISSION if refusal.reason == "forbidden" else _NONE
    raise refusal


def _asset(client: PaletteClient, cluster: Cluster, name: str, **query: str) -> str:
    path = api_path("spectroclusters", cluster.uid, "assets", name)
    try:
        return client.file(path, query, cluster.scope)
    except ApiError as error:
        guess = cluster.scope is not None and not cluster.of_project
        if not (guess and may_be_the_scope(error) and is_of_tenant(client, cluster.uid)):
            raise
    return client.file(path, query)
