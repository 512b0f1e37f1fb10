"""Complete a definition: fill in everything that it leaves open, as libvirt does when it defines a guest.

What every driver fills in is in `conf.domain.filling`; here QEMU's own steps stand between those.
Completing twice changes nothing: what is stated, also by an earlier run, is kept.
"""

from collections.abc import Callable

from pyvirsh.backend.conf.domain import Domain, filling
from pyvirsh.backend.conf.domain.filling import (
    characters,
    controllers,
    disks,
    display,
    inactive,
    interfaces,
    others,
    tuning,
)
from pyvirsh.backend.qemu import addresses, firmware
from pyvirsh.backend.qemu.checks.controllers import check_controllers
from pyvirsh.backend.qemu.defaults import board, cpu, devices, general, generated, nodes
from pyvirsh.backend.qemu.defaults.start import align, place_sockets
from pyvirsh.backend.qemu.facts import Facts, Host

__all__ = ["align", "complete", "place_sockets"]


def complete(
    domain: Domain,
    facts: Facts,
    host: Host,
    *,
    new_uuid: "Callable[[], str]",
    new_mac: "Callable[[], str]",
) -> None:
    """Fill in what the definition leaves open.  Errors: XML_ERROR, CONFIG_UNSUPPORTED and others."""
    inactive.strip(domain)
    generated.forget_sockets(domain)
    filling.general.identity(domain, host.arch, new_uuid)
    general.machine(domain, facts)
    filling.general.memory(domain, from_nodes=True)
    filling.general.behaviour(domain)
    nodes.complete(domain)
    tuning.complete(domain)
    general.labels(domain)
    disks.order(domain)
    disks.complete(domain)
    controllers.order(domain)
    controllers.add_for_hostdevs(domain)
    board.add_devices(domain)
    cpu.complete(domain, facts)
    firmware.choose(domain, host)
    board.complete_controllers(domain, facts)
    check_controllers(domain.devices.controllers, domain.os.machine or "")
    interfaces.complete(domain, new_mac)
    characters.complete(domain)
    display.complete(domain, devices.video_model(facts))
    others.complete(domain)
    devices.complete(domain, facts, new_uuid)
    controllers.add(domain)
    board.complete_controllers(domain, facts)
    addresses.assign(domain, facts)
    characters.refresh_console(domain)
