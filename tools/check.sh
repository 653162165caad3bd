#!/usr/bin/env bash
# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs one check:
#   check.sh NAME SECONDS COMMAND [ARGUMENT...]
# It says when the check begins, with the SECONDS that it usually takes, and with which verdict it ends. What the
# command prints goes to build/logs/NAME.log, and the verdict to build/logs/NAME.verdict. With QUIET set nothing
# else is shown, so that checks that run at the same time stay readable.
set -uo pipefail

name=$1 usually=$2
shift 2
log=$(dirname "$0")/../build/logs/$name.log
mkdir -p "$(dirname "$log")"

echo "begins   $name (usually $usually s)"
if [[ -n ${QUIET:-} ]]; then
    "$@" >"$log" 2>&1 </dev/null
else
    "$@" 2>&1 </dev/null | tee "$log"
fi
status=$?

[[ $status -eq 0 ]] && verdict=passed || verdict=FAILED
[[ $1 == pytest ]] && closing=$(tail -n 1 "$log" | sed 's,^=* ,,; s, =*$,,')
printf '%-7s  %-16s %4d s%s\n' "$verdict" "$name" "$SECONDS" "${closing:+  $closing}" | tee "${log%.log}.verdict"
exit "$status"
