"""Turn a completed definition into the command line of QEMU: a pure function.

Options, their forms, their order and the names in them are libvirt's, so that a guest has the same hardware
under both.

Source: QEMU's options and object model; the command lines that libvirt makes, as observed.
"""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.qemu.argv import (
    chardev,
    controller,
    cpu,
    disk,
    display,
    general,
    hostdev,
    machine,
    memory,
    net,
    others,
    sound,
)
from pyvirsh.backend.qemu.argv.plan import Command, Fd, Helper, Paths, Plan, Secret
from pyvirsh.backend.qemu.facts import Facts, Host

__all__ = ["Command", "Fd", "Helper", "Paths", "Plan", "Secret", "build"]


def build(domain: Domain, facts: Facts, host: Host, paths: Paths) -> Command:
    """Return how to start the guest.  The definition is complete, checked and has aliases.

    Errors: CONFIG_UNSUPPORTED for what cannot be put into a command line.
    """
    plan = Plan(domain, facts, host, paths)
    general.environment(plan)
    plan.command.words.append(domain.devices.emulator or facts.emulator)
    general.identity(plan)
    disk.reservations(plan)
    disk.pflash(plan)
    machine.add(plan)
    cpu.add(plan)
    machine.firmware(plan)
    memory.add(plan)
    cpu.topology(plan)
    general.threads(plan)
    general.throttling(plan)
    memory.nodes(plan)
    general.settings(plan)
    others.iommu(plan)
    controller.add(plan)
    memory.modules(plan)
    controller.add_usb(plan)
    disk.add(plan)
    others.filesystems(plan)
    net.add(plan)
    chardev.add(plan)
    others.tpms(plan)
    display.inputs(plan)
    sound.backends(plan)
    display.graphics(plan)
    display.videos(plan)
    sound.cards(plan)
    others.watchdogs(plan)
    chardev.redirections(plan)
    hostdev.add(plan)
    others.last(plan)
    return plan.command
