"""Checks of character devices: what they are connected to, and whether the machine has them."""

from pyvirsh.backend.conf.cpumodels import X86
from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.chardev import CharSource, Serial
from pyvirsh.backend.conf.domain.filling.inactive import sources
from pyvirsh.backend.errors import XML_ERROR, VirError, refuse

# Models of serial ports and the types they are of.
_TYPES = {
    "isa-serial": "isa-serial",
    "usb-serial": "usb-serial",
    "pci-serial": "pci-serial",
    "isa-debugcon": "isa-debug",
    "spapr-vty": "spapr-vio-serial",
    "pl011": "system-serial",
    "16550a": "system-serial",
    "sclpconsole": "sclp-serial",
    "sclplmconsole": "sclp-serial",
}
# Types of serial ports of other machines, with their models.
_FOREIGN = {"spapr-vio-serial": "spapr-vty", "sclp-serial": "sclpconsole"}
_PLACES = {"isa-serial": "isa", "isa-debug": "isa", "pci-serial": "pci"}


def check(domain: Domain) -> None:
    """Check.  Errors: CONFIG_UNSUPPORTED, XML_ERROR."""
    devices = domain.devices
    for port in (*devices.serials, *devices.parallels, *devices.consoles, *devices.channels):
        if port.source.type == "spicevmc" and port.target_type != "virtio":
            raise refuse("spicevmc device type only supports virtio")
    spice = any(graphics.type == "spice" for graphics in devices.graphics)
    for source in sources(domain):
        _source(source, spice=spice)
    for serial in devices.serials:
        _serial(domain, serial)
    _targets(domain)


def _source(source: CharSource, *, spice: bool) -> None:
    if source.type == "tcp" and source.protocol in ("telnets", "tls"):
        raise refuse(f"tcp chardev protocol '{source.protocol}' not supported")
    if source.type in ("spicevmc", "spiceport") and not spice:
        raise refuse(f"chardev '{source.type}' not supported without spice graphics")


def _serial(domain: Domain, serial: Serial) -> None:
    kind, model = serial.target_type or "", serial.target_model
    wanted = _TYPES.get(model or "", kind)
    if wanted != kind:
        raise refuse(f"Target model '{model}' requires target type '{wanted}'")
    place = serial.info.address.type if serial.info.address is not None else None
    if kind == "usb-serial" and place not in (None, "usb"):
        raise refuse("usb-serial requires address of usb type")
    if place is not None and _PLACES.get(kind, place) != place:
        raise refuse(f"Target type '{kind}' requires address type '{_PLACES[kind]}'")
    if kind in _FOREIGN and domain.os.arch in X86:
        what = f"target type '{kind}' and target model '{model or _FOREIGN[kind]}'"
        detail = f"Serial device with {what} not compatible with guest architecture or machine type"
        raise refuse(detail)


def _targets(domain: Domain) -> None:
    for console in domain.devices.consoles:
        if console.target_type in ("sclp", "sclplm"):
            raise refuse(f"{console.target_type}console is not supported in this QEMU binary")
        if console.target_type not in ("serial", "virtio"):
            raise refuse(f"unsupported console target type {console.target_type}")
    for channel in domain.devices.channels:
        if channel.target_type is None:
            raise VirError(XML_ERROR, "target type must be specified for channel device")
