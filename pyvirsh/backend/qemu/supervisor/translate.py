"""From QEMU's events to libvirt's, where nothing but the event and the guest's devices is needed.

Source: QEMU's QMP reference; libvirt's virDomainEventID and the callbacks' arguments.
"""

from pyvirsh.backend.constants import (
    DOMAIN_EVENT_ID_AGENT_LIFECYCLE,
    DOMAIN_EVENT_ID_BALLOON_CHANGE,
    DOMAIN_EVENT_ID_BLOCK_THRESHOLD,
    DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED,
    DOMAIN_EVENT_ID_DEVICE_REMOVED,
    DOMAIN_EVENT_ID_GRAPHICS,
    DOMAIN_EVENT_ID_IO_ERROR,
    DOMAIN_EVENT_ID_IO_ERROR_REASON,
    DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE,
    DOMAIN_EVENT_ID_MEMORY_FAILURE,
    DOMAIN_EVENT_ID_MIGRATION_ITERATION,
    DOMAIN_EVENT_ID_PMSUSPEND,
    DOMAIN_EVENT_ID_PMSUSPEND_DISK,
    DOMAIN_EVENT_ID_PMWAKEUP,
    DOMAIN_EVENT_ID_REBOOT,
    DOMAIN_EVENT_ID_RTC_CHANGE,
    DOMAIN_EVENT_ID_TRAY_CHANGE,
    DOMAIN_EVENT_ID_WATCHDOG,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    Data = dict[str, Any]
    # alias -> what the definition says: "dst" and "path" of a disk, "name" of a channel
    Devices = dict[str, dict[str, str]]
    Events = Iterator[tuple[int, tuple[object, ...]]]

WATCHDOG_ACTIONS = ("none", "pause", "reset", "poweroff", "shutdown", "debug", "inject-nmi")
IO_ACTIONS = ("ignore", "stop", "report")
FAMILIES = ("ipv4", "ipv6", "unix")
RECIPIENTS = ("hypervisor", "guest")
FAILURE_ACTIONS = ("ignore", "inject", "fatal", "reset")
AGENT_CHANNEL = "org.qemu.guest_agent.0"


def translate(event: str, data: "Data", devices: "Devices") -> "Events":
    """Yield (event id, values) of the libvirt events that an event of QEMU's makes."""
    if event in _PLAIN:
        yield _PLAIN[event]
    elif event in _MAKERS:
        yield from _MAKERS[event](data, devices)
    elif event.startswith(("VNC_", "SPICE_")) and (phase := event.partition("_")[2]) in _PHASES:
        yield _graphics(_PHASES[phase], data)


_PLAIN: "dict[str, tuple[int, tuple[object, ...]]]" = {
    "RESET": (DOMAIN_EVENT_ID_REBOOT, ()),
    "SUSPEND": (DOMAIN_EVENT_ID_PMSUSPEND, (0,)),
    "SUSPEND_DISK": (DOMAIN_EVENT_ID_PMSUSPEND_DISK, (0,)),
    "WAKEUP": (DOMAIN_EVENT_ID_PMWAKEUP, (0,)),
}


def _rtc(data: "Data", devices: "Devices") -> "Events":
    yield DOMAIN_EVENT_ID_RTC_CHANGE, (int(data.get("offset", 0)),)


def _watchdog(data: "Data", devices: "Devices") -> "Events":
    yield DOMAIN_EVENT_ID_WATCHDOG, (_index(WATCHDOG_ACTIONS, data.get("action")),)


def _io_error(data: "Data", devices: "Devices") -> "Events":
    alias = alias_of(data)
    path = devices.get(alias, {}).get("path", "")
    action = _index(IO_ACTIONS, data.get("action"))
    reason = "enospc" if data.get("nospace") else ""
    yield DOMAIN_EVENT_ID_IO_ERROR, (path, alias, action)
    yield DOMAIN_EVENT_ID_IO_ERROR_REASON, (path, alias, action, reason)


def _tray(data: "Data", devices: "Devices") -> "Events":
    yield DOMAIN_EVENT_ID_TRAY_CHANGE, (alias_of(data), 0 if data.get("tray-open") else 1)


def _balloon(data: "Data", devices: "Devices") -> "Events":
    yield DOMAIN_EVENT_ID_BALLOON_CHANGE, (int(data.get("actual", 0)) // 1024,)


def _removed(data: "Data", devices: "Devices") -> "Events":
    if data.get("device"):
        yield DOMAIN_EVENT_ID_DEVICE_REMOVED, (str(data["device"]),)


def _not_removed(data: "Data", devices: "Devices") -> "Events":
    if alias := alias_of(data):
        yield DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, (alias,)


def _channel(data: "Data", devices: "Devices") -> "Events":
    if devices.get(str(data.get("id")), {}).get("name") == AGENT_CHANNEL:
        yield DOMAIN_EVENT_ID_AGENT_LIFECYCLE, (1 if data.get("open") else 2, 2)


def _pass(data: "Data", devices: "Devices") -> "Events":
    yield DOMAIN_EVENT_ID_MIGRATION_ITERATION, (int(data.get("pass", 0)),)


def _threshold(data: "Data", devices: "Devices") -> "Events":
    node = str(data.get("node-name", ""))
    for device in devices.values():
        if device.get("node") == node:
            values = (data.get("write-threshold", 0), data.get("amount-exceeded", 0))
            yield DOMAIN_EVENT_ID_BLOCK_THRESHOLD, (device["dst"], device.get("path") or None, *values)


def _memory_failure(data: "Data", devices: "Devices") -> "Events":
    flags = data.get("flags", {})
    bits = (1 if flags.get("action-required") else 0) | (2 if flags.get("recursive") else 0)
    recipient = _index(RECIPIENTS, data.get("recipient"))
    yield DOMAIN_EVENT_ID_MEMORY_FAILURE, (recipient, _index(FAILURE_ACTIONS, data.get("action")), bits)


def _memory_size(data: "Data", devices: "Devices") -> "Events":
    yield DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE, (str(data.get("id", "")), int(data.get("size", 0)))


_MAKERS: "dict[str, Callable[[Data, Devices], Events]]" = {
    "RTC_CHANGE": _rtc,
    "WATCHDOG": _watchdog,
    "BLOCK_IO_ERROR": _io_error,
    "DEVICE_TRAY_MOVED": _tray,
    "BALLOON_CHANGE": _balloon,
    "DEVICE_DELETED": _removed,
    "DEVICE_UNPLUG_GUEST_ERROR": _not_removed,
    "VSERPORT_CHANGE": _channel,
    "MIGRATION_PASS": _pass,
    "BLOCK_WRITE_THRESHOLD": _threshold,
    "MEMORY_FAILURE": _memory_failure,
    "MEMORY_DEVICE_SIZE_CHANGE": _memory_size,
}
_PHASES = {"CONNECTED": 0, "INITIALIZED": 1, "DISCONNECTED": 2}


def _graphics(phase: int, data: "Data") -> "tuple[int, tuple[object, ...]]":
    server, client = data.get("server", {}), data.get("client", {})
    names = {"sasl_username": "saslUsername", "x509_dname": "x509dname"}
    subject = [[names[key], str(client[key])] for key in ("x509_dname", "sasl_username") if key in client]
    return DOMAIN_EVENT_ID_GRAPHICS, (
        phase,
        _end(server),
        _end(client),
        str(server.get("auth", "")),
        subject,
    )


def _end(address: "Data") -> "list[object]":
    host, service = str(address.get("host", "")), str(address.get("service", address.get("port", "")))
    return [_index(FAMILIES, address.get("family")), host, service]


def alias_of(data: "Data") -> str:
    """Return the device an event is about; "" if it names none of the definition's."""
    path = str(data.get("qom-path") or data.get("path") or "")
    for mark in ("/machine/peripheral/", "/peripheral/"):
        if path.startswith(mark):
            return path[len(mark) :].partition("/")[0]
    return str(data.get("id") or data.get("device") or "")


def _index(names: "tuple[str, ...]", name: object) -> int:
    return names.index(name) if name in names else 0
