"""The board and the accelerator."""

from pyvirsh.backend.qemu.argv.plan import Plan

_ACCELERATORS = {"kvm": "kvm", "qemu": "tcg", "hvf": "hvf"}


def add(plan: Plan) -> None:
    """Choose machine type and accelerator."""
    plan.add("machine", ",".join(_options(plan)))
    plan.add("accel", _accelerator(plan))
    features = plan.domain.features
    if features is not None and features.smm_state == "on" and features.smm_tseg is not None:
        plan.add("global", f"mch.extended-tseg-mbytes={features.smm_tseg // 1024}")


def firmware(plan: Plan) -> None:
    """Guard flash from the guest, or name the firmware that is no flash."""
    os = plan.domain.os
    if os.loader_type == "pflash" and os.loader_secure == "yes":
        plan.add("global", "driver=cfi.pflash01,property=secure,value=on")
    elif os.loader_type == "rom" and os.loader:
        plan.add("bios", os.loader)


def accelerator(kind: str) -> str:
    """Return the accelerator of a domain type."""
    return _ACCELERATORS.get(kind, "tcg")


def _accelerator(plan: Plan) -> str:
    features = plan.domain.features
    name = accelerator(plan.domain.type)
    if features is None:
        return name
    if name == "kvm" and features.kvm is not None and features.kvm.dirty_ring == "on":
        return f"kvm,dirty-ring-size={features.kvm.dirty_ring_size}"
    if name == "tcg" and features.tcg_tb_cache is not None:
        return f"tcg,tb-size={features.tcg_tb_cache // 1024}"
    return name


def _options(plan: Plan) -> "list[str]":
    domain = plan.domain
    parts = [domain.os.machine or "", "usb=off", *_features(plan)]
    dump = domain.dump_core or "off"
    parts.append(f"dump-guest-core={dump}")
    backing = domain.memory_backing
    if backing is not None and backing.nosharepages:
        parts.append("mem-merge=off")
    if any(module.model == "nvdimm" for module in domain.devices.memories):
        parts.append("nvdimm=on")
    if has_hmat(plan):
        parts.append("hmat=on")
    kind = plan.facts.machine(domain.os.machine or "")
    if kind is not None and kind.ram_id and not (domain.cpu and domain.cpu.cells):
        parts.append(f"memory-backend={kind.ram_id}")
    parts += _flash(plan)
    if domain.os.bios_use_serial == "yes":
        parts.append("graphics=off")
    speaker = next((sound for sound in domain.devices.sounds if sound.model == "pcspk"), None)
    if speaker is not None:
        parts.append(f"pcspk-audiodev=audio{speaker.audio_id or 1}")
    parts += _hpet(plan)
    if "acpi" in plan.facts.options.get("machine", ()):
        parts.append("acpi=" + ("on" if domain.features is not None and domain.features.acpi else "off"))
    return parts


def _features(plan: Plan) -> "list[str]":
    """Return what the definition's features make of the board."""
    features, found = plan.domain.features, []
    if features is None:
        return []
    for name, value in (
        ("vmport", features.vmport_state),
        ("smm", features.smm_state),
        ("i8042", features.ps2),
    ):
        if value is not None:
            found.append(f"{name}={value}")
    if features.ioapic is not None:
        found.append("kernel_irqchip=" + {"qemu": "split", "kvm": "on"}[features.ioapic])
    return found


def _hpet(plan: Plan) -> "list[str]":
    clock = plan.domain.clock
    if clock is None or "hpet" not in plan.facts.options.get("machine", ()):
        return []
    states = [timer.present for timer in clock.timers if timer.name == "hpet" and timer.present is not None]
    return ["hpet=" + ("on" if state == "yes" else "off") for state in states]


def has_hmat(plan: Plan) -> bool:
    """Say whether latencies, bandwidths or caches of guest nodes are stated."""
    cpu = plan.domain.cpu
    return cpu is not None and bool(cpu.latencies or cpu.bandwidths or any(cell.caches for cell in cpu.cells))


def _flash(plan: Plan) -> "list[str]":
    """Return the block devices that firmware and its variables are in."""
    os = plan.domain.os
    if os.loader_type != "pflash":
        return []
    parts = ["pflash0=libvirt-pflash0-format"]
    if os.nvram is not None:
        parts.append(f"pflash1={variables_node(plan)}")
    return parts


def variables_node(plan: Plan) -> str:
    """Return the name of the block node with the firmware's variables."""
    nvram = plan.domain.os.nvram
    raw = (nvram is None or nvram.format in (None, "raw")) and plan.facts.version >= (9, 0)
    return "libvirt-pflash1-storage" if raw else "libvirt-pflash1-format"
