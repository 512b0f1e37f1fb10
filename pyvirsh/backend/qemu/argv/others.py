"""File systems, TPM, watchdogs and what comes at the end of a command line."""

from pyvirsh.backend.conf.domain.devices import Crypto, Iommu, Panic, Pstore, Rng, Shmem, Tpm, Vsock, Watchdog
from pyvirsh.backend.conf.domain.filesystem import Filesystem
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, VirError
from pyvirsh.backend.qemu.argv.chardev import backend
from pyvirsh.backend.qemu.argv.plan import Helper, Plan, escaped, switch, virtio, virtio_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Props = dict[str, Any]

_SECURITY = {"passthrough": "passthrough", "mapped": "mapped", "squash": "none"}


# -- file systems ----------------------------------------------------------------------------------------


def filesystems(plan: Plan) -> None:
    """Share the host's directories."""
    for filesystem in plan.domain.devices.filesystems:
        if filesystem.type != "mount":
            raise VirError(CONFIG_UNSUPPORTED, f"filesystem type '{filesystem.type}' is not supported")
        if filesystem.driver_type == "virtiofs":
            _virtiofs(plan, filesystem)
        else:
            _plan9(plan, filesystem)


def _plan9(plan: Plan, filesystem: Filesystem) -> None:
    alias = filesystem.info.alias
    security = f"security_model={_SECURITY[filesystem.accessmode or 'passthrough']}"
    parts = ["handle"] if filesystem.driver_type == "handle" else ["local", security]
    if filesystem.multidevs not in (None, "default"):
        parts.append(f"multidevs={filesystem.multidevs}")
    if filesystem.fmode:
        parts.append(f"fmode={filesystem.fmode.zfill(4)}")
    if filesystem.dmode:
        parts.append(f"dmode={filesystem.dmode.zfill(4)}")
    if filesystem.driver_wrpolicy:
        parts.append(f"writeout={filesystem.driver_wrpolicy}")
    parts += [f"id=fsdev-{alias}", f"path={escaped(filesystem.source_dir or '')}"]
    if filesystem.readonly:
        parts.append("readonly")
    plan.add("fsdev", ",".join(parts))
    plan.device(
        {
            "driver": virtio_name("virtio-9p", filesystem.model),
            **virtio(filesystem.driver),
            "id": alias,
            "fsdev": f"fsdev-{alias}",
            "mount_tag": filesystem.target_dir,
            **plan.address(filesystem.info),
        }
    )


def _virtiofs(plan: Plan, filesystem: Filesystem) -> None:
    alias = filesystem.info.alias or ""
    socket = filesystem.source_socket
    if not socket:
        socket = f"{plan.paths.run}/{alias}-fs.sock"
        plan.command.helpers.append(Helper("virtiofsd", alias, _daemon(plan, filesystem, socket), socket))
    plan.add("chardev", f"socket,id=chr-vu-{alias},path={escaped(socket)}")
    plan.device(
        {
            "driver": virtio_name("vhost-user-fs", filesystem.model),
            **virtio(filesystem.driver),
            "id": alias,
            "chardev": f"chr-vu-{alias}",
            "queue-size": filesystem.driver_queue,
            "tag": filesystem.target_dir,
            "bootindex": filesystem.info.boot_order,
            **plan.address(filesystem.info),
        }
    )


# Names of virtiofsd's ways to cache.
_CACHES = {"none": "never", "always": "always"}


def _daemon(plan: Plan, filesystem: Filesystem, socket: str) -> "list[str]":
    program = filesystem.binary_path or plan.host.programs.get("virtiofsd")
    if not program:
        detail = (
            "filesystem driver type='virtiofs' needs the program virtiofsd: install the package virtiofsd"
        )
        raise VirError(CONFIG_UNSUPPORTED, detail)
    words = [program, "--socket-path", socket, "--shared-dir", filesystem.source_dir or ""]
    if filesystem.binary_xattr == "on":
        words.append("--xattr")
    for option, value in (
        ("--cache", filesystem.binary_cache and _CACHES[filesystem.binary_cache]),
        ("--sandbox", filesystem.binary_sandbox),
        ("--thread-pool-size", filesystem.binary_threads),
        ("--rlimit-nofile", filesystem.binary_open_files),
    ):
        if value is not None:
            words += [option, str(value)]
    for option, maps in (("--translate-uid", filesystem.uid_maps), ("--translate-gid", filesystem.gid_maps)):
        for one in maps:
            words += [option, f"map:{one.start}:{one.target}:{one.count}"]
    if filesystem.readonly:
        words.append("--readonly")
    return words


# -- TPM ---------------------------------------------------------------------------------------------------


def tpms(plan: Plan) -> None:
    """Attach trusted platform modules."""
    for tpm in plan.domain.devices.tpms:
        alias = tpm.info.alias or "tpm0"
        if tpm.backend_type == "passthrough":
            path = escaped(tpm.device_path or "/dev/tpm0")
            plan.add("tpmdev", f"passthrough,id=tpm-{alias},path={path}")
        else:
            _emulator(plan, tpm, alias)
        plan.device({"driver": tpm.model or "tpm-crb", "tpmdev": f"tpm-{alias}", "id": alias})


def _emulator(plan: Plan, tpm: Tpm, alias: str) -> None:
    """Connect to an emulator: one of our own, or one that runs already."""
    if tpm.backend_type == "external":
        socket = tpm.source_path or ""
    else:
        socket = f"{plan.paths.run}/{alias}-swtpm.sock"
        program = plan.host.programs.get("swtpm")
        if not program:
            detail = "tpm backend type='emulator' needs the program swtpm: install the package swtpm"
            raise VirError(CONFIG_UNSUPPORTED, detail)
        words = [program, "socket", "--ctrl", f"type=unixio,path={socket},mode=0600"]
        words += ["--tpmstate", f"dir={plan.paths.tpm},mode=0600", "--terminate"]
        if tpm.backend_version != "1.2":
            words.append("--tpm2")
        plan.command.directories.append(plan.paths.tpm)
        plan.command.helpers.append(Helper("swtpm", alias, words, socket))
    plan.add("chardev", f"socket,id=chrtpm,path={escaped(socket)}")
    plan.add("tpmdev", f"emulator,id=tpm-{alias},chardev=chrtpm")


# -- watchdogs ---------------------------------------------------------------------------------------------


def watchdogs(plan: Plan) -> None:
    """Attach the watchdogs and say what they do."""
    found: list[Watchdog] = plan.domain.devices.watchdogs
    for watchdog in found:
        if watchdog.model == "itco":
            plan.add("global", "ICH9-LPC.noreboot=off")
        else:
            plan.device({"driver": watchdog.model, "id": watchdog.info.alias, **plan.address(watchdog.info)})
    if found:
        # A dump of the guest's memory is taken while it is paused.
        action = found[0].action or "reset"
        plan.add("watchdog-action", "pause" if action == "dump" else action)


# -- the end -----------------------------------------------------------------------------------------------


def last(plan: Plan) -> None:
    """Add everything that follows the other devices."""
    devices = plan.domain.devices
    _balloon(plan)
    for rng in devices.rngs:
        _random(plan, rng)
    if plan.domain.features is not None and plan.domain.features.vmcoreinfo_state == "on":
        plan.device({"driver": "vmcoreinfo"})
    _extra(plan)
    plan.add("sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny")
    for panic in devices.panics:
        _panic(plan, panic)
    for shmem in devices.shmems:
        _shared(plan, shmem)
    if devices.vsock is not None:
        _vsock(plan, devices.vsock)
    for crypto in devices.cryptos:
        _crypto(plan, crypto)
    if devices.pstore is not None:
        _pstore(plan, devices.pstore)
    plan.add("msg", "timestamp=on")


def _balloon(plan: Plan) -> None:
    balloon = plan.domain.devices.memballoon
    if balloon is None or balloon.model == "none":
        return
    plan.device(
        {
            "driver": virtio_name("virtio-balloon", balloon.model),
            **virtio(balloon.driver),
            "id": balloon.info.alias,
            "deflate-on-oom": switch(balloon.autodeflate),
            "free-page-reporting": switch(balloon.free_page_reporting),
            **plan.address(balloon.info),
        }
    )


def _random(plan: Plan, rng: Rng) -> None:
    alias = rng.info.alias or ""
    source = rng.backend
    kind = source.model if source is not None else "random"
    props: Props = {}
    if source is not None and kind == "random":
        props["filename"] = source.path
    elif source is not None and kind == "egd":
        props["chardev"] = backend(plan, source.source, alias)
    plan.object(f"rng-{kind}", f"obj{alias}", props)
    plan.device(
        {
            "driver": virtio_name("virtio-rng", rng.model),
            **virtio(rng.driver),
            "rng": f"obj{alias}",
            "id": alias,
            "max-bytes": rng.rate_bytes,
            "period": (rng.rate_period or 1000) if rng.rate_bytes else None,
            **plan.address(rng.info),
        }
    )


def _crypto(plan: Plan, crypto: Crypto) -> None:
    alias = crypto.info.alias or ""
    plan.object(f"cryptodev-backend-{crypto.backend_model}", f"obj{alias}", {"queues": crypto.backend_queues})
    plan.device(
        {
            "driver": "virtio-crypto-pci",
            **virtio(crypto.driver),
            "cryptodev": f"obj{alias}",
            "id": alias,
            **plan.address(crypto.info),
        }
    )


def _extra(plan: Plan) -> None:
    """Add the words that the definition asks for in QEMU's own namespace."""
    if plan.domain.qemu is not None:
        plan.command.words += [argument.value or "" for argument in plan.domain.qemu.args]


def _panic(plan: Plan, panic: Panic) -> None:
    if panic.model == "isa":
        address = panic.info.address
        port = address.iobase if address is not None and address.type == "isa" else None
        plan.device({"driver": "pvpanic", "ioport": port})
    elif panic.model == "pvpanic":
        plan.device({"driver": "pvpanic-pci", **plan.address(panic.info)})


def _shared(plan: Plan, shmem: Shmem) -> None:
    alias = shmem.info.alias or ""
    if shmem.model == "ivshmem-doorbell":
        plan.device(
            {
                "driver": "ivshmem-doorbell",
                "id": alias,
                "chardev": f"char{alias}",
                "vectors": shmem.msi_vectors,
                "ioeventfd": switch(shmem.msi_ioeventfd),
                **plan.address(shmem.info),
            }
        )
        path = shmem.server_path or f"{plan.paths.shmem}/shmem-{shmem.name}-sock"
        plan.add("chardev", f"socket,id=char{alias},path={escaped(path)}")
        return
    props = {"mem-path": f"/dev/shm/{shmem.name}", "size": (shmem.size or 4) << 20, "share": True}
    plan.object("memory-backend-file", f"shmmem-{alias}", props)
    master = {"master": "on", "peer": "off"}.get(shmem.role or "")
    plan.device(
        {
            "driver": "ivshmem-plain",
            "id": alias,
            "memdev": f"shmmem-{alias}",
            "master": master,
            **plan.address(shmem.info),
        }
    )


def _pstore(plan: Plan, store: Pstore) -> None:
    alias = store.info.alias or ""
    props = {"mem-path": store.path, "size": (store.size or 0) * 1024, "share": True}
    plan.object("memory-backend-file", f"mem{alias}", props)
    plan.device({"driver": "acpi-erst", "id": alias, "memdev": f"mem{alias}", **plan.address(store.info)})


def _vsock(plan: Plan, vsock: Vsock) -> None:
    number = plan.fd("vhost-vsock", vsock.info.alias or "")
    plan.device(
        {
            "driver": virtio_name("vhost-vsock", vsock.model),
            **virtio(vsock.driver),
            "id": vsock.info.alias,
            "guest-cid": vsock.cid_address or 0,
            "vhostfd": str(number),
            **plan.address(vsock.info),
        }
    )


def iommu(plan: Plan) -> None:
    """Make the memory management unit for devices, before any of them."""
    unit: Iommu | None = plan.domain.devices.iommu
    if unit is None:
        return
    if unit.model == "virtio":
        plan.device({"driver": "virtio-iommu", "id": unit.info.alias, **plan.address(unit.info)})
        return
    if unit.model != "intel":
        raise VirError(CONFIG_UNSUPPORTED, f"iommu model '{unit.model}' is not supported")
    plan.device(
        {
            "driver": "intel-iommu",
            "id": unit.info.alias,
            "intremap": unit.intremap,
            "caching-mode": switch(unit.caching_mode),
            "eim": unit.eim,
            "device-iotlb": switch(unit.iotlb),
            "aw-bits": unit.aw_bits,
            "dma-translation": switch(unit.dma_translation),
        }
    )
