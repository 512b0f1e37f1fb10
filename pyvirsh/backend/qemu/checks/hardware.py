"""Checks of devices that QEMU emulates, and of those of the host."""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.devices import Panic, Shmem
from pyvirsh.backend.conf.domain.filesystem import Filesystem
from pyvirsh.backend.conf.domain.filling.inactive import infos
from pyvirsh.backend.conf.domain.hostdev import HostDev
from pyvirsh.backend.errors import XML_ERROR, VirError, refuse
from pyvirsh.backend.qemu.facts import Facts, family

# CPUs that interrupts reach without the extended mode of an IOMMU.
CPUS_WITHOUT_EIM = 255
_MEDIATED = {"vfio-ccw": "VFIO CCW", "vfio-ap": "VFIO AP"}
_OTHER_PANICS = {"pseries": "pSeries", "s390": "S390"}


def check(domain: Domain, facts: Facts) -> None:
    """Check.  Errors: CONFIG_UNSUPPORTED, XML_ERROR."""
    devices = domain.devices
    for info in infos(devices):
        if info.acpi_index and (info.address is None or info.address.type != "pci"):
            raise refuse("ACPI index is only supported for PCI devices")
    for card in devices.smartcards:
        place = card.info.address
        if place is not None and (place.controller or place.slot):
            raise refuse("this QEMU binary lacks multiple smartcard support")
    for shmem in devices.shmems:
        _shmem(shmem)
    for panic in devices.panics:
        _panic(panic)
    _iommu(domain)
    _built(domain, facts)
    for hostdev in devices.hostdevs:
        _hostdev(domain, hostdev, facts)
    for filesystem in devices.filesystems:
        _filesystem(filesystem)
    _shared(domain)


def _built(domain: Domain, facts: Facts) -> None:
    """Refuse what this QEMU was built without."""
    for crypto in domain.devices.cryptos:
        if f"cryptodev-backend-{crypto.backend_model}" not in facts.objects:
            raise refuse(f"crypto backend {crypto.backend_model} is not supported")
    for tpm in domain.devices.tpms:
        if tpm.model is not None and not facts.has(tpm.model):
            raise refuse(f"The QEMU executable {facts.emulator} does not support TPM model {tpm.model}")


def _shmem(shmem: Shmem) -> None:
    size = shmem.size
    if size is not None and size & (size - 1):
        raise VirError(XML_ERROR, "shmem size must be a power of 2 and at least 1 MiB (1024 KiB)")
    if shmem.model == "ivshmem":
        raise refuse("ivshmem device is no longer supported")
    if shmem.model == "ivshmem-plain" and shmem.server:
        raise refuse(f"shmem model '{shmem.model}' is supported only with server option disabled")
    if shmem.model == "ivshmem-doorbell":
        if not shmem.server:
            raise refuse(f"shmem model '{shmem.model}' is supported only with server option enabled")
        if size is not None:
            raise refuse(f"shmem model '{shmem.model}' does not support size setting")


def _panic(panic: Panic) -> None:
    if panic.model in _OTHER_PANICS:
        guests = _OTHER_PANICS[panic.model]
        raise refuse(f"only {guests} guests support panic device of model '{panic.model}'")
    place = panic.info.address.type if panic.info.address is not None else None
    if panic.model == "hyperv" and place is not None:
        raise refuse("setting the panic device address is not supported for model 'hyperv'")
    if panic.model == "pvpanic" and place not in (None, "pci"):
        raise refuse("pvpanic is supported only with PCI address type")
    if panic.model == "isa" and place not in (None, "isa"):
        raise refuse("panic is supported only with ISA address type")


def _iommu(domain: Domain) -> None:
    iommu = domain.devices.iommu
    if (domain.vcpus or 0) > CPUS_WITHOUT_EIM and (iommu is None or iommu.eim != "on"):
        detail = "vCPUs require extended interrupt mode enabled on the iommu device"
        raise refuse(f"more than {CPUS_WITHOUT_EIM} {detail}")
    if iommu is not None and iommu.model == "virtio" and family(domain.os.machine or "") != "q35":
        raise refuse("IOMMU device: 'virtio' is only supported with Q35 and ARM Virt machines")


def _hostdev(domain: Domain, hostdev: HostDev, facts: Facts) -> None:
    if hostdev.mode == "capabilities":
        raise refuse("hostdev mode 'capabilities' is not supported in qemu")
    if hostdev.type != "mdev":
        return
    if hostdev.model in _MEDIATED and not facts.has(hostdev.model or ""):
        name = _MEDIATED[hostdev.model or ""]
        raise refuse(f"{name} device assignment is not supported by this version of QEMU")
    if hostdev.display == "on" and not domain.devices.graphics:
        raise refuse("graphics device is needed for attribute value 'display=on' in <hostdev>")


def _filesystem(filesystem: Filesystem) -> None:
    if filesystem.space_hard_limit or filesystem.space_soft_limit:
        raise refuse("filesystem usage limits are not supported with QEMU")
    if filesystem.driver_type != "virtiofs":
        return
    if filesystem.accessmode not in (None, "passthrough"):
        raise refuse("virtiofs only supports passthrough accessmode")
    if filesystem.multidevs not in (None, "default"):
        raise refuse("virtiofs does not support multidevs")


def _shared(domain: Domain) -> None:
    """See that other processes can reach the memory where they serve a device."""
    backing = domain.memory_backing
    cells = domain.cpu.cells if domain.cpu is not None else []
    if backing is not None and backing.access_mode == "shared":
        return
    if cells and all(cell.mem_access == "shared" for cell in cells):
        return
    devices = domain.devices
    for served, what in (
        (any(disk.type == "vhostuser" for disk in devices.disks), "vhostuser"),
        (any(one.type == "vhostuser" for one in devices.interfaces), "interface"),
        (any(one.driver_type == "virtiofs" for one in devices.filesystems), "virtiofs"),
    ):
        if served:
            raise refuse(f"'{what}' requires shared memory")
