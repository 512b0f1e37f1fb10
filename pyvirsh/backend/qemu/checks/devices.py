"""Checks of all other devices."""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.devices import Input
from pyvirsh.backend.conf.domain.net import Interface
from pyvirsh.backend.errors import INTERNAL_ERROR, INVALID_ARG, XML_ERROR, VirError, refuse
from pyvirsh.backend.qemu.checks import characters, controllers, hardware
from pyvirsh.backend.qemu.facts import Facts, Host, family

_MODEL_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def check(domain: Domain, facts: Facts) -> None:
    """Check what does not depend on this host."""
    controllers.check(domain)
    characters.check(domain)
    for interface in domain.devices.interfaces:
        _interface(interface)
    for device in domain.devices.inputs:
        _input(device, domain)
    _displays(domain)
    _single(domain)
    _watchdogs(domain)
    _others(domain)
    hardware.check(domain, facts)


# -- interfaces ------------------------------------------------------------------------------------------


_WITH_MTU = ("network", "bridge", "ethernet", "vhostuser")


def _interface(interface: Interface) -> None:
    kind, source = interface.type, interface.source
    if kind in ("bridge", "network", "direct") and source is None:
        raise VirError(XML_ERROR, f"interface type='{kind}' requires a 'source' element")
    if source is not None:
        wanted = {"bridge": "bridge", "network": "network", "direct": "dev"}.get(kind)
        if wanted is not None and not getattr(source, wanted):
            raise VirError(XML_ERROR, f"Missing required attribute '{wanted}' in element 'source'")
    _mac(interface.mac or "")
    model = interface.model
    if model is not None and any(letter not in _MODEL_LETTERS for letter in model):
        raise VirError(INVALID_ARG, "Model name contains invalid characters")
    if kind == "vhostuser" and interface.backend_type != "passt":
        if source is None or not source.path:
            raise VirError(XML_ERROR, "Missing required attribute 'path' in element 'source'")
    if interface.driver is not None and (interface.driver.queues or 0) > 256:
        raise refuse(f"interface driver queues='{interface.driver.queues}': more than 256 are not supported")
    _addresses(interface)
    _teaming(interface)
    _queues(interface)
    _forwards(interface)
    if interface.coalesce_rx_frames is not None and kind not in ("network", "bridge"):
        raise refuse(f"coalesce settings on interface type {kind} are not supported")
    served = interface.backend_type == "passt"
    if interface.mtu is not None and kind not in _WITH_MTU and not served:
        raise refuse(f"setting MTU on interface type {kind} is not supported yet")


def _addresses(interface: Interface) -> None:
    """Refuse addresses of the guest's side that nobody would give it."""
    what = "Invalid attempt to set network interface guest-side IP"
    if interface.ips and interface.type not in ("user", "vhostuser"):
        raise refuse(f"{what} address info, not supported by QEMU")
    for name in ("IPv4", "IPv6"):
        if sum(ip.family == name.lower() for ip in interface.ips) > 1:
            raise refuse(f"Only one {name} address per interface is allowed")
    if any(ip.peer is not None for ip in interface.ips):
        raise refuse("Invalid attempt to set peer IP for guest")
    if interface.routes:
        raise refuse(f"{what} route, not supported by QEMU")


def _teaming(interface: Interface) -> None:
    kind = interface.teaming_type
    if kind == "persistent" and not (interface.model or "").startswith("virtio"):
        detail = f"must be <model type='virtio'/>, not '{interface.model}'"
        raise refuse(f"virtio-net teaming persistent interface {detail}")
    if kind == "transient" and interface.type not in ("hostdev", "network"):
        detail = f"must be type='hostdev', not '{interface.type}'"
        raise refuse(f"virtio-net teaming transient interface {detail}")


def _queues(interface: Interface) -> None:
    kind, model, driver = interface.type, interface.model, interface.driver
    if kind == "vdpa" and model != "virtio":
        raise refuse(f"invalid model for interface of type '{kind}': '{model}' - must be 'virtio'")
    if driver is None or not (model or "").startswith("virtio"):
        return
    for name in ("rx_queue_size", "tx_queue_size"):
        size = getattr(driver, name) or 0
        if size & (size - 1):
            raise refuse(f"{name} has to be a power of two")


def _forwards(interface: Interface) -> None:
    for forward in interface.port_forwards:
        for ports in forward.ranges:
            last = ports.end if ports.end is not None else ports.start
            if ports.is_empty():
                continue
            if ports.start is None or last is None:
                detail = "requires 'start' attribute if 'end', 'to', or 'exclude' is specified"
                raise refuse(f"The 'range' of a 'portForward' {detail}")
            to = ports.to if ports.to is not None else ports.start
            if not 1 <= ports.start <= last <= 65535 or not 1 <= to <= 65535 - (last - ports.start):
                raise VirError(XML_ERROR, "portForward/range: ports go from 1 to 65535, start before end")


def _mac(text: str) -> None:
    parts = text.split(":")
    good = len(parts) == 6 and all(
        1 <= len(part) <= 2 and all(letter in "0123456789abcdefABCDEF" for letter in part) for part in parts
    )
    if not good:
        raise VirError(XML_ERROR, f"unable to parse mac address '{text}'")
    if int(parts[0], 16) & 1:
        raise VirError(XML_ERROR, f"expected unicast mac address, found multicast '{text}'")


# -- input, graphics, video ------------------------------------------------------------------------------


def _input(device: Input, domain: Domain) -> None:
    if device.type == "evdev":
        if not device.source_dev:
            raise VirError(XML_ERROR, "Missing required attribute 'dev' in element 'source'")
        return
    if device.bus == "ps2" and device.type not in ("mouse", "keyboard"):
        raise VirError(INTERNAL_ERROR, f"ps2 bus does not support {device.type} input device")
    if device.bus not in ("ps2", "usb", "virtio", "none"):
        raise VirError(INTERNAL_ERROR, f"unsupported input bus {device.bus}")
    if device.bus == "usb":
        if device.type == "passthrough":
            raise refuse("input type='passthrough' is only supported on bus='virtio'")
        usb = [one for one in domain.devices.controllers if one.type == "usb"]
        if usb and all(one.model == "none" for one in usb):
            raise refuse("Can't add USB input device. USB bus is disabled")


def _displays(domain: Domain) -> None:
    devices = domain.devices
    for graphics in devices.graphics:
        if graphics.type in ("rdp", "desktop"):
            raise refuse(f"{graphics.type} graphics are not supported with this QEMU")
        if graphics.type == "vnc" and graphics.connected not in (None, "keep"):
            raise refuse("VNC supports connected='keep' only")
        if graphics.port is not None and graphics.port > 65535:
            raise VirError(
                XML_ERROR, f"graphics port {graphics.port} is not a port: use 5900 to 65535, or -1"
            )
    kinds = [graphics.type for graphics in devices.graphics]
    if "spice" not in kinds and any(audio.type == "spice" for audio in devices.audios):
        raise refuse("Spice audio is not supported without spice graphics")
    if "egl-headless" in kinds and {"sdl", "dbus"} & set(kinds):
        detail = "graphics type 'egl-headless' is only supported with one of: 'vnc', 'spice' graphics types"
        raise refuse(detail)
    _videos(domain)


def _videos(domain: Domain) -> None:
    devices = domain.devices
    for video in devices.videos:
        if (video.heads or 1) > 1 and video.model not in ("qxl", "virtio"):
            raise refuse(f"video type '{video.model}' doesn't support multiple 'heads'")
    models = [video.model for video in devices.videos]
    if "none" in models and len(models) > 1:
        detail = "a 'none' video type must be the only video device defined for the domain"
        raise refuse(detail)
    for at, model in enumerate(models):
        if at and model in ("vga", "cirrus", "vmvga", "bochs", "ramfb"):
            raise refuse(f"video type '{model}' is only valid as primary video device")
        if devices.videos[at].blob == "on" and not _in_memfd(domain):
            raise refuse("'blob' support for virtio-gpu devices requires a memfd memory backend")
        if model in ("xen", "vbox", "parallels", "gop"):
            raise refuse(f"domain configuration does not support video model '{model}'")


def _in_memfd(domain: Domain) -> bool:
    backing = domain.memory_backing
    return backing is not None and backing.source_type == "memfd"


# -- the rest --------------------------------------------------------------------------------------------


def _single(domain: Domain) -> None:
    devices = domain.devices
    if len(devices.smartcards) > 1:
        raise refuse("this QEMU binary lacks multiple smartcard support")
    if len(devices.tpms) > 1:
        raise VirError(XML_ERROR, "only a single TPM device is supported")
    models = [panic.model for panic in devices.panics]
    for model in models:
        if models.count(model) > 1:
            raise refuse(f"only one panic device of model '{model}' is supported")


def _watchdogs(domain: Domain) -> None:
    watchdogs, board = domain.devices.watchdogs, family(domain.os.machine or "")
    if len({watchdog.action for watchdog in watchdogs}) > 1:
        raise refuse("watchdogs with different actions are not supported with this QEMU binary")
    for watchdog in watchdogs:
        if watchdog.model == "ib700" and board != "i440fx":
            raise refuse("ib700 model of watchdog cannot be used with this machine type")
        if watchdog.model == "itco" and watchdog.info.address is not None:
            detail = "itco model of watchdog is part of the machine and cannot have any address set."
            raise refuse(detail)
        if watchdog.model == "itco" and board != "q35":
            raise refuse("itco model of watchdog is only part of q35 machine")
        if watchdog.model == "diag288":
            raise refuse("diag288 model of watchdog cannot be used with this machine type")


def _others(domain: Domain) -> None:
    devices = domain.devices
    for rng in devices.rngs:
        if rng.backend is None:
            raise VirError(XML_ERROR, "only one RNG backend is supported")
    for tpm in devices.tpms:
        if tpm.backend_type is None:
            raise VirError(XML_ERROR, "missing TPM device backend")
    for hostdev in devices.hostdevs:
        if hostdev.source is None:
            raise VirError(XML_ERROR, "Missing <source> element in hostdev device")
    if devices.memballoon is not None and devices.memballoon.model == "xen":
        raise refuse("memballoon model 'xen' is not supported by this QEMU binary: use 'virtio'")
    if devices.iommu is not None and devices.iommu.model == "smmuv3":
        raise refuse("IOMMU device: 'smmuv3' is only supported with ARM Virt machines")
    if devices.iommu is not None and devices.iommu.model == "intel":
        if family(domain.os.machine or "") != "q35":
            raise refuse("IOMMU device: 'intel' is only supported with Q35 machines")
    if devices.nvram is not None:
        raise refuse("nvram device is only supported for PPC64")


# -- this host -------------------------------------------------------------------------------------------


def check_host(domain: Domain, facts: Facts, host: Host) -> None:
    """Check what this host and this QEMU must be able to do when the guest starts."""
    kinds = [graphics.type for graphics in domain.devices.graphics]
    if len(set(kinds)) < len(kinds):
        each = "each type (sdl, vnc, spice, headless, dbus, rdp)"
        raise refuse(f"only 1 graphics device of {each} is supported")
    for graphics in domain.devices.graphics:
        if graphics.type == "spice" and "spice" not in facts.options:
            detail = "spice graphics are not supported with this QEMU: install qemu-system-modules-spice"
            raise refuse(detail)
        if graphics.type == "dbus" and graphics.p2p != "yes":
            raise refuse("graphics type='dbus' needs a message bus: use p2p='yes'")
    for video in domain.devices.videos:
        if video.model == "qxl" and not {"qxl", "qxl-vga"} & facts.devices:
            detail = "domain configuration does not support video model 'qxl'"
            raise refuse(f"{detail}: install qemu-system-modules-spice, or use another model")
    for interface in domain.devices.interfaces:
        _interface_host(interface)


def _interface_host(interface: Interface) -> None:
    """Refuse what nobody here does to an interface."""
    for value, element in (
        (interface.filter, "filterref"),
        (interface.inbound or interface.outbound, "bandwidth"),
        (interface.virtualport, "virtualport"),
        (interface.vlan_tags, "vlan"),
        (interface.script or interface.downscript, "script"),
        (interface.coalesce_rx_frames, "coalesce"),
    ):
        if value:
            raise refuse(f"interface/{element} is not supported by this driver: remove the element")
