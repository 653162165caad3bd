# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take one collection out of the package of ansible, which holds a hundred.

    unpack_collection.py WHEEL NAMESPACE.NAME FOLDER

It does what 'ansible-galaxy collection install' does, but needs no server of collections.
"""

from __future__ import annotations

import sys
from pathlib import Path
from zipfile import ZipFile


def unpack(wheel: Path, collection: str, folder: Path) -> int:
    """Unpack a collection below a folder; return how many files it has."""
    top = f"ansible_collections/{collection.replace('.', '/')}/"
    with ZipFile(wheel) as archive:
        files = [name for name in archive.namelist() if name.startswith(top)]
        archive.extractall(folder, files)
    return len(files)


def main() -> int:
    wheel, collection, folder = sys.argv[1:]
    if unpack(Path(wheel), collection, Path(folder)):
        return 0
    print(f"{wheel} holds no collection {collection}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
