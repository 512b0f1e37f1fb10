"""A start, step by step: check, choose what only this run has, decide the command line, run it.

Whatever fails leaves nothing behind; whoever is killed at whatever step leaves what the next start,
or the next command that looks, clears away.
"""

import os
import time

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.conf import bitmap
from pyvirsh.backend.conf.domain import format_domain
from pyvirsh.backend.durable import make_directory, write_file
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, SYSTEM_ERROR, VirError
from pyvirsh.backend.qemu import (
    aliases,
    argv,
    defaults,
    define,
    hotcpus,
    images,
    launching,
    limits,
    livexml,
    memstats,
    plans,
    ports,
    process,
    recovery,
    taps,
    validate,
)
from pyvirsh.backend.qemu.disks import nodes_of, path_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyvirsh.backend.conf.domain import Domain
    from pyvirsh.backend.locks import Lock
    from pyvirsh.backend.qemu.driver import QemuDriver

# A port that was free may be taken by a stranger before QEMU has it: then others are tried.
PORT_ATTEMPTS = 3


def start(driver: "QemuDriver", domain: "Domain", lock: "Lock", flags: int) -> DomainRef:
    """Start a guest from its completed definition; the caller holds its lock and knows that it is down."""
    uuid = str(domain.uuid)
    driver.roots.make_runtime()
    recovery.clear_for_start(driver, uuid)
    try:
        prepare(driver, domain, flags)
        for _ in range(PORT_ATTEMPTS - 1):
            chosen = domain.copy()
            try:
                return _attempt(driver, chosen, lock, flags)
            except VirError:
                if not ports.lost(domain, chosen):
                    raise
                recovery.clear_for_start(driver, uuid)
        return _attempt(driver, domain, lock, flags)
    except BaseException:
        launching.fail(driver, uuid, domain.name)
        raise


def prepare(driver: "QemuDriver", domain: "Domain", flags: int) -> None:
    """Check what the guest needs on this host, and say in its definition what follows from that."""
    facts, host = driver.facts(define.emulator_of(domain)), driver.host()
    validate.check(domain, facts, host, for_start=True)
    prepare_nvram(domain, reset=bool(flags & c.DOMAIN_START_RESET_NVRAM))
    images.prepare(domain)
    defaults.align(domain)
    hotcpus.order(domain)
    aliases.assign(domain)
    number_images(domain)


def _attempt(driver: "QemuDriver", domain: "Domain", lock: "Lock", flags: int) -> DomainRef:
    """Start a prepared guest with ports that are free now."""
    uuid = str(domain.uuid)
    path = launching.directory(driver, uuid)
    make_directory(path)
    chosen = ports.assign(domain, driver.roots.runtime(), uuid)
    defaults.place_sockets(domain, path)
    decision = decide(driver, domain, path)
    decision.plain["ports"] = chosen
    try:
        dom = launching.run(driver, decision, lock, flags)
    finally:
        decision.close()
    if driver.store.exists(uuid) and plans.is_lasting(domain, decision):
        plans.keep(driver, decision, plans.images_of(domain))
    return dom


# -- deciding ----------------------------------------------------------------------------------------------


def decide(driver: "QemuDriver", domain: "Domain", path: str) -> launching.Decision:
    """Decide what is run, and open what only this run can use.

    path: the guest's directory.  Errors: CONFIG_UNSUPPORTED and others for what cannot be done here.
    """
    facts, host = driver.facts(define.emulator_of(domain)), driver.host()
    logged, terminals = log_terminals(domain)
    command = argv.build(logged, facts, host, make_paths(driver, path, str(domain.uuid)))
    if command.secrets:
        ids = ", ".join(secret.id for secret in command.secrets)
        detail = f"the secrets for {ids} cannot be looked up: there is no secret driver"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    for directory in command.directories:
        make_directory(directory)
    opened = taps.open_all(command.fds, domain)
    sets = [f"set={at + 1},fd={launching.LOG_FD + at},opaque=log" for at in range(len(terminals))]
    decision = launching.Decision(
        {
            "name": domain.name,
            "uuid": str(domain.uuid),
            "identity": domain.hwuuid or str(domain.uuid),
            "words": [*command.words, *(word for text in sets for word in ("-add-fd", text))],
            "environment": command.env,
            "master_key": command.master_key,
            "setup": setup(domain),
            # Worth asking for only where the definition names a model, whose features it then states.
            "cpuid": domain.cpu is not None and domain.cpu.mode in ("custom", "host-model"),
            "limits": limits.limits_of(domain),
            "plug": hotcpus.plugged_at_start(domain),
            "live": format_domain(at_first(domain)),
            "terminals": terminals,
            "actions": {
                "poweroff": domain.on_poweroff,
                "reboot": domain.on_reboot,
                "crash": domain.on_crash,
            },
            "devices": devices(domain),
            "pins": pins(domain),
            "schedulers": schedulers(domain),
        }
    )
    decision.fds, decision.helpers, decision.secrets = opened, command.helpers, passwords(domain)
    return decision


def at_first(domain: "Domain") -> "Domain":
    """Return the definition as it is when the guest begins: drives are empty, and no memory is taken yet."""
    made = domain.copy()
    for disk in made.devices.disks:
        if disk.source is None and disk.type == "file" and disk.driver is not None:
            disk.driver.type = None
    if made.devices.memballoon is not None and made.devices.memballoon.model != "none":
        made.current_memory = made.memory
    return made


def make_paths(driver: "QemuDriver", run: str, uuid: str) -> argv.Paths:
    """Return where the guest's files are and what numbers its descriptors have."""
    state = driver.roots.state
    paths = argv.Paths(run, channels=run, memory=f"{state}/ram/{uuid}", hugepages=f"pyvirsh/qemu/{uuid}")
    paths.tpm = f"{state}/swtpm/{uuid}/tpm"
    paths.monitors = [("monitor", f"fd={process.MONITOR_FD}"), ("commands", f"fd={process.COMMANDS_FD}")]
    paths.first_fd = launching.FIRST_FD
    paths.now = time.time()
    paths.utc_offset = time.localtime(paths.now).tm_gmtoff
    return paths


def log_terminals(domain: "Domain") -> "tuple[Domain, list[str]]":
    """Have QEMU copy what the guest says on its terminals into descriptors it is given.

    Returns the definition that says so, and the terminals' aliases in the order of their descriptors.
    """
    logged, aliases_of = domain.copy(), list[str]()
    for source, info in livexml.characters(logged):
        alias = str(info.alias)
        if source.type == "pty" and not source.log_file and alias not in aliases_of:
            aliases_of.append(alias)
            source.log_file, source.log_append = f"/dev/fdset/{len(aliases_of)}", "on"
    return logged, aliases_of


def devices(domain: "Domain") -> "dict[str, dict[str, str]]":
    """Return what is told of devices in events, by alias."""
    found: dict[str, dict[str, str]] = {}
    for disk in domain.devices.disks:
        found[str(disk.info.alias)] = {"dst": str(disk.target_dev), "path": path_of(disk) or ""}
        found |= {node: {"dst": name, "path": path, "node": node} for name, path, node in nodes_of(disk)}
    for channel in domain.devices.channels:
        alias = str(channel.info.alias)
        found[alias] = {"name": channel.target_name or "", "chardev": f"char{alias}"}
    return found


def pins(domain: "Domain") -> "dict[str, Any]":
    """Return the host CPUs of QEMU's threads: {"emulator": [...], "vcpu": {number: [...]}, ...}."""
    tune = domain.cputune
    found: dict[str, Any] = {"vcpu": {}, "iothread": {}}
    everywhere = domain.vcpu_cpuset
    emulator = (tune.emulatorpin if tune else None) or everywhere
    if emulator:
        found["emulator"] = sorted(bitmap.parse(emulator))
    if everywhere:
        cpus = sorted(bitmap.parse(everywhere))
        found["vcpu"] = {str(number): cpus for number in range(domain.vcpus or 1)}
    if tune is not None:
        found["vcpu"] |= {str(one.vcpu): sorted(bitmap.parse(one.cpuset or "")) for one in tune.vcpupins}
        found["iothread"] = {
            str(one.iothread): sorted(bitmap.parse(one.cpuset or "")) for one in tune.iothreadpins
        }
    return found


def schedulers(domain: "Domain") -> "list[list[Any]]":
    """Return the schedulers of QEMU's threads: kind of thread, their numbers, policy and priority."""
    tune = domain.cputune
    if tune is None:
        return []
    stated = [("vcpu", one.vcpus, one) for one in tune.vcpuscheds]
    stated += [("iothread", one.iothreads, one) for one in tune.iothreadscheds]
    if tune.emulatorsched is not None:
        stated.append(("emulator", "0", tune.emulatorsched))
    return [
        [kind, sorted(bitmap.parse(numbers or "")), one.scheduler, one.priority or 0]
        for kind, numbers, one in stated
    ]


def number_images(domain: "Domain") -> None:
    """Number the images as the command line does: those of the last disk first, each chain from its top."""
    number = 0
    for disk in reversed(domain.devices.disks):
        number += 1
        if disk.source is not None:
            disk.source.index = number
        store = disk.backing
        while store is not None and store.type is not None:
            number += 1
            store.index = number
            store = store.backing


def passwords(domain: "Domain") -> "list[tuple[str, dict[str, Any] | None]]":
    """Return the QMP commands that set the displays' passwords; an empty one lets nobody in."""
    commands: list[tuple[str, dict[str, Any] | None]] = []
    for graphics in domain.devices.graphics:
        if graphics.type not in ("vnc", "spice") or graphics.passwd is None:
            continue
        commands.append(("set_password", {"protocol": graphics.type, "password": graphics.passwd}))
        when = "now" if not graphics.passwd else _expiry(graphics.passwd_valid_to)
        commands.append(("expire_password", {"protocol": graphics.type, "time": when}))
    return commands


def _expiry(valid_to: "str | None") -> str:
    """Return when a password ends, as QEMU takes it: seconds since the epoch, or never."""
    if not valid_to:
        return "never"
    import calendar

    return str(calendar.timegm(time.strptime(valid_to, "%Y-%m-%dT%H:%M:%S")))


def setup(domain: "Domain") -> "list[tuple[str, dict[str, Any] | None]]":
    """Return the QMP commands before the guest may run, beside those for secrets."""
    commands: list[tuple[str, dict[str, Any] | None]] = []
    balloon = domain.devices.memballoon
    if balloon is None or balloon.model == "none":
        return commands
    if balloon.stats_period:
        commands.append(("qom-set", dict(memstats.polling(domain, balloon.stats_period))))
    if domain.current_memory and domain.current_memory != domain.memory:
        commands.append(("balloon", {"value": domain.current_memory * 1024}))
    return commands


def prepare_nvram(domain: "Domain", *, reset: bool) -> None:
    """Make the guest's firmware variables from their template, where there are none or they are to be new."""
    nvram = domain.os.nvram
    if nvram is None or not nvram.path or nvram.source is not None:
        return
    if os.path.exists(nvram.path) and not reset:
        return
    if not nvram.template:
        if reset:
            os.unlink(nvram.path)
        return
    try:
        with open(nvram.template, "rb") as file:
            data = file.read()
    except OSError as error:
        detail = f"Failed to open file '{nvram.template}': {error.strerror}: install the package ovmf"
        raise VirError(SYSTEM_ERROR, detail) from error
    make_directory(os.path.dirname(nvram.path))
    write_file(nvram.path, data)
