"""The guest's CPUs."""

from pyvirsh.backend.conf.cpumap import removed
from pyvirsh.backend.conf.domain.cpu import Cpu
from pyvirsh.backend.conf.domain.features import Features, Hyperv, Kvm
from pyvirsh.backend.qemu.argv.machine import accelerator
from pyvirsh.backend.qemu.argv.plan import Plan
from pyvirsh.backend.qemu.cpumodel import expand

# Features whose name is not libvirt's with dashes.
_FEATURES = {"pclmuldq": "pclmulqdq"}
_STATES = {"force": "on", "require": "on", "optional": "on", "disable": "off", "forbid": "off"}
# Enlightenments whose name in QEMU is not the element's.
_HYPERV = {
    "vendor_id": "vendor-id",
    "emsr_bitmap": "emsr-bitmap",
    "xmm_input": "xmm-input",
}


def add(plan: Plan) -> None:
    """Choose the CPU model, its features and what of it is emulated or passed through."""
    parts = _model(plan)
    parts += _timers(plan)
    if plan.domain.features is not None:
        parts += _switches(plan.domain.features)
    parts += _panic(plan)
    if plan.domain.features is not None:
        parts += _hyperv(plan.domain.features.hyperv) + _hidden(plan.domain.features)
    if plan.domain.cpu is not None:
        parts += _cache(plan.domain.cpu) + _address_bits(plan.domain.cpu)
    if parts[0]:
        plan.add("cpu", ",".join(parts))


def _model(plan: Plan) -> "list[str]":
    cpu = plan.domain.cpu
    if cpu is None:
        return [""]
    if cpu.mode in ("host-passthrough", "maximum"):
        parts = ["host" if cpu.mode == "host-passthrough" else "max"]
        if cpu.migratable is not None and (cpu.mode == "host-passthrough" or cpu.migratable == "off"):
            parts.append(f"migratable={cpu.migratable}")
    elif cpu.mode == "host-model" or cpu.match == "minimum":
        cpu = expand(cpu, plan.facts, accelerator(plan.domain.type))
        parts = [cpu.model or ""]
    else:
        parts = [cpu.model or ""]
        if cpu.vendor_id:
            parts.append(f"vendor={cpu.vendor_id}")
    parts += [f"{_feature(one.name or '')}={_STATES[one.policy or 'require']}" for one in cpu.features]
    # What a model has no more stays away, whatever QEMU's model of that name has.
    stated = {one.name for one in cpu.features}
    return parts + [f"{_feature(name)}=off" for name in removed(cpu.model or "") if name not in stated]


def _feature(name: str) -> str:
    return _FEATURES.get(name) or name.replace("_", "-")


def _timers(plan: Plan) -> "list[str]":
    clock = plan.domain.clock
    parts = []
    for timer in clock.timers if clock else []:
        if timer.name == "kvmclock" and timer.present is not None:
            parts.append("kvmclock=" + ("on" if timer.present == "yes" else "off"))
        elif timer.name == "hypervclock" and timer.present == "yes":
            parts.append("hv-time=on")
        elif timer.name == "tsc" and timer.frequency:
            parts.append(f"tsc-frequency={timer.frequency}")
    return parts


def _switches(features: Features) -> "list[str]":
    """Return what features of the guest are bits of its CPU."""
    parts = []
    if features.apic_eoi is not None:
        parts.append(f"kvm-pv-eoi={features.apic_eoi}")
    if features.pvspinlock is not None:
        parts.append(f"kvm-pv-unhalt={features.pvspinlock}")
    return parts


def _panic(plan: Plan) -> "list[str]":
    return ["hv-crash" for panic in plan.domain.devices.panics if panic.model == "hyperv"][:1]


def _hyperv(hyperv: "Hyperv | None") -> "list[str]":
    if hyperv is None:
        return []
    if hyperv.mode == "passthrough":
        return ["hv-passthrough=on"]
    parts = []
    for name, state in hyperv.states.items():
        if state != "on":
            continue
        shown = "hv-" + _HYPERV.get(name, name)
        if name == "spinlocks":
            parts.append(f"{shown}=0x{hyperv.spinlocks_retries or 0:x}")
        elif name == "vendor_id":
            parts.append(f"{shown}={hyperv.vendor_id}")
        else:
            parts.append(f"{shown}=on")
        if name == "stimer" and hyperv.stimer_direct == "on":
            parts.append("hv-stimer-direct=on")
        elif name == "tlbflush":
            parts += ["hv-tlbflush-direct=on"] if hyperv.tlbflush_direct == "on" else []
            parts += ["hv-tlbflush-ext=on"] if hyperv.tlbflush_extended == "on" else []
    return parts


def _hidden(features: Features) -> "list[str]":
    """Return the switches of KVM's own features and of performance counters."""
    parts = []
    kvm = features.kvm or Kvm()
    for name, value, needed in (
        ("kvm-hint-dedicated", kvm.hint_dedicated, "on"),
        ("kvm-poll-control", kvm.poll_control, "on"),
        ("kvm-pv-ipi", kvm.pv_ipi, "off"),
    ):
        if value == needed:
            parts.append(f"{name}={value}")
    if kvm.hidden == "on":
        parts.insert(0, "kvm=off")
    if features.pmu_state is not None:
        parts.append(f"pmu={features.pmu_state}")
    return parts


def _cache(cpu: Cpu) -> "list[str]":
    if cpu.cache_mode is None:
        return []
    if cpu.cache_mode == "passthrough":
        return ["host-cache-info=on", "l3-cache=off"]
    if cpu.cache_mode == "emulate":
        passthrough = ["host-cache-info=off"] if cpu.mode in ("host-passthrough", "maximum") else []
        return ["l3-cache=on", *passthrough]
    passthrough = ["host-cache-info=off"] if cpu.mode in ("host-passthrough", "maximum") else []
    return [*passthrough, "l3-cache=off"]


def _address_bits(cpu: Cpu) -> "list[str]":
    if cpu.maxphysaddr_mode == "passthrough":
        parts = ["host-phys-bits=on"]
        if cpu.maxphysaddr_limit:
            parts.append(f"host-phys-bits-limit={cpu.maxphysaddr_limit}")
        return parts
    if cpu.maxphysaddr_mode == "emulate":
        if cpu.maxphysaddr_bits:
            return [f"phys-bits={cpu.maxphysaddr_bits}"]
        return ["host-phys-bits=off"]
    return []


def topology(plan: Plan) -> None:
    """State how many CPUs there are and how they are grouped."""
    domain, cpu = plan.domain, plan.domain.cpu
    total = domain.vcpus or 1
    # Those that can be taken out again are plugged in before the guest runs.
    fixed = sum(state.enabled == "yes" and state.hotpluggable == "no" for state in domain.vcpu_states)
    boot = fixed or domain.vcpu_current or total
    parts = [str(boot)]
    if boot != total:
        parts.append(f"maxcpus={total}")
    if cpu is None or not cpu.sockets:
        plan.add("smp", ",".join([*parts, f"sockets={total}", "cores=1", "threads=1"]))
        return
    parts.append(f"sockets={cpu.sockets}")
    parts.append(f"dies={cpu.dies or 1}")
    if "clusters" in plan.facts.options.get("smp-opts", ()):
        parts.append(f"clusters={cpu.clusters or 1}")
    plan.add("smp", ",".join([*parts, f"cores={cpu.cores or 1}", f"threads={cpu.threads or 1}"]))
