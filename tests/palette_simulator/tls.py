# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate authority and a server certificate, made anew for each run."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import trustme


class Certificate(NamedTuple):
    """The files of a certificate."""

    chain: Path
    """private key and certificate chain"""
    ca: Path


def issue(folder: Path, host: str) -> Certificate:
    """Write a CA and a certificate for the host into a folder."""
    authority = trustme.CA()
    certificate = Certificate(folder / "server.pem", folder / "ca.pem")
    issued = authority.issue_cert(host, "localhost")
    issued.private_key_and_cert_chain_pem.write_to_path(str(certificate.chain))
    certificate.chain.chmod(0o600)
    authority.cert_pem.write_to_path(str(certificate.ca))
    return certificate
