# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The TLS of a connection to a cluster: whom it trusts, and the certificate that it shows."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .._http.transport import tls_context
from .kubeconfig import Kubeconfig, unusable


def context_for(config: Kubeconfig, default_ca: str) -> ssl.SSLContext:
    """Return what a kubeconfig demands. default_ca: a bundle or a folder, where it has no CA."""
    context = tls_context()
    _trust(context, config, default_ca)
    if config.certificate:
        _show(context, config)
    return context


def _trust(context: ssl.SSLContext, config: Kubeconfig, default_ca: str) -> None:
    if not config.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return
    try:
        if config.ca:
            context.load_verify_locations(cadata=_ascii(config.ca))
        elif Path(default_ca).is_dir():
            context.load_verify_locations(capath=default_ca)
        else:
            context.load_verify_locations(cafile=default_ca)
    except (ValueError, OSError):
        what = "certificate-authority" if config.ca else "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE"
        raise unusable(f"{what} has no certificate that can be read") from None


def _show(context: ssl.SSLContext, config: Kubeconfig) -> None:
    try:
        # OpenSSL reads keys from files only. This one lies there while it is read, and no longer.
        with _file_of(f"{config.certificate.rstrip()}\n{config.key}") as path:
            # Without a passphrase, OpenSSL would ask for it at the terminal.
            context.load_cert_chain(path, password=lambda: b"")
    except (ValueError, OSError):
        raise unusable(
            "client-certificate and client-key are not a certificate and its key, in PEM and "
            "without a passphrase"
        ) from None


@contextmanager
def _file_of(pem: str) -> Iterator[str]:
    """Have a text in a file that only this user can read."""
    descriptor, path = tempfile.mkstemp(suffix=".pem")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(_ascii(pem))
        yield path
    finally:
        Path(path).unlink()


def _ascii(pem: str) -> str:
    """Return a PEM as OpenSSL takes it. What is around its blocks may be written in any script."""
    return pem.encode("ascii", errors="replace").decode()
