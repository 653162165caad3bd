# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options for restores."""

from __future__ import annotations


class ModuleDocFragment:
    """How to restore."""

    DOCUMENTATION = r"""
requirements:
  - A kubeconfig of the cluster, because Palette's API has no call to restore. Without
    O(kubeconfig), it is fetched from Palette, which hands out the administrator's with the
    permission C(cluster.adminKubeconfigDownload), otherwise the user's own. That one works only if
    it logs in by certificate or token. The cluster's API must be reachable from where the task
    runs.
notes:
  - Restoring is KubeVirt's VirtualMachineRestore. The disks and the spec become those of the
    snapshot. The labels, the annotations and the run strategy stay as they are now.
  - What ran before is written to the restore before anything is stopped. So if a run is interrupted
    after that, run the same task again within an hour. It completes the restore, and starts the
    virtual machine if it ran. Later, or if the virtual machine ran since, the task really restores
    again, because nothing in KubeVirt tells what it was used for.
  - If a restore does not end in time or fails, it is deleted, so that it is not carried out later.
    The virtual machine is started again on its old disks if it ran.
  - With O(in_place=true), or where the specification has C(dataVolumeTemplates), KubeVirt deletes
    old disks on the way. From then on, a restore that is late is not deleted. It goes on without
    the task, and the virtual machine stays off. Run the same task again within an hour, which waits
    for it.
options:
  stop:
    description:
      - Whether a virtual machine that is not off may be stopped. Without it, such a virtual machine
        is refused, with C(reason=vm_running). One that crashed is not off with the run strategy
        C(Always), because KubeVirt starts it again.
    type: bool
    default: false
  start:
    description:
      - Whether the virtual machine is started afterwards. V(as_before) starts it if it ran, or was
        paused, before. V(always) starts it after the restore, even if it was off before. V(never)
        leaves it off, even if it could not be restored.
    type: str
    choices: [as_before, always, never]
    default: as_before
  wait_for:
    description:
      - What to wait for after the start. V(running) is that the guest runs, V(agent) that its guest
        agent is connected too.
      - If the agent is late, the task fails, but the restore is done. The same task again restores
        once more. With O(restore_name), it only waits on.
    type: str
    choices: [running, agent]
    default: running
  in_place:
    description:
      - Whether the disks keep the names of their claims. KubeVirt deletes each of them before it
        makes the new one. If that fails, the disk is lost.
      - KubeVirt knows this from 1.6 on. An older one makes new claims all the same, which a warning
        and C(in_place) in the result tell.
      - Without it, the new disks have new claims, and the old ones stay but for those of
        C(dataVolumeTemplates). Those that stay are named in C(leftover_claims). Each restore
        leaves such a set behind. Delete them when nobody needs a
        snapshot from before the restore any more, because some storage, such as Longhorn, keeps
        snapshots in the volume that they were taken of, and loses them with it.
    type: bool
    default: false
  excluded_volumes:
    description:
      - What to do if the virtual machine has a disk with data that is not in the snapshot.
        V(refuse) refuses, with C(reason=volumes_excluded). V(allow) restores without it. A disk
        that was added after the snapshot is detached then, and its claim stays. Any other such disk
        keeps its present content.
    type: str
    choices: [refuse, allow]
    default: refuse
  clear_failed:
    description:
      - Whether to delete restores of the virtual machine that failed, or that wait for a snapshot
        which does not exist or failed. KubeVirt takes no other restore until then.
      - A restore that may still end is never deleted.
    type: bool
    default: false
  safety_snapshot:
    description:
      - Whether to take a snapshot of the stopped virtual machine first, so that the restore can be
        undone. It is named C(<vm_name>-before-restore-<time>), is part of no set, and stays.
    type: bool
    default: false
  kubeconfig:
    description:
      - The kubeconfig of the cluster, as the path of a file where the task runs, or as its content.
        It must have a client certificate or a token. A login by a program (C(exec)) cannot be used.
      - Without it, the kubeconfig is fetched from Palette.
    type: str
  through_proxy:
    description:
      - Whether a kubeconfig of the API key's user that is fetched from Palette leads through
        Spectro Proxy. The administrator's kubeconfig leads where Palette says.
    type: bool
    default: true
  wait_timeout:
    description:
      - The seconds to wait for each step, that is until the virtual machine is restored, and then
        until it runs. KubeVirt itself has no deadline for a restore.
      - A failed poll is retried until the timeout. Only a rejected login, missing permissions or a
        TLS error fail at once.
    type: float
    default: 900
  poll_interval:
    description:
      - The longest pause between two polls, in seconds. The first pauses are shorter.
    type: float
    default: 5
"""
