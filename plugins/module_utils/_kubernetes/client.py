# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP client of a cluster's own API: the little of Kubernetes that Palette lacks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeVar

from .._http.answers import Json, foreign, object_in
from .._http.network import Words
from .._http.paging import all_items
from .._http.rate_limit import RateLimiter
from .._http.retry import READS
from .._http.secrets import scrub
from .._http.session import Headers, Query, Server, Session, ca_of_environment
from .._http.transport import Tls
from .._http.urls import url_path
from .errors import carried_out, from_answer
from .kubeconfig import Kubeconfig
from .tls import context_for

_PAGE = 100  # VMs may have 20 KiB each
_SERVER, _CA = "server in the kubeconfig", "certificate-authority in the kubeconfig"
_MERGE = {"Content-Type": "application/merge-patch+json"}

Item = TypeVar("Item")


class Resource(NamedTuple):
    """A kind of objects in namespaces."""

    group: str
    version: str
    plural: str

    def path(self, namespace: str, *name: str) -> str:
        """Return the URL path of an object, or of the list; without a namespace, of all."""
        where = ("namespaces", namespace) if namespace else ()
        return url_path("apis", self.group, self.version, *where, self.plural, *name)


class KubernetesClient:
    """A cluster's own API, JSON in and JSON out. Thread-safe.

    rate_limit: requests per second, 0 for no limit. Every method raises ApiError: ``unreachable``,
    ``timeout``, ``tls_error``, ``malformed_response``, or the reason that an HTTP answer stands
    for. outcome_unknown says that a write may have been carried out.
    """

    def __init__(
        self,
        config: Kubeconfig,
        request_timeout: float = 30.0,
        retries: int = 5,
        rate_limit: float = 50.0,
    ) -> None:
        self.retries = retries
        self._mask = partial(scrub, secret=config.token)
        login = {"Authorization": f"Bearer {config.token}"} if config.token else {}
        self._session = Session(
            Server(
                config.server,
                config.verify,
                request_timeout,
                retries,
                Tls(context_for(config, ca_of_environment()), config.server_name),
                config.proxy,
            ),
            RateLimiter(rate_limit),
            _words(config),
            {"Accept": "application/json", **login},
            self._mask,
        )

    def get(self, resource: Resource, namespace: str, name: str) -> Json:
        """Return an object; ``not_found`` if there is none."""
        return self._call("GET", resource.path(namespace, name))

    def items(
        self, resource: Resource, read: Callable[[Any], Item], namespace: str = ""
    ) -> list[Item]:
        """Return what ``read`` makes of each object, in one namespace or, without, in all."""
        path = resource.path(namespace)
        return all_items(partial(self._call, "GET", path), read, path, _PAGE, self.retries)

    def create(self, resource: Resource, namespace: str, body: Json) -> Json:
        """Create an object; ``already_exists`` if its name is taken."""
        return self._call("POST", resource.path(namespace), body=body)

    def patch(self, resource: Resource, namespace: str, name: str, changes: Json) -> Json:
        """Merge changes into an object; null removes a field."""
        return self._call("PATCH", resource.path(namespace, name), body=changes, headers=_MERGE)

    def delete(self, resource: Resource, namespace: str, name: str, uid: str = "") -> None:
        """Request the deletion of an object, which its finalizers may delay.

        uid: of the one that is meant; another of its name is a ``conflict``.
        """
        body = {"preconditions": {"uid": uid}} if uid else None
        self._call("DELETE", resource.path(namespace, name), body=body)

    def _call(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        body: Json | None = None,
        headers: Headers | None = None,
    ) -> Json:
        answer = self._session.exchange(method, path, query, body, headers)
        if answer.status >= 300 or answer.status < 200:
            where = self._session.where(method, path)
            refusal = from_answer(where, answer.status, answer.text, self._mask)
            refusal.outcome_unknown = refusal.outcome_unknown and method not in READS
            raise refusal
        if not carried_out(method, answer.status):
            raise foreign(answer, method, path, "Kubernetes'")
        found = object_in(answer, method, path)
        if "kind" not in found:
            # Each of Kubernetes' answers says what it is.
            raise foreign(answer, method, path, "Kubernetes'")
        return found


def _words(config: Kubeconfig) -> Words:
    if config.proxy:
        return Words(_SERVER, _CA, "proxy-url in the kubeconfig")
    return Words(_SERVER, _CA)
