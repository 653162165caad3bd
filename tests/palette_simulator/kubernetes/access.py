# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets into a cluster's own API, and the kubeconfigs that say how.

One TLS port serves all clusters; the path names the cluster, and the way to it: direct, or through
Palette's proxy. Certificates are made when the first kubeconfig is asked for.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import secrets
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    import trustme

    from palette_simulator.state import Cluster

DIRECT, PROXY = "/k8s/", "/frp/"
ADMIN = "kubernetes-admin"
ANONYMOUS = "system:anonymous"
_HOST = "127.0.0.1"
_EXEC = {
    "apiVersion": "client.authentication.k8s.io/v1beta1",
    "command": "kubectl",
    "args": ["oidc-login", "get-token", "--oidc-issuer-url=https://idp.example.com"],
    "interactiveMode": "IfAvailable",
}


class Access:
    """The port, its certificates and its tokens."""

    def __init__(self) -> None:
        self.url = f"https://{_HOST}"
        self.open: Callable[[ssl.SSLContext], object] = lambda _context: None
        """lets the port answer; called once, when there is something to answer with"""
        self._secret = secrets.token_hex(16)

    def kubeconfig(self, cluster: Cluster, address: str, login: str) -> str:
        """A kubeconfig: address is direct or proxy, login is certificate, token or exec."""
        way = PROXY if address == "proxy" else DIRECT
        server = {
            "server": f"{self.url}{way}{cluster.uid}",
            "certificate-authority-data": _base64(self._authority.cert_pem.bytes()),
        }
        name = cluster.name
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "preferences": {},
            "current-context": f"{ADMIN}@{name}",
            "clusters": [{"name": name, "cluster": server}],
            "contexts": [{"name": f"{ADMIN}@{name}", "context": {"cluster": name, "user": ADMIN}}],
            "users": [{"name": ADMIN, "user": self._login(cluster, login)}],
        }
        return yaml.safe_dump(config, sort_keys=False)

    def user_of(self, uid: str, certificate: Any, authorization: str) -> str | None:
        """Who sends a request to a cluster; None where the credential is none of its own."""
        if certificate:
            subject = {key: value for part in certificate["subject"] for key, value in part}
            belongs = subject["organizationalUnitName"] == uid
            return subject["commonName"] if belongs else None
        if authorization:
            right = secrets.compare_digest(authorization, f"Bearer {self.token(uid)}")
            return ADMIN if right else None
        return ANONYMOUS

    def token(self, uid: str) -> str:
        """A cluster's bearer token."""
        return hashlib.sha256(f"{self._secret}/{uid}".encode()).hexdigest()

    def _login(self, cluster: Cluster, login: str) -> dict[str, Any]:
        if login == "exec":
            return {"exec": _EXEC}
        if login == "token":
            return {"token": self.token(cluster.uid)}
        issued = self._authority.issue_cert(
            ADMIN, common_name=ADMIN, organization_name="system:masters",
            organization_unit_name=cluster.uid,
        )  # fmt: skip
        return {
            "client-certificate-data": _base64(issued.cert_chain_pems[0].bytes()),
            "client-key-data": _base64(issued.private_key_pem.bytes()),
        }

    @functools.cached_property
    def _authority(self) -> trustme.CA:
        import trustme  # noqa: PLC0415 - slow to import, seldom needed

        authority = trustme.CA()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(_HOST, "localhost").configure_cert(context)
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_OPTIONAL
        self.open(context)
        return authority


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
