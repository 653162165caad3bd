#!/usr/bin/env bash
# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Installs Chromium for the tests of the HTML report, where it is missing and can be installed: as root on Debian. Where
# it cannot, those tests are skipped, and say so.
set -euo pipefail

for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null; then exit 0; fi
done
if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
    echo 'There is no Chromium: tests of the HTML report in a browser are skipped. Install the package chromium.'
    exit 0
fi
echo 'Installing Chromium (usually 30 s)'
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1; then
    echo 'Chromium could not be installed: tests of the HTML report in a browser are skipped.'
fi
