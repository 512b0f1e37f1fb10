"""Devices where the definition leaves them open, as QEMU's driver has them."""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.chardev import Serial
from pyvirsh.backend.conf.domain.devices import Input, MemBalloon, MemoryModule, Shmem
from pyvirsh.backend.conf.domain.disk import Disk, DiskDriver
from pyvirsh.backend.conf.domain.graphics import Video
from pyvirsh.backend.conf.domain.sound import Audio, Sound
from pyvirsh.backend.conf.domain.vport import VirtualPort
from pyvirsh.backend.qemu.facts import Facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_SERIAL_MODELS = {
    "isa-serial": "isa-serial",
    "usb-serial": "usb-serial",
    "pci-serial": "pci-serial",
    "isa-debug": "isa-debugcon",
}


def complete(domain: Domain, facts: Facts, new_uuid: "Callable[[], str]") -> None:
    """Fill in drivers, models and the devices that every guest has."""
    devices = domain.devices
    for disk in devices.disks:
        _disk(disk)
    for interface in devices.interfaces:
        if interface.model is None and interface.type != "hostdev":
            interface.model = "virtio" if interface.type == "vdpa" else net_model(facts)
        if interface.virtualport is not None:
            _port(interface.virtualport, new_uuid)
    for serial in devices.serials:
        _serial(serial)
    for video in devices.videos:
        _video(video)
    for sound in devices.sounds:
        _sound(sound)
    _inputs(domain)
    _audio(domain)
    _rest(domain)


def _disk(disk: Disk) -> None:
    disk.driver = disk.driver or DiskDriver()
    disk.driver.name = disk.driver.name or "qemu"
    if disk.type == "nvme" and disk.source is not None:
        disk.source.managed = disk.source.managed or "yes"
    if disk.type != "volume":
        disk.driver.type = disk.driver.type or "raw"
    for encryption in (disk.encryption, disk.source.encryption if disk.source else None):
        if encryption is not None and encryption.format == "luks":
            encryption.engine = encryption.engine or "qemu"


def _port(port: VirtualPort, new_uuid: "Callable[[], str]") -> None:
    """Identify what is plugged into a virtual switch."""
    if port.type in (None, "openvswitch"):
        port.interfaceid = port.interfaceid or new_uuid()
    if port.type in (None, "802.1Qbg"):
        port.instanceid = port.instanceid or new_uuid()


def net_model(facts: Facts) -> str:
    """Return the model of an interface that states none: the first of the old ones that QEMU has."""
    return next((model for model in ("rtl8139", "e1000") if facts.has(model)), "virtio")


def video_model(facts: Facts) -> str:
    """Return the model of a graphics card that states none."""
    models = (("cirrus", "cirrus-vga"), ("vga", "VGA"))
    return next((model for model, device in models if facts.has(device)), "virtio")


def _video(video: Video) -> None:
    if video.model == "none":
        video.vram = video.ram = video.vgamem = video.vram64 = video.driver = video.vgaconf = None
    if video.model == "vmvga":
        video.vram = video.vram or 16384
    elif video.model == "qxl":
        video.vgamem = video.vgamem or 16384


def _serial(serial: Serial) -> None:
    if serial.target_type is None:
        serial.target_type = "isa-serial"
    if serial.target_model is None:
        serial.target_model = _SERIAL_MODELS.get(serial.target_type)


def _sound(sound: Sound) -> None:
    if sound.model == "virtio":
        sound.streams = sound.streams or 2


def _inputs(domain: Domain) -> None:
    """Every x86 guest has a PS/2 mouse and keyboard, unless it is to have none."""
    inputs = domain.devices.inputs
    absent = domain.features is not None and domain.features.ps2 == "off"
    if domain.os.arch not in ("x86_64", "i686") or absent:
        return
    for kind in ("mouse", "keyboard"):
        if not any(device.type == kind and device.bus == "ps2" for device in inputs):
            inputs.append(Input(type=kind, bus="ps2"))


def _audio(domain: Domain) -> None:
    """Send sound where the display goes; displays of the host's desktop choose for themselves."""
    devices = domain.devices
    if devices.audios:
        return
    kinds = [graphics.type for graphics in devices.graphics]
    if not kinds or "vnc" in kinds:
        devices.audios.append(Audio(id=1, type="none"))
    elif "spice" in kinds:
        devices.audios.append(Audio(id=1, type="spice"))


def _rest(domain: Domain) -> None:
    devices = domain.devices
    if devices.memballoon is None:
        devices.memballoon = MemBalloon(model="virtio")
    for shmem in devices.shmems:
        _shmem(shmem)
    for module in devices.memories:
        _module(module)
    for tpm in devices.tpms:
        if tpm.model in (None, "default"):
            tpm.model = "tpm-tis"
    if devices.vsock is not None:
        devices.vsock.model = devices.vsock.model or "virtio"
    for hostdev in devices.hostdevs:
        if hostdev.type == "mdev" and hostdev.model == "vfio-pci":
            hostdev.display = hostdev.display or "off"
    for panic in devices.panics:
        if panic.model in (None, "default"):
            panic.model = "isa"


def _shmem(shmem: Shmem) -> None:
    if shmem.model != "ivshmem-doorbell":
        shmem.size = shmem.size or 4
    elif shmem.server:
        shmem.msi_ioeventfd = shmem.msi_ioeventfd or "on"


def _module(module: MemoryModule) -> None:
    if module.model == "virtio-pmem":
        module.access = module.access or "shared"
