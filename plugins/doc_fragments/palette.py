# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options that say where Palette is and how to reach it."""

from __future__ import annotations


class ModuleDocFragment:
    """The connection options, and what all modules of the collection need and support."""

    DOCUMENTATION = r"""
options:
  host:
    description:
      - Palette's host name or URL, with or without C(https://).
      - C(http://) is refused unless the host is this very machine, because it would send the API
        key in clear text.
      - If not set, the environment variables E(PALETTE_HOST) and E(SPECTROCLOUD_HOST) are tried.
    type: str
    default: https://api.spectrocloud.com
  api_key:
    description:
      - The API key of a Palette user.
      - If not set, the environment variables E(PALETTE_API_KEY) and E(SPECTROCLOUD_APIKEY) are
        tried.
    type: str
  project:
    description:
      - The name of the project. It is looked up on each run; O(project_uid) saves that request.
      - Without O(project) and O(project_uid), Palette's tenant scope is used.
    type: str
  project_uid:
    description:
      - The uid of the project, sent as the header C(ProjectUid).
      - If neither this nor O(project) is set, the environment variables E(PALETTE_PROJECT_UID) and
        E(SPECTROCLOUD_DEFAULT_PROJECT_ID) are tried.
    type: str
  validate_certs:
    description:
      - Whether to verify the server's TLS certificate.
    type: bool
    default: true
  ca_path:
    description:
      - A file (PEM) or directory of the CA certificates to trust, where Palette's is signed by a
        private CA.
      - If not set, the environment variables E(PALETTE_CA_FILE), E(REQUESTS_CA_BUNDLE) and
        E(CURL_CA_BUNDLE) are tried, and then the certificates that come with C(requests).
    type: path
  request_timeout:
    description:
      - The seconds that one request may take to connect, and then to be answered to the last byte.
        It is not the time that a snapshot may take.
    type: float
    default: 30
  retries:
    description:
      - How often a request that only reads is repeated after a connection error or HTTP 502, 503 or
        504, with growing pauses.
      - A write whose answer was lost is never repeated blindly. The list of snapshots decides first
        whether it was carried out.
      - V(0) also turns off the patience with HTTP 429, which otherwise is waited out, for a minute
        at a time and five minutes at the most.
    type: int
    default: 5
  rate_limit:
    description:
      - How many requests per second the task may send to Palette's C(/v1/spectroclusters), after a
        burst of five times as many. A fifth of it applies to other resources, as Palette's
        documentation says.
      - The task slows down further when Palette answers HTTP 429, and recovers after.
      - V(0) sends without limit.
    type: float
    default: 50
requirements:
  - python >= 3.9
  - requests >= 2.28, with urllib3 >= 1.26.9
  - jsonschema >= 4.10
"""
