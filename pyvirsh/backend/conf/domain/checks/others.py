"""The other devices: those of the host, memory, and those of which there can be one."""

from pyvirsh.backend.conf.domain.checks.characters import check_source
from pyvirsh.backend.conf.domain.checks.disks import SECRET_TYPES
from pyvirsh.backend.conf.domain.devices import MemoryModule, MemoryTarget
from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.conf.domain.hostdev import HostDev
from pyvirsh.backend.errors import INTERNAL_ERROR, NO_TARGET, XML_DETAIL, XML_ERROR, VirError, refuse

# The page size from which blocks of memory are made, in KiB.
_BLOCK_MIN = 2048
_LABEL_MIN = 128
# The kind of address that devices of the host of a type must have, and what they are called.
_WANTED = {"scsi": ("drive", "SCSI host device"), "usb": ("usb", "USB host device")}


def check(domain: Domain) -> None:
    """Check devices, one by one."""
    for filesystem in domain.devices.filesystems:
        if not filesystem.target_dir:
            places = [getattr(filesystem, f"source_{place}") for place in ("dir", "dev", "file", "socket")]
            raise VirError(NO_TARGET, next(filter(None, places), ""))
    for rng in domain.devices.rngs:
        if rng.backend is not None:
            check_source(rng.backend.source)
    _paths(domain)
    _modules(domain)


def check_together(domain: Domain) -> None:
    """Check devices beside others."""
    _usb(domain)
    _hostdevs(domain)
    _filesystems(domain)


def check_hostdev(hostdev: HostDev) -> None:
    """Check how a device of the host is reached, and where the guest sees it.

    Errors: INTERNAL_ERROR, CONFIG_UNSUPPORTED.
    """
    source = hostdev.source
    secret = source.auth.secret if source is not None and source.auth is not None else None
    if secret is not None and secret.type != "iscsi":
        if secret.type in SECRET_TYPES:
            raise VirError(INTERNAL_ERROR, f"hostdev invalid secret type '{secret.type}'")
        raise refuse(f"invalid secret type {secret.type}")
    kind = hostdev.info.address.type if hostdev.info.address is not None else None
    if kind is None or hostdev.mode == "capabilities":
        return
    if hostdev.type == "pci" and kind not in ("pci", "unassigned"):
        raise VirError(INTERNAL_ERROR, "PCI host devices must use 'pci' or 'unassigned' address type")
    wanted, name = _WANTED.get(hostdev.type or "", (kind, ""))
    if kind != wanted:
        raise refuse(f"{name} must use '{wanted}' address type")


def _paths(domain: Domain) -> None:
    """Refuse devices that name no file of the host."""
    pstore = domain.devices.pstore
    if pstore is not None and pstore.path is None:
        raise VirError(XML_ERROR, "missing path for ACPI ERST pstore device")
    for tpm in domain.devices.tpms:
        if tpm.backend_type == "external" and tpm.source_path is None:
            raise VirError(XML_ERROR, "missing socket path for external TPM device")


def _filesystems(domain: Domain) -> None:
    """Refuse a name for two file systems where virtiofs is one of them."""
    known: dict[str | None, str | None] = {}
    for filesystem in domain.devices.filesystems:
        target, kind = filesystem.target_dir, filesystem.driver_type
        if target in known and "virtiofs" in (kind, known[target]):
            raise refuse(f"filesystem target '{target}' specified twice")
        known[target] = kind


def _usb(domain: Domain) -> None:
    """Refuse redirected USB devices where there is no USB."""
    usb = [one for one in domain.devices.controllers if one.type == "usb"]
    if domain.devices.redirdevs and (not usb or any(one.model == "none" for one in usb)):
        raise refuse("cannot add redirected USB device: USB is disabled for this domain")
    for redirected in domain.devices.redirdevs:
        check_source(redirected.source)


# -- host devices ----------------------------------------------------------------------------------------


def _hostdevs(domain: Domain) -> None:
    known: list[HostDev] = []
    for hostdev in domain.devices.hostdevs:
        if any(_same(hostdev, other) for other in known):
            raise VirError(XML_ERROR, "Hostdev already exists in the domain configuration")
        known.append(hostdev)
        address = hostdev.info.address
        if hostdev.type == "scsi_host" and address is not None and address.type not in ("pci", "ccw"):
            raise refuse("SCSI_host host device must use 'pci' or 'ccw' address type")
        if hostdev.type != "scsi" or address is None or address.type != "drive":
            continue
        place = (address.controller or 0, address.bus or 0, address.target or 0, address.unit or 0)
        for disk in domain.devices.disks:
            other = disk.info.address
            if disk.target_bus != "scsi" or other is None or other.type != "drive":
                continue
            if place == (other.controller or 0, other.bus or 0, other.target or 0, other.unit or 0):
                at = "controller='{}' bus='{}' target='{}' unit='{}".format(*place)
                detail = (
                    f"using disk target name '{disk.target_dev}' conflicts with SCSI host device address {at}"
                )
                raise refuse(detail)


def _same(one: HostDev, other: HostDev) -> bool:
    return (
        one.type == other.type
        and one.source is not None
        and other.source is not None
        and not one.source.is_empty()
        and one.source == other.source
    )


# -- IOMMU -----------------------------------------------------------------------------------------------


def check_iommu(domain: Domain) -> None:
    """Check the memory management unit for devices."""
    iommu = domain.devices.iommu
    if iommu is None:
        return
    options = (
        iommu.intremap,
        iommu.caching_mode,
        iommu.eim,
        iommu.iotlb,
        iommu.aw_bits,
        iommu.dma_translation,
    )
    if iommu.model in ("smmuv3", "virtio") and any(option is not None for option in options):
        raise VirError(XML_ERROR, f"iommu model '{iommu.model}' doesn't support additional attributes")
    if iommu.model in ("intel", "smmuv3") and iommu.info.address is not None:
        raise VirError(XML_ERROR, f"iommu model '{iommu.model}' can't have address")
    split = domain.features is not None and domain.features.ioapic == "qemu"
    if iommu.intremap == "on" and not split:
        detail = "IOMMU interrupt remapping requires split I/O APIC (ioapic driver='qemu')"
        raise refuse(detail)
    if iommu.eim == "on" and iommu.intremap != "on":
        raise refuse("IOMMU eim requires interrupt remapping to be enabled")


# -- memory ----------------------------------------------------------------------------------------------


def _modules(domain: Domain) -> None:
    slots: set[int] = set()
    cells = len(domain.cpu.cells) if domain.cpu is not None else 0
    for module in domain.devices.memories:
        check_module(module, cells)
        address = module.info.address
        if address is None or address.type != "dimm" or address.slot is None:
            continue
        if address.slot in slots:
            slot = f"memory device slot '{address.slot}'"
            raise refuse(f"{slot} is already being used by another memory device")
        slots.add(address.slot)


def check_module(module: MemoryModule, cells: int) -> None:
    """Check a memory module against the guest's nodes.  Errors: XML_DETAIL, CONFIG_UNSUPPORTED."""
    target = module.target or MemoryTarget()
    if target.node is not None:
        if not cells:
            detail = "can't add memory backend as guest has no NUMA nodes configured"
            raise VirError(XML_DETAIL, detail)
        if target.node >= cells:
            only = f"as the guest has only '{cells}' NUMA nodes configured"
            detail = f"can't add memory backend for guest node '{target.node}' {only}"
            raise VirError(XML_DETAIL, detail)
    path = module.source.path if module.source is not None else None
    if module.model in ("nvdimm", "virtio-pmem") and path is None:
        raise VirError(XML_DETAIL, f"path is required for model '{module.model}'")
    if module.model == "nvdimm":
        if module.discard == "yes":
            raise refuse("discard is not supported for nvdimms")
        if module.uuid is not None:
            raise refuse("UUID is not supported for NVDIMM device")
    if module.model == "virtio-pmem":
        _persistent(module, target)
    if module.model == "virtio-mem":
        _blocks(target)


def _persistent(module: MemoryModule, target: MemoryTarget) -> None:
    if module.discard == "yes":
        raise refuse("discard is not supported for model 'virtio-pmem'")
    module.access = module.access or "shared"
    if module.access != "shared":
        raise refuse("shared access mode required for virtio-pmem device")
    if target.node is not None:
        raise refuse("virtio-pmem does not support NUMA nodes")


def _blocks(target: MemoryTarget) -> None:
    size, requested, block = target.size or 0, target.requested or 0, target.block or 0
    if requested > size:
        detail = f"requested size must be smaller than or equal to @size ({size}KiB)"
        raise VirError(XML_DETAIL, detail)
    if not block or block & (block - 1):
        raise VirError(XML_DETAIL, "block size must be a power of two")
    if block < _BLOCK_MIN:
        raise VirError(XML_DETAIL, f"block size too small, must be at least {_BLOCK_MIN}KiB")
    if (target.address_base or 0) % (block * 1024):
        raise VirError(XML_DETAIL, "memory device address must be aligned to blocksize")
    if requested % block:
        raise VirError(XML_DETAIL, "requested size must be an integer multiple of block size")
