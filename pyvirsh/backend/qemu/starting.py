"""A start, step by step: check, choose what only this run has, decide the command line, run it.

Whatever fails leaves nothing behind; whoever is killed at whatever step leaves what the next start,
or the next command that looks, clears away.
"""

import fcntl
import os
import time

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.conf import bitmap
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, SYSTEM_ERROR, VirError
from pyvirsh.backend.qemu import (
    aliases,
    argv,
    defaults,
    define,
    images,
    livexml,
    memstats,
    ports,
    process,
    recovery,
    taps,
    validate,
)
from pyvirsh.backend.qemu.disks import path_of
from pyvirsh.backend.qemu.events import announce
from pyvirsh.backend.qemu.lifecycle import TERMINALS
from pyvirsh.backend.qemu.supervisor import remains
from pyvirsh.backend.store import escaped, make_directory, remove_tree, write_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyvirsh.backend.conf.domain import Domain
    from pyvirsh.backend.locks import Lock
    from pyvirsh.backend.qemu.driver import QemuDriver

NEXT_ID = "next-id"
# A port that was free may be taken by a stranger before QEMU has it: then others are tried.
PORT_ATTEMPTS = 3


def start(driver: "QemuDriver", domain: "Domain", lock: "Lock", flags: int) -> DomainRef:
    """Start a guest from its completed definition; the caller holds its lock and knows that it is down."""
    driver.roots.make_runtime()
    recovery.clear_for_start(driver, str(domain.uuid))
    try:
        prepare(driver, domain, flags)
        for _ in range(PORT_ATTEMPTS - 1):
            chosen = domain.copy()
            try:
                return _attempt(driver, chosen, lock, flags)
            except VirError:
                if not ports.lost(domain, chosen):
                    raise
                recovery.clear_for_start(driver, str(domain.uuid))
        return _attempt(driver, domain, lock, flags)
    except BaseException:
        fail(driver, str(domain.uuid), domain.name)
        raise


def prepare(driver: "QemuDriver", domain: "Domain", flags: int) -> None:
    """Check what the guest needs on this host, and say in its definition what follows from that."""
    facts, host = driver.facts(define.emulator_of(domain)), driver.host()
    validate.check(domain, facts, host, for_start=True)
    prepare_nvram(domain, reset=bool(flags & c.DOMAIN_START_RESET_NVRAM))
    images.prepare(domain)
    defaults.align(domain)
    aliases.assign(domain)
    number_images(domain)


def _attempt(driver: "QemuDriver", domain: "Domain", lock: "Lock", flags: int) -> DomainRef:
    """Start a prepared guest with ports that are free now."""
    uuid, runtime = str(domain.uuid), driver.roots.runtime()
    path = f"{runtime}/{uuid}"
    make_directory(path)
    ports.assign(domain, runtime, uuid)
    defaults.place_sockets(domain, path)
    number = next_id(runtime)
    spec = make_spec(driver, domain, path, number, flags)
    launch = process.Launch(spec, driver.log_path(domain.name, uuid))
    try:
        decide(driver, launch, domain)
        livexml.write(path, domain)
        run(driver, launch, lock, flags)
    finally:
        launch.close()
    return DomainRef(domain.name, uuid, number)


def next_id(runtime: str) -> int:
    """Return a number no guest has had since the machine came up."""
    fd = os.open(f"{runtime}/{NEXT_ID}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)  # held for the few lines below, by whoever
        number = int(os.read(fd, 20) or b"0") + 1
        os.pwrite(fd, str(number).encode(), 0)
        os.fchmod(fd, 0o600)
    finally:
        os.close(fd)
    return number


# -- what the supervisor must know -----------------------------------------------------------------------


def make_spec(driver: "QemuDriver", domain: "Domain", path: str, number: int, flags: int) -> "dict[str, Any]":
    """Return what the supervisor must know of a guest, without what is secret."""
    uuid = str(domain.uuid)
    return {
        "name": domain.name,
        "uuid": uuid,
        "identity": domain.hwuuid or uuid,
        "id": number,
        "dir": path,
        "runtime": driver.roots.runtime(),
        "config": driver.store.path(uuid, "config.xml"),
        "link": f"{driver.store.root}/names/{escaped(domain.name)}",
        "dump": f"{driver.roots.state}/dump/{uuid}",
        "actions": {
            "poweroff": domain.on_poweroff,
            "reboot": domain.on_reboot,
            "crash": domain.on_crash,
        },
        "devices": devices(domain),
        "pins": pins(domain),
        "logs": {},
        "paused": bool(flags & c.DOMAIN_START_PAUSED),
    }


def devices(domain: "Domain") -> "dict[str, dict[str, str]]":
    """Return what is told of devices in events, by alias."""
    found: dict[str, dict[str, str]] = {}
    for disk in domain.devices.disks:
        found[str(disk.info.alias)] = {"dst": str(disk.target_dev), "path": path_of(disk) or ""}
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


# -- the command line --------------------------------------------------------------------------------------


def decide(driver: "QemuDriver", launch: process.Launch, domain: "Domain") -> None:
    """Decide what is run, and make what it needs."""
    facts, host = driver.facts(define.emulator_of(domain)), driver.host()
    paths = make_paths(driver, launch, str(domain.uuid))
    logged, sets = log_terminals(launch, domain, paths)
    command = argv.build(logged, facts, host, paths)
    command.words += sets
    if command.secrets:
        ids = ", ".join(secret.id for secret in command.secrets)
        raise VirError(
            CONFIG_UNSUPPORTED, f"the secrets for {ids} cannot be looked up: there is no secret driver"
        )
    for directory in command.directories:
        make_directory(directory)
    if command.master_key:
        write_file(command.master_key, os.urandom(32), sync=False)
    launch.fds += taps.open_all(command.fds, domain)
    launch.words, launch.environment, launch.helpers = command.words, command.env, command.helpers
    launch.setup = [*passwords(domain), *setup(domain)]


def make_paths(driver: "QemuDriver", launch: process.Launch, uuid: str) -> argv.Paths:
    """Return where the guest's files are and what numbers its descriptors have."""
    run = launch.spec["dir"]
    state = driver.roots.state
    paths = argv.Paths(run, channels=run, memory=f"{state}/ram/{uuid}", hugepages=f"pyvirsh/qemu/{uuid}")
    paths.tpm = f"{state}/swtpm/{uuid}/tpm"
    paths.monitors = [
        ("monitor", f"fd={launch.monitor.fileno()}"),
        ("commands", f"fd={launch.commands.fileno()}"),
    ]
    paths.first_fd = max(int(name) for name in os.listdir("/proc/self/fd")) + 32
    paths.now = time.time()
    paths.utc_offset = time.localtime(paths.now).tm_gmtoff
    return paths


def log_terminals(launch: process.Launch, domain: "Domain", paths: argv.Paths) -> "tuple[Domain, list[str]]":
    """Have QEMU copy what the guest says on its terminals into pipes that the supervisor reads.

    Returns the definition that says so, and the words that name the pipes.
    """
    logged, words = domain.copy(), []
    seen: set[str] = set()
    directory = f"{os.path.dirname(launch.log)}/{TERMINALS}"
    stem = os.path.basename(launch.log).removesuffix(".log")
    for source, info in livexml.characters(logged):
        alias = str(info.alias)
        if source.type != "pty" or source.log_file or alias in seen:
            continue
        seen.add(alias)
        ours, theirs = os.pipe()
        launch.logs[alias] = ours
        launch.fds.append((theirs, paths.first_fd))
        words += ["-add-fd", f"set={len(seen)},fd={paths.first_fd},opaque=log"]
        source.log_file, source.log_append = f"/dev/fdset/{len(seen)}", "on"
        launch.spec["logs"][alias] = f"{directory}/{stem}.{alias}.log"
        paths.first_fd += 1
    if seen:
        make_directory(directory)
    return logged, words


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


# -- running -------------------------------------------------------------------------------------------------


def run(driver: "QemuDriver", launch: process.Launch, lock: "Lock", flags: int) -> None:
    """Run what was decided; with autodestroy the guest ends with this connection."""
    if not flags & c.DOMAIN_START_AUTODESTROY:
        process.start(launch, lock)
        return
    mine, theirs = os.pipe()
    try:
        process.start(launch, lock, owner=mine)
        driver.owned.append(theirs)
    except BaseException:
        os.close(theirs)
        raise
    finally:
        os.close(mine)


def fail(driver: "QemuDriver", uuid: str, name: str) -> None:
    """Remove what a failed start has made; the caller holds the lock."""
    runtime = driver.roots.runtime()
    recovery.clear_for_start(driver, uuid)
    remove_tree(f"{runtime}/{uuid}")
    remains.release_ports(runtime, uuid)
    remains.record_last(runtime, uuid, c.DOMAIN_SHUTOFF_FAILED, -1)
    announce(driver, DomainRef(name, uuid, -1), (), c.DOMAIN_EVENT_ID_CONTROL_ERROR)
