"""What belongs to the guest as a whole: names, clock, boot, kernel, firmware tables."""

import time

from pyvirsh.backend.conf.domain.boot import Sysinfo
from pyvirsh.backend.conf.domain.features import Clock, Timer
from pyvirsh.backend.conf.domain.tuning import IoThread
from pyvirsh.backend.qemu.argv.plan import Plan, escaped
from pyvirsh.backend.qemu.facts import family


def environment(plan: Plan) -> None:
    """Give QEMU a plain environment with directories of its own."""
    run = plan.paths.run
    plan.command.env = {
        "LC_ALL": "C",
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": run,
        "XDG_DATA_HOME": f"{run}/.local/share",
        "XDG_CACHE_HOME": f"{run}/.cache",
        "XDG_CONFIG_HOME": f"{run}/.config",
    }
    if plan.domain.qemu is not None:
        for variable in plan.domain.qemu.env:
            plan.command.env[variable.name or ""] = variable.value or ""


def identity(plan: Plan) -> None:
    """Name the guest, start it stopped, and hand over the key that its secrets are encrypted with."""
    plan.add("name", f"guest={escaped(plan.domain.name)},debug-threads=on")
    plan.add("S")
    key = f"{plan.paths.run}/master-key.aes"
    plan.command.master_key = key
    plan.object("secret", "masterKey0", {"format": "raw", "file": key})


def threads(plan: Plan) -> None:
    """Make the I/O threads and tune the main loop."""
    domain = plan.domain
    stated = {thread.id: thread for thread in domain.iothread_ids}
    numbers = list(stated)
    numbers += [number for number in range(1, (domain.iothreads or 0) + 1) if number not in stated]
    for number in numbers[: domain.iothreads or 0]:
        thread = stated.get(number, IoThread())
        props = {
            "thread-pool-min": thread.thread_pool_min,
            "thread-pool-max": thread.thread_pool_max,
            "poll-max-ns": thread.poll_max,
            "poll-grow": thread.poll_grow,
            "poll-shrink": thread.poll_shrink,
        }
        plan.object("iothread", f"iothread{number}", props)
    low, high = domain.default_iothread_pool_min, domain.default_iothread_pool_max
    if low is not None or high is not None:
        plan.object("main-loop", "main-loop", {"thread-pool-min": low, "thread-pool-max": high})


# QEMU's names of limits, in the order of the group's properties.
_LIMITS = {
    f"{unit}-{kind}{suffix}": f"{kind}_{field}_sec{suffix.replace('-', '_')}"
    for suffix in ("", "-max")
    for unit, field in (("bps", "bytes"), ("iops", "iops"))
    for kind in ("total", "read", "write")
}
_LIMITS["iops-size"] = "size_iops_sec"
_LENGTHS = {f"{name}-length": f"{field}_length" for name, field in _LIMITS.items() if name.endswith("-max")}


def throttling(plan: Plan) -> None:
    """Make the named groups of I/O limits."""
    for group in plan.domain.throttle_groups:
        limits = {name: getattr(group, field) or 0 for name, field in _LIMITS.items()}
        limits |= {name: value for name, field in _LENGTHS.items() if (value := getattr(group, field))}
        plan.object("throttle-group", f"throttle-{group.group_name}", {"limits": limits})


def settings(plan: Plan) -> None:
    """Everything between the memory and the devices."""
    domain = plan.domain
    plan.add("uuid", domain.hwuuid or domain.uuid)
    _tables(plan)
    if not domain.devices.graphics or all(one.type == "rdp" for one in domain.devices.graphics):
        plan.add("display", "none")
    plan.add("no-user-config")
    plan.add("nodefaults")
    for name, where in plan.paths.monitors:
        plan.add("chardev", f"socket,id=char{name},{where},server=on,wait=off")
        plan.add("mon", f"chardev=char{name},id={name},mode=control")
    _clock(plan)
    plan.add("no-shutdown")
    if "acpi" not in plan.facts.options.get("machine", ()) and not _has_acpi(plan):
        plan.add("no-acpi")
    _power(plan)
    _boot(plan)
    _kernel(plan)


# -- tables for the firmware -----------------------------------------------------------------------------

# Blocks of SMBIOS: element -> (type, names of entries in QEMU's order).
_SMBIOS = {
    "bios": (0, ("vendor", "version", "date", "release")),
    "system": (1, ("manufacturer", "product", "version", "serial", "uuid", "sku", "family")),
    "board": (2, ("manufacturer", "product", "version", "serial", "asset", "location")),
    "chassis": (3, ("manufacturer", "version", "serial", "asset", "sku")),
}


def _tables(plan: Plan) -> None:
    """Hand over SMBIOS values, the generation id and files for the firmware."""
    domain = plan.domain
    for sysinfo in domain.sysinfos:
        if sysinfo.type != "fwcfg" and domain.os.smbios_mode in ("sysinfo", None):
            if domain.os.smbios_mode == "sysinfo":
                _smbios(plan, sysinfo)
        elif sysinfo.type == "fwcfg":
            _firmware_files(plan, sysinfo)
    if domain.genid:
        plan.device({"driver": "vmgenid", "guid": domain.genid, "id": "vmgenid0"})


def _smbios(plan: Plan, sysinfo: Sysinfo) -> None:
    blocks = [("bios", sysinfo.bios), ("system", sysinfo.system)]
    blocks += [("board", board.entries) for board in sysinfo.boards] + [("chassis", sysinfo.chassis)]
    for name, entries in blocks:
        if not entries:
            continue
        number, known = _SMBIOS[name]
        values = {entry.name: entry.value or "" for entry in entries}
        parts = [f"{key}={escaped(values[key])}" for key in known if key in values]
        plan.add("smbios", ",".join([f"type={number}", *parts]))
    if sysinfo.oem:
        plan.add("smbios", ",".join(["type=11", *(f"value={escaped(text)}" for text in sysinfo.oem)]))


def _firmware_files(plan: Plan, sysinfo: Sysinfo) -> None:
    for entry in sysinfo.entries:
        content = f"string={escaped(entry.value or '')}"
        if entry.file is not None:
            content = f"file={escaped(entry.file)}"
        plan.add("fw_cfg", f"name={escaped(entry.name or '')},{content}")


# -- clock and power -------------------------------------------------------------------------------------


def _clock(plan: Plan) -> None:
    clock = plan.domain.clock or Clock(offset="utc")
    parts = ["base=" + _base(plan, clock)]
    for timer in clock.timers:
        if timer.name != "rtc":
            continue
        track = {"guest": "vm", "wall": "host", "realtime": "rt"}.get(timer.track or "")
        if track:
            parts.append(f"clock={track}")
        if timer.tickpolicy == "catchup":
            parts.append("driftfix=slew")
    plan.add("rtc", ",".join(parts))
    for timer in clock.timers:
        _timer(plan, timer)


def _base(plan: Plan, clock: Clock) -> str:
    """Return the time a clock starts with."""
    if clock.offset == "timezone":
        plan.command.env["TZ"] = clock.timezone or ""
        return "localtime"
    if clock.offset in ("utc", "localtime") and clock.adjustment in (None, "reset"):
        return clock.offset or "utc"
    if clock.offset == "absolute":
        return _moment(clock.start or 0)
    now = plan.paths.now
    local = clock.basis == "localtime" or clock.offset == "localtime"
    start = int(now) + (plan.paths.utc_offset if local else 0)
    adjustment = clock.adjustment or "0"
    return _moment(start + (int(adjustment) if adjustment != "reset" else 0))


def _moment(seconds: int) -> str:
    year, month, day, hour, minute, second, *_ = time.gmtime(seconds)
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}"


def _has_acpi(plan: Plan) -> bool:
    return plan.domain.features is not None and plan.domain.features.acpi


def _timer(plan: Plan, timer: Timer) -> None:
    """Set up a timer that has an option of its own; the others are parts of the CPU or the machine."""
    if timer.name == "pit":
        if timer.tickpolicy in (None, "delay"):
            plan.add("global", "kvm-pit.lost_tick_policy=delay")
        elif timer.tickpolicy == "discard":
            plan.add("global", "kvm-pit.lost_tick_policy=discard")
    if timer.name == "hpet" and timer.present == "no" and "hpet" not in plan.facts.options.get("machine", ()):
        plan.add("no-hpet")


def _power(plan: Plan) -> None:
    """Offer or hide sleep states."""
    pm = plan.domain.pm
    board = {"i440fx": "PIIX4_PM", "q35": "ICH9-LPC"}.get(family(plan.domain.os.machine or ""))
    if pm is None or board is None:
        return
    for state, wanted in (("s3", pm.suspend_to_mem), ("s4", pm.suspend_to_disk)):
        if wanted is not None:
            plan.add("global", f"{board}.disable_{state}={int(wanted == 'no')}")


# -- boot ------------------------------------------------------------------------------------------------


def _boot(plan: Plan) -> None:
    os = plan.domain.os
    parts = []
    if os.bootmenu_enable is not None:
        parts.append("menu=" + ("on" if os.bootmenu_enable == "yes" else "off"))
    if os.bios_reboot_timeout is not None:
        parts.append(f"reboot-timeout={os.bios_reboot_timeout}")
    if os.bootmenu_enable == "yes" and os.bootmenu_timeout is not None:
        parts.append(f"splash-time={os.bootmenu_timeout}")
    plan.add("boot", ",".join([*parts, "strict=on"]))


def _kernel(plan: Plan) -> None:
    os = plan.domain.os
    for option, value in (
        ("kernel", os.kernel),
        ("initrd", os.initrd),
        ("append", os.cmdline),
        ("dtb", os.dtb),
        ("shim", os.shim),
    ):
        if value:
            plan.add(option, value)
    for table in os.acpi_tables:
        path = escaped(table.path or "")
        signature = {"slic": "SLIC", "msdm": "MSDM"}.get(table.type or "")
        plan.add("acpitable", f"sig={signature},file={path}" if signature else f"file={path}")
