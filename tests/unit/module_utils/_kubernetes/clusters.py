# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of a cluster's own API share: its authority, its server, kubeconfigs and errors."""

from __future__ import annotations

import json
import ssl
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from copy import deepcopy
from typing import Any

import pytest
import trustme

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._kubernetes.client import (
    KubernetesClient,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._kubernetes.kubeconfig import (
    parse_kubeconfig,
)
from unit.fakes import Answer, ScriptedServer

TOKEN = "eyJhbGciOiJSUzI1NiJ9.c2VjcmV0.dG9rZW4"
USER = "kubernetes-admin"

Json = dict[str, Any]


def serve(
    authority: trustme.CA, name: str = "127.0.0.1", *, demand: bool = False
) -> AbstractContextManager[ScriptedServer]:
    """Return a running server that asks for a client certificate, as Kubernetes does.

    demand: take no connection without one, as some proxies do.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED if demand else ssl.CERT_OPTIONAL
    return ScriptedServer.running(context)


def admin_of(authority: trustme.CA) -> Json:
    """Return the user with a client certificate that the authority signed."""
    issued = authority.issue_cert("admin@example.com", common_name=USER)
    return {
        "client-certificate-data": encoded(issued.cert_chain_pems[0].bytes()),
        "client-key-data": encoded(issued.private_key_pem.bytes()),
    }


def encoded(text: bytes) -> str:
    """Return a text in base64."""
    return b64encode(text).decode()


def ca_of(authority: trustme.CA) -> Json:
    """Return what a cluster says of its authority."""
    return {"certificate-authority-data": encoded(authority.cert_pem.bytes())}


def kubeconfig(server: str, user: Mapping[str, Any], **cluster: Any) -> Json:
    """Return a kubeconfig. cluster: further fields of it, with _ for -."""
    fields = {name.replace("_", "-"): value for name, value in cluster.items()}
    return deepcopy(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "admin@one",
            "contexts": [
                {"name": "other", "context": {"cluster": "two", "user": "nobody"}},
                {"name": "admin@one", "context": {"cluster": "one", "user": "admin"}},
            ],
            "clusters": [
                {"name": "two", "cluster": {"server": "https://two.invalid"}},
                {"name": "one", "cluster": {"server": server, **fields}},
            ],
            "users": [
                {"name": "nobody", "user": {}},
                {"name": "admin", "user": dict(user)},
            ],
        }
    )


def client_of(config: Json, **patience: Any) -> KubernetesClient:
    """Return a client for a kubeconfig."""
    parsed = parse_kubeconfig(json.dumps(config))
    return KubernetesClient(parsed, **{"retries": 3, "rate_limit": 0, **patience})


def status(http_status: int, reason: str = "", message: str = "no", **more: Any) -> Answer:
    """Return the Status that Kubernetes answers with."""
    said = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": http_status}
    return Answer({**said, "reason": reason, "message": message, **more}, http_status)


def error_of(call: Callable[..., Any], *args: Any, **kwargs: Any) -> ApiError:
    """Return the ApiError that a call raises, which does not show the token."""
    with pytest.raises(ApiError) as caught:
        call(*args, **kwargs)
    assert TOKEN not in str(caught.value.result())
    return caught.value
