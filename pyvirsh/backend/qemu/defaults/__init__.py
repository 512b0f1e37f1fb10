"""Complete a definition: fill in everything that it leaves open, as libvirt does when it defines a guest.

Completing twice changes nothing: what is stated, also by an earlier run, is kept.
"""

from collections.abc import Callable

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.filling import inactive
from pyvirsh.backend.qemu import addresses, firmware
from pyvirsh.backend.qemu.checks.devices import check_controllers
from pyvirsh.backend.qemu.defaults import (
    board,
    character,
    cpu,
    disks,
    display,
    general,
    generated,
    memory,
    network,
    others,
    tuning,
)
from pyvirsh.backend.qemu.defaults.character import place_sockets
from pyvirsh.backend.qemu.defaults.memory import align
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
    general.identity(domain, facts, host, new_uuid)
    memory.complete(domain)
    general.behaviour(domain)
    tuning.complete(domain)
    disks.order(domain)
    board.order(domain)
    board.group_companions(domain)
    board.add_devices(domain, facts)
    cpu.complete(domain, facts)
    firmware.choose(domain, host)
    board.complete_controllers(domain, facts)
    check_controllers(domain.devices.controllers, domain.os.machine or "")
    disks.complete(domain, facts)
    network.complete(domain, facts, new_mac)
    character.complete(domain, facts)
    display.complete(domain, facts)
    others.complete(domain, facts)
    board.add_controllers(domain)
    board.complete_controllers(domain, facts)
    addresses.assign(domain, facts)
