"""Controllers, graphics, sound, input and the other devices.

Source: libvirt's domain XML format, "Devices".
"""

import copy
from typing import Self

from pyvirsh.backend.conf.domain.chardev import CharSource
from pyvirsh.backend.conf.domain.common import HostAddress, Info, VirtioDriver
from pyvirsh.backend.conf.domain.disk import MappedThread
from pyvirsh.backend.conf.domain.net import PCI_DRIVERS
from pyvirsh.backend.conf.domain.source import Auth, Host
from pyvirsh.backend.conf.model import (
    Model,
    flag,
    hexadecimal,
    inline,
    integer,
    items,
    many,
    on_off,
    one,
    sized,
    text,
    yes_no,
)
from pyvirsh.backend.conf.xml import Element
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
_PCI_ONLY = (
    "model_name chassis_nr chassis port bus_nr target_index hotplug mem_reserve numa_node pcihole64".split()
)


class ControllerDriver(Model):
    """How the host handles a controller."""

    tag = "driver"
    queues: int | None = integer("@queues")
    cmd_per_lun: int | None = integer("@cmd_per_lun")
    max_sectors: int | None = integer("@max_sectors")
    ioeventfd: str | None = on_off("@ioeventfd")
    iothread: int | None = integer("@iothread", or_none=True)
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
    chassis_nr: int | None = integer("target/@chassisNr", signed=True, bits=32)
    chassis: int | None = integer("target/@chassis", signed=True, bits=32)
    port: int | None = hexadecimal("target/@port", 1, signed=True, bits=32)
    bus_nr: int | None = integer("target/@busNr", signed=True, bits=32)
    target_index: int | None = integer("target/@index", signed=True, bits=32)
    hotplug: str | None = on_off("target/@hotplug")
    mem_reserve: int | None = integer("target/@memReserve")
    numa_node: int | None = integer(
        "target/node", signed=True, unknown=(XML_ERROR, "invalid NUMA node in target")
    )
    pcihole64: int | None = sized("pcihole64", place="./pcihole64")
    driver: ControllerDriver | None = one("driver", ControllerDriver)
    info: Info = inline(Info)

    @classmethod
    def parse(cls, element: Element) -> Self:
        for tag in ("model", "target"):
            if len(element.findall(tag)) > 1:
                detail = f"Multiple <{tag}> elements in controller definition not allowed"
                raise VirError(XML_ERROR, detail)
        root = element.get("type") == "pci" and element.get("model") in ("pci-root", "pcie-root")
        if not root and element.find("pcihole64") is not None:
            element = copy.deepcopy(element)
            for hole in element.findall("pcihole64"):
                element.remove(hole)
        return super().parse(element)

    def after_parse(self, element: Element) -> None:
        models = CONTROLLER_MODELS.get(self.type, ())
        if self.model is not None and self.model not in models:
            raise VirError(CONFIG_UNSUPPORTED, f"Unknown model type '{self.model}'")
        if self.type != "pci":
            for name in _PCI_ONLY:
                setattr(self, name, None)
        elif self.model_name is not None and self.model_name not in PCI_NAMES:
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
    model: str | None = text("@model")
    driver: VirtioDriver | None = one("driver", VirtioDriver)
    source_evdev: str | None = text("source/@evdev")
    source_dev: str | None = text("source/@dev")
    source_grab: str | None = text("source/@grab")
    source_grab_toggle: str | None = text("source/@grabToggle")
    source_repeat: str | None = on_off("source/@repeat")
    info: Info = inline(Info)


class Tpm(Model):
    """A trusted platform module."""

    tag = "tpm"
    model: str | None = text(
        "@model", choices=("default", "tpm-tis", "tpm-crb", "tpm-spapr", "spapr-tpm-proxy")
    )
    backend_type: str | None = text("backend/@type", choices=("passthrough", "emulator", "external"))
    backend_version: str | None = text("backend/@version", choices=("1.2", "2.0", "default"))
    backend_persistent_state: str | None = yes_no("backend/@persistent_state")
    backend_debug: str | None = text("backend/@debug")
    encryption_secret: str | None = text("backend/encryption/@secret")
    pcr_sha1: bool = flag("backend/active_pcr_banks/sha1")
    pcr_sha256: bool = flag("backend/active_pcr_banks/sha256")
    pcr_sha384: bool = flag("backend/active_pcr_banks/sha384")
    pcr_sha512: bool = flag("backend/active_pcr_banks/sha512")
    device_path: str | None = text("backend/device/@path")
    source_type: str | None = text("backend/source/@type")
    source_mode: str | None = text("backend/source/@mode")
    source_path: str | None = text("backend/source/@path")
    info: Info = inline(Info)


class Listen(Model):
    """Where a display server listens."""

    tag = "listen"
    type: str = text("@type", choices=("address", "network", "socket", "none"))
    address: str | None = text("@address")
    network: str | None = text("@network")
    socket: str | None = text("@socket")
    auto_generated: str | None = yes_no("@autoGenerated")
    from_config: str | None = text("@fromConfig")


class SpiceChannel(Model):
    """How one SPICE channel is protected."""

    tag = "channel"
    name: str | None = text("@name")
    mode: str | None = text("@mode", choices=("any", "secure", "insecure"))


class Graphics(Model):
    """A display server, or the display of the host."""

    tag = "graphics"
    type: str = text(
        "@type",
        choices=("sdl", "vnc", "rdp", "desktop", "spice", "egl-headless", "dbus"),
        required=True,
    )
    socket: str | None = text("@socket")
    port: int | None = integer("@port", signed=True, unknown=(INTERNAL_ERROR, "cannot parse vnc port {}"))
    tls_port: int | None = integer("@tlsPort", signed=True)
    autoport: str | None = yes_no("@autoport")
    websocket: int | None = integer("@websocket", signed=True)
    websocket_generated: str | None = text("@websocketGenerated")
    p2p: str | None = yes_no("@p2p")
    address: str | None = text("@address")
    listen: str | None = text("@listen")
    keymap: str | None = text("@keymap")
    default_mode: str | None = text("@defaultMode")
    share_policy: str | None = text("@sharePolicy")
    power_control: str | None = yes_no("@powerControl")
    display: str | None = text("@display")
    xauth: str | None = text("@xauth")
    fullscreen: str | None = yes_no("@fullscreen")
    multi_user: str | None = yes_no("@multiUser")
    replace_user: str | None = yes_no("@replaceUser")
    passwd: str | None = text("@passwd")
    passwd_valid_to: str | None = text("@passwdValidTo")
    connected: str | None = text("@connected", choices=("fail", "disconnect", "keep"))
    listens: list[Listen] = many("listen", Listen)
    audio_id: int | None = integer("audio/@id")
    channels: list[SpiceChannel] = many("channel", SpiceChannel)
    image_compression: str | None = text("image/@compression")
    jpeg_compression: str | None = text("jpeg/@compression")
    zlib_compression: str | None = text("zlib/@compression")
    playback_compression: str | None = on_off("playback/@compression")
    streaming_mode: str | None = text("streaming/@mode")
    mouse_mode: str | None = text("mouse/@mode")
    clipboard_copypaste: str | None = yes_no("clipboard/@copypaste")
    filetransfer_enable: str | None = yes_no("filetransfer/@enable")
    gl_enable: str | None = yes_no("gl/@enable")
    gl_rendernode: str | None = text("gl/@rendernode")


class Codec(Model):
    """The codec of a sound card."""

    tag = "codec"
    type: str | None = text("@type")


SOUND_MODELS = tuple("sb16 es1370 pcspk ac97 ich6 ich9 usb ich7 virtio".split())


class Sound(Model):
    """A sound card."""

    tag = "sound"
    model: str | None = text("@model", choices=SOUND_MODELS, required=True)
    multichannel: str | None = yes_no("@multichannel")
    streams: int | None = integer("@streams")
    codecs: list[Codec] = many("codec", Codec)
    audio_id: int | None = integer("audio/@id")
    driver: VirtioDriver | None = one("driver", VirtioDriver)
    info: Info = inline(Info)


class AudioSide(Model):
    """The input or output of an audio back end."""

    mixing_engine: str | None = yes_no("@mixingEngine")
    fixed_settings: str | None = yes_no("@fixedSettings")
    voices: int | None = integer("@voices")
    buffer_length: int | None = integer("@bufferLength")
    dev: str | None = text("@dev")
    buffer_count: int | None = integer("@bufferCount")
    try_poll: str | None = yes_no("@tryPoll")
    name: str | None = text("@name")
    server_name: str | None = text("@serverName")
    client_name: str | None = text("@clientName")
    connect_ports: str | None = text("@connectPorts")
    exact_name: str | None = yes_no("@exactName")
    stream_name: str | None = text("@streamName")
    latency: int | None = integer("@latency")
    settings_frequency: int | None = integer("settings/@frequency")
    settings_channels: int | None = integer("settings/@channels")
    settings_format: str | None = text("settings/@format")


AUDIO_TYPES = (
    "none",
    "alsa",
    "coreaudio",
    "jack",
    "oss",
    "pulseaudio",
    "sdl",
    "spice",
    "file",
    "dbus",
    "pipewire",
)


class Audio(Model):
    """Where the guest's sound goes."""

    tag = "audio"
    id: int | None = integer("@id")
    type: str = text("@type", choices=AUDIO_TYPES)
    timer_period: int | None = integer("@timerPeriod")
    server_name: str | None = text("@serverName")
    try_mmap: str | None = yes_no("@tryMMap")
    exclusive: str | None = yes_no("@exclusive")
    dsp_policy: int | None = integer("@dspPolicy")
    runtime_dir: str | None = text("@runtimeDir")
    driver: str | None = text("@driver")
    path: str | None = text("@path")
    input: AudioSide | None = one("input", AudioSide)
    output: AudioSide | None = one("output", AudioSide)


VIDEO_MODELS = tuple("default vga cirrus vmvga xen vbox qxl parallels virtio gop none bochs ramfb".split())


class Video(Model):
    """A graphics card."""

    tag = "video"
    driver: VirtioDriver | None = one("driver", VirtioDriver)
    driver_name: str | None = text("driver/@name", choices=("qemu", "vhostuser", "default"))
    vgaconf: str | None = text("driver/@vgaconf", choices=("io", "on", "off"))
    model: str | None = text("model/@type", choices=VIDEO_MODELS)
    ram: int | None = integer("model/@ram")
    vram: int | None = integer("model/@vram")
    vram64: int | None = integer("model/@vram64")
    vgamem: int | None = integer("model/@vgamem")
    heads: int | None = integer("model/@heads")
    primary: str | None = yes_no("model/@primary")
    blob: str | None = on_off("model/@blob")
    edid: str | None = on_off("model/@edid")
    accel3d: str | None = yes_no("model/acceleration/@accel3d")
    accel2d: str | None = yes_no("model/acceleration/@accel2d")
    rendernode: str | None = text("model/acceleration/@rendernode")
    resolution_x: int | None = integer("model/resolution/@x")
    resolution_y: int | None = integer("model/resolution/@y")
    info: Info = inline(Info)


class HostdevSource(Model):
    """The host's device."""

    tag = "source"
    protocol: str | None = text("@protocol", choices=("adapter", "iscsi", "vhost"))
    wwpn: str | None = text("@wwpn")
    name: str | None = text("@name")
    startup_policy: str | None = text("@startupPolicy", choices=("mandatory", "requisite", "optional"))
    guest_reset: str | None = text("@guestReset")
    write_filtering: str | None = yes_no("@writeFiltering")
    vendor: str | None = text("vendor/@id")
    product: str | None = text("product/@id")
    adapter: str | None = text("adapter/@name")
    address: HostAddress | None = one("address", HostAddress)
    hosts: list[Host] = many("host", Host)
    auth: Auth | None = one("auth", Auth)
    initiator_iqn: str | None = text("initiator/iqn/@name")
    char: str | None = text("char")
    block: str | None = text("block")
    interface: str | None = text("interface")

    def settle_scsi(self) -> None:
        """Check and complete where a SCSI device is found.  Errors: XML_ERROR."""
        if self.protocol != "iscsi":
            if self.address is None:
                raise VirError(XML_ERROR, "'address' must be specified for scsi hostdev source")
            if self.adapter is None:
                raise VirError(XML_ERROR, "'adapter' name must be specified for scsi hostdev source")
            return
        if not self.name:
            raise VirError(XML_ERROR, "missing iSCSI hostdev source path name")
        if not self.hosts:
            raise VirError(XML_ERROR, "missing the host address for the iSCSI hostdev")
        if len(self.hosts) > 1:
            raise VirError(XML_ERROR, "only one source host address may be specified for the iSCSI hostdev")
        if "/" not in self.name:
            self.name += "/0"


HOSTDEV_TYPES = ("usb", "pci", "scsi", "scsi_host", "mdev", "storage", "misc", "net")


class HostDev(Model):
    """A device of the host, given to the guest."""

    tag = "hostdev"
    mode: str | None = text("@mode", choices=("subsystem", "capabilities"))
    type: str | None = text("@type", choices=HOSTDEV_TYPES, required=True)
    managed: str | None = yes_no("@managed")
    sgio: str | None = text("@sgio")
    rawio: str | None = yes_no("@rawio")
    model: str | None = text("@model")
    display: str | None = on_off("@display")
    ramfb: str | None = on_off("@ramfb")
    driver_name: str | None = text("driver/@name", choices=PCI_DRIVERS)
    driver_model: str | None = text("driver/@model")
    source: HostdevSource | None = one("source", HostdevSource)
    teaming_type: str | None = text("teaming/@type")
    teaming_persistent: str | None = text("teaming/@persistent")
    readonly: bool = flag("readonly")
    shareable: bool = flag("shareable")
    info: Info = inline(Info)

    def after_parse(self, element: Element) -> None:
        if self.type == "scsi" and self.source is not None:
            self.source.settle_scsi()


class RedirFilterRule(Model):
    """Which USB devices may be redirected."""

    tag = "usbdev"
    usb_class: str | None = text("@class")
    vendor: str | None = text("@vendor")
    product: str | None = text("@product")
    version: str | None = text("@version")
    allow: str | None = yes_no("@allow")

    def after_parse(self, element: Element) -> None:
        self.usb_class = self._number("class", self.usb_class, 2)
        if len(self.usb_class or "") > len("0xff"):
            raise VirError(INTERNAL_ERROR, f"Invalid USB Class code {self.usb_class}")
        self.vendor = self._number("vendor", self.vendor, 4)
        self.product = self._number("product", self.product, 4)
        if self.version == "-1":
            self.version = None
        elif self.version is not None:
            self.version = self._version(self.version)

    @staticmethod
    def _number(name: str, value: "str | None", digits: int) -> "str | None":
        """Return a number of the rule as it is written; None for any."""
        try:
            number = int(value or "-1", 0)
        except ValueError:
            detail = f"Invalid value for attribute '{name}' in element 'usbdev': '{value}'"
            raise VirError(XML_ERROR, f"{detail}. Expected integer value") from None
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
    type: str = text("@type", choices=("usb",))
    info: Info = inline(Info)


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
    stats_period: int | None = integer("stats/@period")
    info: Info = inline(Info)
    driver: VirtioDriver | None = one("driver", VirtioDriver)


class RngBackend(Model):
    """Where a guest's random numbers come from."""

    tag = "backend"
    model: str = text("@model", choices=("random", "egd", "builtin"))
    source: CharSource = inline(CharSource)
    path: str | None = text(".")


class Rng(Model):
    """A random number generator."""

    tag = "rng"
    model: str | None = text("@model", required=True)
    rate_bytes: int | None = integer("rate/@bytes")
    rate_period: int | None = integer("rate/@period")
    backend: RngBackend | None = one("backend", RngBackend)
    driver: VirtioDriver | None = one("driver", VirtioDriver)
    info: Info = inline(Info)


class Nvram(Model):
    """The NVRAM device of pSeries guests."""

    tag = "nvram"
    info: Info = inline(Info)


class Shmem(Model):
    """Memory shared with other guests."""

    tag = "shmem"
    name: str | None = text("@name")
    role: str | None = text("@role", choices=("master", "peer"))
    model: str | None = text("model/@type")
    size: int | None = sized("size", unit="M", bare="bytes")
    server: bool = flag("server")
    server_path: str | None = text("server/@path")
    msi_enabled: str | None = on_off("msi/@enabled")
    msi_vectors: int | None = integer("msi/@vectors")
    msi_ioeventfd: str | None = on_off("msi/@ioeventfd")
    msi: bool = flag("msi")
    info: Info = inline(Info)


class MemorySource(Model):
    """Where a memory module's memory comes from."""

    tag = "source"
    nodemask: str | None = text("nodemask")
    pagesize: int | None = sized("pagesize")
    path: str | None = text("path")
    alignsize: int | None = sized("alignsize")
    pmem: bool = flag("pmem")


class MemoryTarget(Model):
    """A memory module as the guest sees it."""

    tag = "target"
    dynamic_memslots: str | None = yes_no("@dynamicMemslots")
    size: int | None = sized("size")
    node: int | None = integer("node")
    label_size: int | None = sized("label/size")
    block: int | None = sized("block")
    requested: int | None = sized("requested")
    current: int | None = sized("current")
    address_base: int | None = hexadecimal("address/@base", 1)
    readonly: bool = flag("readonly")


class MemoryModule(Model):
    """A memory module: DIMM, NVDIMM, virtio-mem, virtio-pmem."""

    tag = "memory"
    model: str = text("@model")
    access: str | None = text("@access", choices=("shared", "private"))
    discard: str | None = yes_no("@discard")
    uuid: str | None = text("uuid")
    source: MemorySource | None = one("source", MemorySource)
    target: MemoryTarget | None = one("target", MemoryTarget)
    info: Info = inline(Info)


class Panic(Model):
    """The device by which a guest reports its crash."""

    tag = "panic"
    model: str | None = text("@model", choices=("default", "isa", "pseries", "hyperv", "s390", "pvpanic"))
    info: Info = inline(Info)


class Iommu(Model):
    """A memory management unit for devices."""

    tag = "iommu"
    model: str = text("@model", choices=("intel", "smmuv3", "virtio", "amd"), required=True)
    intremap: str | None = on_off("driver/@intremap")
    caching_mode: str | None = on_off("driver/@caching_mode")
    eim: str | None = on_off("driver/@eim")
    iotlb: str | None = on_off("driver/@iotlb")
    aw_bits: int | None = integer("driver/@aw_bits")
    dma_translation: str | None = on_off("driver/@dma_translation")
    info: Info = inline(Info)


class Vsock(Model):
    """A socket between host and guest."""

    tag = "vsock"
    model: str | None = text("@model")
    cid_auto: str | None = yes_no("cid/@auto")
    cid_address: int | None = integer("cid/@address")
    driver: VirtioDriver | None = one("driver", VirtioDriver)
    info: Info = inline(Info)


class Crypto(Model):
    """A cryptography device."""

    tag = "crypto"
    model: str | None = text("@model")
    type: str | None = text("@type")
    backend_model: str | None = text("backend/@model")
    backend_queues: int | None = integer("backend/@queues")
    driver: VirtioDriver | None = one("driver", VirtioDriver)
    info: Info = inline(Info)


class Lease(Model):
    """A lock held while the guest runs."""

    tag = "lease"
    lockspace: str | None = text("lockspace")
    key: str | None = text("key")
    path: str | None = text("target/@path")
    offset: str | None = text("target/@offset")


__all__ = ["Controller", "items"]
