"""Controllers, graphics, sound, input and the other devices.

Source: libvirt's domain XML format, "Devices".
"""

from collections.abc import Collection
from typing import Self

from pyvirsh.backend.conf.cnumbers import c_integer
from pyvirsh.backend.conf.domain.chardev import CHAR_TYPES, CharSource
from pyvirsh.backend.conf.domain.common import Info, VirtioDriver
from pyvirsh.backend.conf.domain.disk import MappedThread
from pyvirsh.backend.conf.domain.source import is_uuid
from pyvirsh.backend.conf.model import (
    Model,
    flag,
    hexadecimal,
    inline,
    integer,
    items,
    many,
    numbers,
    on_off,
    one,
    others,
    sized,
    text,
    yes_no,
)
from pyvirsh.backend.conf.xml import Element, Node, children, local_name
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_ERROR, VirError

CONTROLLER_TYPES = (
    "ide",
    "fdc",
    "scsi",
    "sata",
    "virtio-serial",
    "ccid",
    "usb",
    "pci",
    "xenbus",
    "isa",
    "nvme",
)


_VIRTIO = ("virtio", "virtio-transitional", "virtio-non-transitional")
# Models of the types that have some.
CONTROLLER_MODELS = {
    "ide": ("piix3", "piix4", "ich6"),
    "scsi": tuple(
        "auto buslogic lsilogic lsisas1068 vmpvscsi ibmvscsi virtio-scsi lsisas1078 virtio-transitional"
        " virtio-non-transitional ncr53c90 dc390 am53c974".split()
    ),
    "virtio-serial": _VIRTIO,
    "usb": tuple(
        "piix3-uhci piix4-uhci ehci ich9-ehci1 ich9-uhci1 ich9-uhci2 ich9-uhci3 vt82c686b-uhci pci-ohci"
        " nec-xhci qusb1 qusb2 qemu-xhci none".split()
    ),
    "pci": tuple(
        "pci-root pcie-root pci-bridge dmi-to-pci-bridge pcie-to-pci-bridge pcie-root-port"
        " pcie-switch-upstream-port pcie-switch-downstream-port pci-expander-bus pcie-expander-bus".split()
    ),
}
# What devices PCI controllers can be.
PCI_NAMES = tuple(
    "none pci-bridge i82801b11-bridge pcie-pci-bridge ioh3420 x3130-upstream xio3130-downstream pxb pxb-pcie"
    " pcie-root-port spapr-pci-host-bridge".split()
)
_ROOTS = ("pci-root", "pcie-root")
# What only controllers of a type have.
_OF_CONTROLLERS = {
    "pci": [
        *"model_name chassis_nr chassis port bus_nr target_index".split(),
        *"hotplug mem_reserve numa_node pcihole64".split(),
    ],
    "virtio-serial": ["vectors"],
    "xenbus": ["max_grant_frames", "max_event_channels"],
}


class ControllerDriver(Model):
    """How the host handles a controller."""

    tag = "driver"
    queues: int | None = integer("@queues", bits=32, or_none=True)
    cmd_per_lun: int | None = integer("@cmd_per_lun", bits=32, or_none=True)
    max_sectors: int | None = integer("@max_sectors", bits=32, or_none=True)
    ioeventfd: str | None = on_off("@ioeventfd")
    iothread: int | None = integer("@iothread", bits=32, or_none=True)
    virtio: VirtioDriver = inline(VirtioDriver)
    iothreads: list[MappedThread] = many("iothreads/iothread", MappedThread)


class Controller(Model):
    """A controller that other devices are attached to."""

    tag = "controller"
    type: str = text("@type", choices=CONTROLLER_TYPES, default="ide")
    index: int | None = integer("@index", natural=True, bits=32)
    model: str | None = text("@model")
    ports: int | None = integer("@ports", natural=True, bits=32)
    vectors: int | None = integer("@vectors", natural=True, bits=32)
    serial: str | None = text("serial")
    max_grant_frames: int | None = integer("@maxGrantFrames", natural=True, bits=32)
    max_event_channels: int | None = integer("@maxEventChannels", natural=True, bits=32)
    model_name: str | None = text("model/@name")
    chassis_nr: int | None = integer("target/@chassisNr", any_base=True, natural=True, bits=32)
    chassis: int | None = integer("target/@chassis", any_base=True, natural=True, bits=32)
    port: int | None = hexadecimal("target/@port", 1, natural=True, bits=32)
    bus_nr: int | None = integer("target/@busNr", any_base=True, natural=True, bits=32)
    target_index: int | None = integer("target/@index", any_base=True, natural=True, bits=32)
    hotplug: str | None = on_off("target/@hotplug")
    mem_reserve: int | None = integer("target/@memReserve", any_base=True)
    numa_node: int | None = integer(
        "target/node", signed=True, unknown=(XML_ERROR, "invalid NUMA node in target")
    )
    pcihole64: int | None = sized("pcihole64", place="./pcihole64")
    driver: ControllerDriver | None = one("driver", ControllerDriver)
    info: Info = inline(Info)

    @classmethod
    def foreign(cls, element: Element) -> "Collection[str]":
        passed_over = others(_OF_CONTROLLERS, element.get("type") or "ide")
        return passed_over if element.get("model") in _ROOTS else {*passed_over, "pcihole64"}

    @classmethod
    def parse(cls, element: Element) -> Self:
        for tag in ("model", "target"):
            if len(element.findall(tag)) > 1:
                detail = f"Multiple <{tag}> elements in controller definition not allowed"
                raise VirError(XML_ERROR, detail)
        return super().parse(element)

    def after_parse(self, element: Element) -> None:
        models = CONTROLLER_MODELS.get(self.type, ())
        if self.model is not None and self.model not in models:
            raise VirError(CONFIG_UNSUPPORTED, f"Unknown model type '{self.model}'")
        if self.type not in ("virtio-serial", "usb"):
            self.ports = None
        if self.model_name is not None and self.model_name not in PCI_NAMES:
            place = "attribute 'name' in element 'model'"
            raise VirError(XML_ERROR, f"Invalid value for {place}: '{self.model_name}'.")


class Input(Model):
    """A keyboard, mouse or tablet."""

    tag = "input"
    type: str = text(
        "@type",
        choices=("mouse", "tablet", "keyboard", "passthrough", "evdev"),
        unknown=(CONFIG_UNSUPPORTED, "unknown input device type '{}'"),
    )
    bus: str | None = text(
        "@bus",
        choices=("ps2", "usb", "xen", "parallels", "virtio", "none"),
        unknown=(CONFIG_UNSUPPORTED, "unknown input bus type '{}'"),
    )
    model: str | None = text(
        "@model", choices=_VIRTIO, unknown=(CONFIG_UNSUPPORTED, "unknown input model '{}'")
    )
    driver: VirtioDriver | None = one("driver", VirtioDriver)
    source_evdev: str | None = text("source/@evdev")
    source_dev: str | None = text("source/@dev")
    source_grab: str | None = text("source/@grab", choices=("all",))
    source_grab_toggle: str | None = text(
        "source/@grabToggle",
        choices=("ctrl-ctrl", "alt-alt", "shift-shift", "meta-meta", "scrolllock", "ctrl-scrolllock"),
    )
    source_repeat: str | None = on_off("source/@repeat")
    info: Info = inline(Info)

    @classmethod
    def parse(cls, element: Element) -> Self:
        if element.get("type") is None:
            raise VirError(INTERNAL_ERROR, "missing input device type")
        return super().parse(element)

    def after_parse(self, element: Element) -> None:
        if self.type not in ("passthrough", "evdev"):
            self.source_evdev = self.source_dev = None
        if self.type != "evdev":
            self.source_grab = self.source_grab_toggle = self.source_repeat = self.source_dev = None
        else:
            self.source_evdev = None
        wanted = {"passthrough": self.source_evdev, "evdev": self.source_dev}
        if self.type in wanted and element.find("source") is not None and wanted[self.type] is None:
            raise VirError(XML_ERROR, "Missing evdev path for input device")
        if self.type == "evdev" and self.bus == "none":
            self.bus = None
        if self.bus == "usb" and self.info.address is not None and self.info.address.type != "usb":
            raise VirError(XML_ERROR, "Invalid address for a USB device")

    def fill_node(self, node: Node) -> None:
        super().fill_node(node)
        if node.attrs.get("bus") == "none":
            del node.attrs["bus"]


# What only back ends of a type have.
_OF_BACKENDS = {
    "passthrough": ["device_path"],
    "external": ["source_type", "source_mode", "source_path"],
}


class Tpm(Model):
    """A trusted platform module."""

    tag = "tpm"
    model: str | None = text("@model", choices=("tpm-tis", "tpm-crb", "tpm-spapr", "spapr-tpm-proxy"))
    backend_type: str | None = text(
        "backend/@type", choices=("passthrough", "emulator", "external"), required=True
    )
    backend_version: str | None = text("backend/@version", choices=("1.2", "2.0", "default"))
    backend_persistent_state: str | None = yes_no(
        "backend/@persistent_state",
        unknown=(INTERNAL_ERROR, "Invalid persistent_state value, either 'yes' or 'no'"),
    )
    backend_debug: int | None = integer("backend/@debug")
    encryption_secret: str | None = text("backend/encryption/@secret")
    pcr_sha1: bool = flag("backend/active_pcr_banks/sha1")
    pcr_sha256: bool = flag("backend/active_pcr_banks/sha256")
    pcr_sha384: bool = flag("backend/active_pcr_banks/sha384")
    pcr_sha512: bool = flag("backend/active_pcr_banks/sha512")
    device_path: str | None = text("backend/device/@path")
    source_type: str | None = text("backend/source/@type")
    source_mode: str | None = text("backend/source/@mode", choices=("bind", "connect"))
    source_path: str | None = text("backend/source/@path")
    profile_source: str | None = text("backend/profile/@source")
    profile_name: str | None = text("backend/profile/@name")
    profile_remove_disabled: str | None = text(
        "backend/profile/@removeDisabled", choices=("check", "fips-host")
    )
    info: Info = inline(Info)

    @classmethod
    def foreign(cls, element: Element) -> "Collection[str]":
        backend = element.find("backend")
        return others(_OF_BACKENDS, (backend.get("type") if backend is not None else None) or "")

    def after_parse(self, element: Element) -> None:
        if element.find("backend") is None:
            raise VirError(XML_ERROR, "missing TPM device backend")
        if len(element.findall("backend")) > 1:
            raise VirError(XML_ERROR, "only one TPM backend is supported")
        if self.backend_type == "passthrough":
            self.device_path = self.device_path or "/dev/tpm0"
        if self.encryption_secret is not None and not is_uuid(self.encryption_secret):
            raise VirError(INTERNAL_ERROR, f"Unable to parse secret uuid '{self.encryption_secret}'")
        self._check_banks(element)
        if self.backend_type == "external":
            self._check_external(element)

    def _check_banks(self, element: Element) -> None:
        banks = element.find("backend/active_pcr_banks")
        for bank in children(banks) if banks is not None else ():
            if bank.tag not in ("sha1", "sha256", "sha384", "sha512"):
                raise VirError(CONFIG_UNSUPPORTED, f"Unsupported PCR banks '{local_name(bank)}'")
        if banks is not None and len(banks) and self.backend_version == "1.2":
            raise VirError(XML_ERROR, "<active_pcr_banks/> requires TPM version '2.0'")

    def _check_external(self, element: Element) -> None:
        if len(element.findall("backend/source")) > 1:
            raise VirError(XML_ERROR, "only one source element is allowed for character device")
        if not self.source_type:
            raise VirError(XML_ERROR, "missing external TPM backend source type")
        if self.source_type not in CHAR_TYPES:
            detail = f"unknown backend source type '{self.source_type}' for external TPM"
            raise VirError(CONFIG_UNSUPPORTED, detail)
        if self.source_type != "unix":
            detail = "only source type 'unix' is supported for external TPM device"
            raise VirError(XML_ERROR, detail)
        if self.source_mode not in (None, "connect"):
            detail = "only 'connect' mode is supported for external TPM device"
            raise VirError(XML_ERROR, detail)
        self.source_mode = "connect"


class RedirFilterRule(Model):
    """Which USB devices may be redirected."""

    tag = "usbdev"
    usb_class: str | None = text("@class")
    vendor: str | None = text("@vendor")
    product: str | None = text("@product")
    version: str | None = text("@version")
    allow: str | None = yes_no("@allow", required=True)

    def after_parse(self, element: Element) -> None:
        self.usb_class = self._number("class", self.usb_class, 2)
        self.vendor = self._number("vendor", self.vendor, 4)
        self.product = self._number("product", self.product, 4)
        if self.version == "-1":
            self.version = None
        elif self.version is not None:
            self.version = self._version(self.version)

    @staticmethod
    def _number(name: str, value: "str | None", digits: int) -> "str | None":
        """Return a number of the rule as it is written; None for any."""
        number = c_integer(value, 0) if value is not None else -1
        stated = value is None or value == value.strip()
        if number is None or not stated or not -(1 << 31) <= number < 1 << 31:
            detail = f"Invalid value for attribute '{name}' in element 'usbdev': '{value}'"
            raise VirError(XML_ERROR, f"{detail}. Expected integer value")
        if number == -1:
            return None
        if name == "class" and not 0 <= number <= 0xFF:
            raise VirError(INTERNAL_ERROR, f"Invalid USB Class code 0x{number % (1 << 32):02x}")
        return f"0x{number:0{digits}X}" if number >= 0 else None

    @staticmethod
    def _version(text: str) -> str:
        major, _, minor = text.partition(".")
        for part in (major, minor):
            if not (part.isascii() and part.isdigit() and len(part) <= 2):
                raise VirError(XML_ERROR, f"Cannot parse USB device version {text}")
        return f"{int(major)}.{minor:0<2}"


class Hub(Model):
    """A USB hub."""

    tag = "hub"
    type: str = text("@type", choices=("usb",), unknown=(CONFIG_UNSUPPORTED, "unknown hub device type '{}'"))
    info: Info = inline(Info)

    def after_parse(self, element: Element) -> None:
        if self.type is None:
            raise VirError(INTERNAL_ERROR, "missing hub device type")


WATCHDOG_MODELS = ("i6300esb", "ib700", "diag288", "itco")
WATCHDOG_ACTIONS = ("reset", "shutdown", "poweroff", "pause", "dump", "none", "inject-nmi")


class Watchdog(Model):
    """A watchdog timer."""

    tag = "watchdog"
    model: str = text("@model", choices=WATCHDOG_MODELS, required=True)
    action: str | None = text("@action", choices=WATCHDOG_ACTIONS)
    info: Info = inline(Info)


class MemBalloon(Model):
    """The memory balloon."""

    tag = "memballoon"
    model: str = text(
        "@model",
        choices=("virtio", "xen", "none", "virtio-transitional", "virtio-non-transitional"),
        required=True,
    )
    autodeflate: str | None = on_off("@autodeflate")
    free_page_reporting: str | None = on_off("@freePageReporting")
    stats_period: int | None = integer("stats/@period", any_base=True, signed=True, bits=32)
    info: Info = inline(Info)
    driver: VirtioDriver | None = one("driver", VirtioDriver)

    def after_parse(self, element: Element) -> None:
        if (self.stats_period or 0) <= 0:
            self.stats_period = None
        if self.model == "none":
            self.info.address = None


class RngBackend(Model):
    """Where a guest's random numbers come from."""

    tag = "backend"
    model: str = text("@model", choices=("random", "egd", "builtin"), required=True)
    source: CharSource = inline(CharSource)
    path: str | None = text(".")

    @classmethod
    def parse(cls, element: Element) -> Self:
        parent, kind = element.getparent(), element.get("type")
        if parent is not None and len(parent.findall("backend")) > 1:
            raise VirError(XML_ERROR, "only one RNG backend is supported")
        if element.get("model") == "egd" and kind not in CHAR_TYPES:
            if kind is None:
                raise VirError(XML_ERROR, "missing EGD backend type")
            raise VirError(CONFIG_UNSUPPORTED, f"unknown backend type '{kind}' for egd")
        return super().parse(element)

    @classmethod
    def foreign(cls, element: Element) -> "Collection[str]":
        return others({"egd": ["source"], "random": ["path"]}, element.get("model") or "")


class Rng(Model):
    """A random number generator."""

    tag = "rng"
    model: str | None = text("@model", choices=_VIRTIO, required=True)
    rate_bytes: int | None = integer(
        "rate/@bytes", bits=32, blank=True, unknown=(XML_ERROR, "invalid RNG rate bytes value")
    )
    rate_period: int | None = integer(
        "rate/@period",
        bits=32,
        blank=True,
        or_none=True,
        unknown=(XML_ERROR, "invalid RNG rate period value"),
    )
    backend: RngBackend | None = one("backend", RngBackend)
    driver: VirtioDriver | None = one("driver", VirtioDriver)
    info: Info = inline(Info)

    def after_parse(self, element: Element) -> None:
        if self.backend is None:
            raise VirError(XML_ERROR, "only one RNG backend is supported")
        if not self.rate_bytes:
            self.rate_bytes = self.rate_period = None


class Nvram(Model):
    """The NVRAM device of pSeries guests."""

    tag = "nvram"
    kept_empty = True
    info: Info = inline(Info)

    def fill_node(self, node: Node) -> None:
        node.open = True
        super().fill_node(node)


class Shmem(Model):
    """Memory shared with other guests."""

    tag = "shmem"
    name: str | None = text("@name")
    role: str | None = text("@role", choices=("master", "peer"))
    model: str | None = text("model/@type", choices=("ivshmem", "ivshmem-plain", "ivshmem-doorbell"))
    size: int | None = sized("size", unit="M", bare="bytes", or_none=True, down=True)
    server: bool = flag("server")
    server_path: str | None = text("server/@path")
    msi_enabled: str | None = on_off("msi/@enabled", lenient=True)
    msi_vectors: int | None = integer("msi/@vectors", any_base=True, or_none=True, bits=32)
    msi_ioeventfd: str | None = on_off("msi/@ioeventfd")
    msi: bool = flag("msi")
    info: Info = inline(Info)

    def after_parse(self, element: Element) -> None:
        if self.name is None:
            raise VirError(XML_ERROR, "shmem element must contain 'name' attribute")
        if "/" in self.name:
            raise VirError(CONFIG_UNSUPPORTED, "shmem name cannot include '/' character")
        if self.name in (".", ".."):
            raise VirError(CONFIG_UNSUPPORTED, f"shmem name cannot be equal to '{self.name}'")
        if self.msi and not self.server:
            raise VirError(XML_ERROR, "msi option is only supported with a server")


# What only memory modules of a model have.
_OF_SOURCES = {
    "dimm": ["nodemask", "pagesize"],
    "nvdimm": ["path", "alignsize", "pmem"],
    "virtio-pmem": ["path"],
    "virtio-mem": ["nodemask", "pagesize"],
    "sgx-epc": ["nodemask"],
}
_OF_TARGETS = {
    "nvdimm": ["label_size", "readonly"],
    "virtio-pmem": ["address_base"],
    "virtio-mem": ["dynamic_memslots", "block", "requested", "current", "address_base"],
}


def _module(element: Element) -> str:
    """Return the model of the memory module that an element is of."""
    parent = element.getparent()
    return (parent.get("model") if parent is not None else None) or ""


class MemorySource(Model):
    """Where a memory module's memory comes from."""

    tag = "source"
    nodemask: str | None = numbers("nodemask")
    pagesize: int | None = sized("pagesize", place="./pagesize", or_none=True)
    path: str | None = text("path")
    alignsize: int | None = sized("alignsize", place="./alignsize")
    pmem: bool = flag("pmem")

    @classmethod
    def foreign(cls, element: Element) -> "Collection[str]":
        return others(_OF_SOURCES, _module(element))


class MemoryTarget(Model):
    """A memory module as the guest sees it."""

    tag = "target"
    dynamic_memslots: str | None = yes_no("@dynamicMemslots")
    size: int | None = sized("size", needed=True, place="./size")
    node: int | None = integer("node", bits=32, unknown=(XML_ERROR, "invalid value of memory device node"))
    label_size: int | None = sized("label/size", place="./label/size", or_none=True)
    block: int | None = sized("block", place="./block")
    requested: int | None = sized("requested", place="./requested")
    current: int | None = sized("current")
    address_base: int | None = hexadecimal("address/@base", 1)
    readonly: bool = flag("readonly")

    @classmethod
    def foreign(cls, element: Element) -> "Collection[str]":
        return others(_OF_TARGETS, _module(element))


MEMORY_MODELS = ("dimm", "nvdimm", "virtio-pmem", "virtio-mem", "sgx-epc")
# The least size of an NVDIMM's label area, in KiB.
_LABEL_MIN = 128


class MemoryModule(Model):
    """A memory module: DIMM, NVDIMM, virtio-mem, virtio-pmem."""

    tag = "memory"
    model: str = text("@model", choices=MEMORY_MODELS, required=True)
    access: str | None = text("@access", choices=("shared", "private"))
    discard: str | None = yes_no("@discard")
    uuid: str | None = text("uuid")
    source: MemorySource | None = one("source", MemorySource)
    target: MemoryTarget | None = one("target", MemoryTarget)
    info: Info = inline(Info)

    def after_parse(self, element: Element) -> None:
        if self.uuid is not None and not is_uuid(self.uuid):
            raise VirError(INTERNAL_ERROR, "malformed uuid element")
        if self.model == "virtio-pmem":
            self.uuid = None
        if self.target is not None and self.model == "virtio-mem":
            self.target.requested = self.target.requested or 0
        if self.target is not None and not self.target.address_base:
            self.target.address_base = None
        label = self.target.label_size if self.target is not None else None
        if self.model != "nvdimm" or self.target is None or label is None:
            return
        if label < _LABEL_MIN:
            raise VirError(XML_ERROR, f"nvdimm label must be at least {_LABEL_MIN}KiB")
        if label >= (self.target.size or 0):
            raise VirError(XML_ERROR, "label size must be smaller than NVDIMM size")


class Panic(Model):
    """The device by which a guest reports its crash."""

    tag = "panic"
    model: str | None = text(
        "@model",
        choices=("default", "isa", "pseries", "hyperv", "s390", "pvpanic"),
        unknown=(CONFIG_UNSUPPORTED, "unknown panic model '{}'"),
    )
    info: Info = inline(Info)


class Iommu(Model):
    """A memory management unit for devices."""

    tag = "iommu"
    model: str = text("@model", choices=("intel", "smmuv3", "virtio", "amd"), required=True)
    intremap: str | None = on_off("driver/@intremap")
    caching_mode: str | None = on_off("driver/@caching_mode")
    eim: str | None = on_off("driver/@eim")
    iotlb: str | None = on_off("driver/@iotlb")
    aw_bits: int | None = integer("driver/@aw_bits", or_none=True, bits=32)
    dma_translation: str | None = on_off("driver/@dma_translation")
    info: Info = inline(Info)


class Vsock(Model):
    """A socket between host and guest."""

    tag = "vsock"
    model: str | None = text("@model", choices=("default", *_VIRTIO))
    cid_auto: str | None = yes_no("cid/@auto")
    cid_address: int | None = integer("cid/@address", positive=True, bits=32)
    driver: VirtioDriver | None = one("driver", VirtioDriver)
    info: Info = inline(Info)

    def after_parse(self, element: Element) -> None:
        self.model = None if self.model == "default" else self.model
        if self.cid_address is not None and 0 < self.cid_address < 3:
            raise VirError(CONFIG_UNSUPPORTED, "guest CIDs must be >= 3")


# The least size of a store of crash records, in KiB.
_PSTORE_MIN = 4


class Crypto(Model):
    """A cryptography device."""

    tag = "crypto"
    model: str | None = text("@model", choices=("virtio",), required=True)
    type: str | None = text("@type", choices=("qemu",), required=True)
    backend_model: str | None = text("backend/@model", choices=("builtin", "lkcf"), required=True)
    backend_queues: int | None = integer("backend/@queues", bits=32, or_none=True)
    driver: VirtioDriver | None = one("driver", VirtioDriver)
    info: Info = inline(Info)

    def after_parse(self, element: Element) -> None:
        if len(element.findall("backend")) != 1:
            raise VirError(XML_ERROR, "only one crypto backend is supported")


class Pstore(Model):
    """Memory in which the guest keeps records of its crashes."""

    tag = "pstore"
    backend: str | None = text("@backend", choices=("acpi-erst",), required=True)
    path: str | None = text("path")
    size: int | None = sized("size", needed=True, place="./size")
    info: Info = inline(Info)

    def after_parse(self, element: Element) -> None:
        size = self.size or 0
        if size < _PSTORE_MIN or size & (size - 1):
            raise VirError(XML_ERROR, "invalid size of ACPI ERST pstore device")


class Lease(Model):
    """A lock held while the guest runs."""

    tag = "lease"
    lockspace: str | None = text("lockspace")
    key: str | None = text("key")
    path: str | None = text("target/@path")
    offset: int | None = integer("target/@offset", or_none=True, lenient=True)

    def after_parse(self, element: Element) -> None:
        if not self.key:
            raise VirError(XML_ERROR, "Missing 'key' element for lease")
        if self.lockspace is None:
            raise VirError(INTERNAL_ERROR, text="An error occurred, but the cause is unknown")


__all__ = ["Controller", "items"]
