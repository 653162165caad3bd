# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a kubeconfig: which server, which CA, and who the user is.

What the file holds is secret. Neither an error nor the text of a Kubeconfig shows any of it.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import missing_required_lib

from .._http.errors import ApiError
from .._http.urls import is_loopback

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]

_LARGEST = 1024 * 1024  # bytes, far more than the kubeconfig of hundreds of clusters
_NO_LOGIN = (
    "its user logs in with {how}, which needs a browser or a program beside this task; give the "
    "API key's user the permission cluster.adminKubeconfigDownload, or set kubeconfig to a file "
    "with a client certificate or a token"
)
_IMPERSONATION = ("as", "as-uid", "as-groups", "as-user-extra")
_HOST = re.compile(
    r"([A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?|[0-9A-Fa-f]*:[0-9A-Fa-f:]*(\.\d+)*)?\Z",
    re.ASCII,
)
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]+\Z")


@dataclass(frozen=True, repr=False)
class Kubeconfig:
    """How to reach a cluster's own API. Texts are empty where the file has nothing.

    server: its URL, without a slash at the end. ca, certificate, key: PEM. verify: whether the
    server's certificate is checked. server_name: the name in it, if not the URL's. proxy: a URL.
    """

    server: str
    ca: str = ""
    certificate: str = ""
    key: str = ""
    token: str = ""
    verify: bool = True
    server_name: str = ""
    proxy: str = ""


def unusable(why: str) -> ApiError:
    """Return the error for a kubeconfig with which nobody can log in."""
    return ApiError("kubeconfig_unusable", f"the kubeconfig cannot be used: {why}")


def read_kubeconfig(given: str) -> Kubeconfig:
    """Read what a user gives: the path of a file, or its content."""
    text = given.strip()
    if _is_content(text):
        return parse_kubeconfig(text)
    try:
        path = Path(text).expanduser()
        return parse_kubeconfig(_bytes_of(path).decode(), path.parent)
    except (ValueError, RuntimeError):  # a null character; a home that does not exist
        raise unusable("it is neither a path nor the content of a file") from None
    except OSError as error:
        raise unusable(f"the file cannot be read where the task runs: {error.strerror}") from None


def parse_kubeconfig(text: str, folder: Path | None = None) -> Kubeconfig:
    """Read the content of a kubeconfig, plain or in base64.

    folder: where it lies. Content from elsewhere may name no files: who wrote it could have any
    file of this machine sent to a server of theirs.
    """
    return _File(_loaded(_plain(text)), folder).kubeconfig()


class _File:
    """The context of a kubeconfig that is to be used."""

    def __init__(self, content: Mapping[str, Any], folder: Path | None) -> None:
        self._folder = folder
        current = _text(content, "current-context")
        if not current:
            raise unusable("it has no current-context")
        context = _named(content, "contexts", "context", current)
        self._cluster = _named(content, "clusters", "cluster", _text(context, "cluster"))
        self._user = _named(content, "users", "user", _text(context, "user"))

    def kubeconfig(self) -> Kubeconfig:
        cluster, user = self._cluster, self._user
        if any(user.get(name) for name in _IMPERSONATION):
            raise unusable("its user acts as another one (as), which this collection does not do")
        certificate = self._pem(user, "client-certificate")
        key = self._pem(user, "client-key")
        token = _text(user, "token") or self._content(user, "tokenFile").strip()
        if bool(certificate) != bool(key):
            raise unusable("it has only one of client-certificate and client-key")
        if not (certificate or token):
            raise unusable(_no_login(user))
        if not (token.isascii() and token.isprintable()):
            raise unusable("its token contains characters that an HTTP header cannot have")
        ca = self._pem(cluster, "certificate-authority")
        verify = not _flag(cluster, "insecure-skip-tls-verify")
        if ca and not verify:
            raise unusable("insecure-skip-tls-verify is set, beside a certificate-authority")
        return Kubeconfig(
            server=_server(_text(cluster, "server")),
            ca=ca,
            certificate=certificate,
            key=key,
            token=token,
            verify=verify,
            server_name=_server_name(_text(cluster, "tls-server-name")),
            proxy=_proxy(_text(cluster, "proxy-url")),
        )

    def _pem(self, parent: Mapping[str, Any], name: str) -> str:
        """Return what is in the file itself, in base64, or in a file that it names."""
        data = _text(parent, f"{name}-data")
        if not data:
            return self._content(parent, name)
        try:
            return b64decode("".join(data.split()), validate=True).decode(errors="replace")
        except ValueError:
            raise unusable(f"{name}-data is not PEM in base64") from None

    def _content(self, parent: Mapping[str, Any], name: str) -> str:
        path = _text(parent, name)
        if not path:
            return ""
        if self._folder is None:
            raise unusable(f"{name} names a file, which content that came without one must not")
        try:
            # A PEM may have comments in any encoding; nothing else here may be more than ASCII.
            return _bytes_of(self._folder / path).decode(errors="replace")
        except ValueError:
            raise unusable(f"{name} is not the path of a file") from None
        except OSError as error:
            raise unusable(f"the file of {name} cannot be read: {error.strerror}") from None


def _is_content(text: str) -> bool:
    """Say whether a text is a kubeconfig, and not the path of one."""
    if "\n" in text or text.startswith("{"):
        return True
    return len(text) > 1 and not text.startswith(("/", "~", ".")) and _plain(text) != text


def _plain(text: str) -> str:
    """Return a kubeconfig, which may be in base64, as YAML."""
    if not _BASE64.match(text):
        return text
    try:
        plain = b64decode("".join(text.split()), validate=True).decode()
    except ValueError:
        return text
    return plain if "clusters" in plain else text


def _loaded(text: str) -> Mapping[str, Any]:
    if yaml is None:
        raise ApiError("missing_library", missing_required_lib("PyYAML"))
    if len(text) > _LARGEST:
        raise unusable("it is larger than 1 MiB")
    try:
        content = yaml.safe_load(text)
    except Exception as error:  # noqa: BLE001
        # PyYAML lets any error through that a value causes. Their texts show what is in the file.
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise unusable(f"it is not YAML{where}") from None
    if not isinstance(content, dict) or "clusters" not in content:
        raise unusable("it is not a kubeconfig")
    return content


def _named(content: Mapping[str, Any], several: str, one: str, name: str) -> Mapping[str, Any]:
    entries = content.get(several)
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and name and entry.get("name") == name:
            found = entry.get(one)
            if isinstance(found, dict):
                return found
    raise unusable(f"{several} has no {one} for its current-context")


def _text(parent: Mapping[str, Any], name: str) -> str:
    value = parent.get(name)
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    raise unusable(f"{name} is not text")


def _flag(parent: Mapping[str, Any], name: str) -> bool:
    value = parent.get(name) or False
    if isinstance(value, bool):
        return value
    raise unusable(f"{name} is neither true nor false")


def _no_login(user: Mapping[str, Any]) -> str:
    for way in ("exec", "auth-provider"):
        if user.get(way):
            return _NO_LOGIN.format(how=way)
    if user.get("username"):
        return "its user logs in with a password, which Kubernetes takes no longer"
    return "its user has neither a client certificate nor a token"


def _server(url: str) -> str:
    parts = _split(url)
    if not (parts and parts.hostname and parts.scheme in ("http", "https")):
        raise unusable("its server is not a URL such as https://10.0.0.1:6443")
    if parts.username is not None or parts.query or parts.fragment:
        raise unusable("its server may contain only scheme, host, port and path")
    if parts.scheme == "http" and not is_loopback(url):
        raise unusable("its server is http://, which would send the login in clear text")
    return url.rstrip("/")


def _server_name(name: str) -> str:
    if _HOST.match(name):
        return name
    raise unusable("its tls-server-name is not the name of a host")


def _proxy(url: str) -> str:
    parts = _split(url)
    if not url or (parts and parts.hostname and parts.scheme in ("http", "https")):
        return url
    raise unusable("its proxy-url is not http:// or https://; other proxies are not supported")


def _split(url: str) -> Any:
    try:
        parts = urlsplit(url)
        return parts if parts.port != 0 and not re.search(r"[\s\\]", url) else None
    except ValueError:
        return None


def _bytes_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LARGEST + 1)
