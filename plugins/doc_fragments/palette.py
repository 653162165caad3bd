# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options for the connection to Palette."""

from __future__ import annotations


class ModuleDocFragment:
    """The connection options, and the requirements of all modules of the collection."""

    DOCUMENTATION = r"""
options:
  host:
    description:
      - Palette's host name or URL, with or without C(https://).
      - C(http://) is refused unless the host is the local machine, because it would send the API
        key in clear text.
      - If not set, the environment variable E(PALETTE_HOST) is used, or E(SPECTROCLOUD_HOST).
    type: str
    default: https://api.spectrocloud.com
  api_key:
    description:
      - The API key of a Palette user. Required, here or in the environment.
      - If not set, the environment variable E(PALETTE_API_KEY) is used, or E(SPECTROCLOUD_APIKEY).
    type: str
  project:
    description:
      - The name of the project. Each task looks it up; use O(project_uid) to save that request.
      - If neither this nor O(project_uid) is set, and no environment variable has a uid, the
        environment variable E(PALETTE_PROJECT) is used.
      - Without a project, here or in the environment, Palette's tenant scope is used.
    type: str
  project_uid:
    description:
      - The uid of the project, sent in the C(ProjectUid) header.
      - If neither this nor O(project) is set, the environment variable E(PALETTE_PROJECT_UID) is
        used, or E(SPECTROCLOUD_DEFAULT_PROJECT_ID).
    type: str
  validate_certs:
    description:
      - Whether to verify the server's TLS certificate. The task warns if it does not.
    type: bool
    default: true
  ca_path:
    description:
      - A PEM file or a directory of CA certificates to trust, for a Palette whose certificate is
        signed by a private CA.
      - If not set, the environment variable E(PALETTE_CA_FILE) is used, or E(REQUESTS_CA_BUNDLE),
        or E(CURL_CA_BUNDLE). If none is set, the CA certificates that C(requests) trusts are used.
    type: path
  request_timeout:
    description:
      - The seconds that one request may take to connect, and then again to receive the whole
        answer. It does not limit how long a snapshot may take.
    type: float
    default: 30
  retries:
    description:
      - How often to retry a request that only reads, after a connection error or a transient error
        such as HTTP 503, with growing pauses. A request that got no answer within
        O(request_timeout) is sent only once more. After that, or after three requests in a row
        without an answer, further requests about the cluster are not retried until it answers
        again.
      - A write whose answer was lost is never retried blindly. The list of snapshots shows first
        whether it was carried out.
      - V(0) also disables retrying on HTTP 429; otherwise the task waits up to a minute per
        attempt, and gives up after five minutes in which Palette accepted no request.
    type: int
    default: 5
  rate_limit:
    description:
      - The maximum number of requests per second to Palette's C(/v1/spectroclusters), after a burst
        of five times as many. A fifth of it applies to other resources, as Palette documents.
      - The task slows down further on HTTP 429, and speeds up again afterwards.
      - V(0) disables the limit.
    type: float
    default: 50
requirements:
  - python >= 3.9
  - requests >= 2.31, with urllib3 >= 2.0.2
  - jsonschema >= 4.10
seealso:
  - name: Palette API
    description: Reference of the REST API that this collection uses.
    link: https://docs.spectrocloud.com/api/introduction/
"""

    # What ansible-doc shows of the environment for plugins, whose options are not a module's. The
    # modules' argument spec reads it for them, too.
    PLUGIN = r"""
options:
  host:
    env:
      - name: PALETTE_HOST
      - name: SPECTROCLOUD_HOST
  api_key:
    env:
      - name: PALETTE_API_KEY
      - name: SPECTROCLOUD_APIKEY
  project:
    env:
      - name: PALETTE_PROJECT
  project_uid:
    env:
      - name: PALETTE_PROJECT_UID
      - name: SPECTROCLOUD_DEFAULT_PROJECT_ID
  ca_path:
    env:
      - name: PALETTE_CA_FILE
"""
