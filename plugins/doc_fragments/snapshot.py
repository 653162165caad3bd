# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options that describe a snapshot."""

from __future__ import annotations


class ModuleDocFragment:
    """What the snapshots contain."""

    DOCUMENTATION = r"""
options:
  labels:
    description:
      - Labels to set on the snapshot. Its other labels are left alone.
    type: dict
  annotations:
    description:
      - Annotations to set on the snapshot. Its other annotations are left alone.
    type: dict
  deletion_policy:
    description:
      - What happens to the stored data when the snapshot is deleted, V(Delete) or V(Retain). If not
        set, KubeVirt uses V(Delete).
      - Case matters. Other values are refused, because KubeVirt would treat them as V(Retain).
    type: str
  failure_deadline:
    description:
      - How long KubeVirt may take before the snapshot fails, as a Go duration such as V(10m) or
        V(1h30m). V(0) sets no limit. If not set, KubeVirt uses V(5m).
      - It does not matter for a snapshot that exists and is no longer in progress.
    type: str
  expire_after:
    description:
      - The age, such as V(36h), V(7d) or V(2w), at which
        M(spectrocloud.palette.vm_snapshot_retention) may delete the snapshot. The time is recorded
        in each new snapshot, as the annotation C(spectrocloud.palette/expires-at). A snapshot that
        exists keeps its expiry; the task warns if that is another.
      - Until then, no rule of a retention deletes the snapshot. Use an expiry or rules, not both.
    type: str
  definition:
    description:
      - A C(VirtualMachineSnapshot) manifest, for fields that have no option here. The other options
        take precedence over it.
      - The whole manifest is validated before the first request. Fields that only the server sets
        are refused.
    type: dict
  consistency:
    description:
      - With V(filesystem), the task fails unless it is known that the virtual machine was off, or
        that its guest agent froze the file systems without an error. The snapshot is kept either
        way; in a set, its virtual machine counts as failed. Requires O(wait=true).
      - If the virtual machine is paused, or is known to have no connected guest agent, the task
        fails before it takes anything.
    type: str
    choices: [any, filesystem]
    default: any
  excluded_volumes:
    description:
      - What to do if a new snapshot would not contain a volume with data, for example because its
        storage class has no C(VolumeSnapshotClass). V(warn) takes it with a warning that names each
        volume and the cause. V(refuse) fails before it takes anything.
      - Where Palette does not tell beforehand, V(refuse) fails as soon as the snapshot is ready,
        and so it does for one that exists. The snapshot is kept either way. With O(wait=false),
        nobody looks at a new one. V(warn) also warns of an existing snapshot that is without such
        a volume.
      - Volumes whose content comes from elsewhere, such as cloud-init and container disks, never
        count. A virtual machine without any volume that can be snapshotted is always refused.
    type: str
    choices: [warn, refuse]
    default: warn
  offline:
    description:
      - Stop the virtual machine for its snapshot, and start it again as soon as that is taken, so
        that its file systems are at rest. One that is off already stays off, even where its guest
        has shut itself down. One whose snapshot exists is not stopped.
      - Whatever becomes of the snapshot, a virtual machine that ran is started again. If that
        fails, its row and a warning say so.
      - The guest is shut down, or killed when its C(terminationGracePeriodSeconds) are over. A
        paused guest cannot shut down, so its virtual machine is refused with C(reason=vm_paused).
      - Before the first one is stopped, a line on the screen names them, whatever O(progress) is.
        Nothing is printed when the task uses C(async), or is delegated to another machine than the
        controller.
      - If a run is interrupted, run the same task again. It starts what is off since the earlier
        run stopped it. That is known from the snapshot's annotation
        C(spectrocloud.palette/vm-ran). So a run that was killed before it had requested the
        snapshot leaves a virtual machine off that M(spectrocloud.palette.vm_power) has to start.
      - Requires O(wait=true), and O(wait_timeout) to be more than O(failure_deadline). No effect
        with O(state=absent).
    type: bool
    default: false
"""
