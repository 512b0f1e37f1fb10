"""Checks of what the machine is to offer: features that other machines have, CPUs switched on one by one."""

from pyvirsh.backend.conf.cpumodels import X86
from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.cpu import Cpu
from pyvirsh.backend.conf.domain.features import Features
from pyvirsh.backend.errors import refuse
from pyvirsh.backend.qemu.facts import family

# Of the caches, the only level that can be emulated.
_LAST_LEVEL = 3
# Features of other architectures: field, element.
_FOREIGN = (
    ("gic", "gic"),
    ("hpt_resizing", "hpt"),
    ("hpt_page", "hpt"),
    ("htm", "htm"),
    ("nested_hv", "nested-hv"),
    ("ccf_assist", "ccf-assist"),
    ("cfpc", "cfpc"),
    ("sbbc", "sbbc"),
    ("ibs", "ibs"),
)
_ELSEWHERE = (("aia", "RISC-V Virt machines"), ("ras", "ARM Virt machines"))


def check(domain: Domain) -> None:
    """Check features and the order of CPUs.  Errors: CONFIG_UNSUPPORTED."""
    if domain.features is not None and domain.os.arch in X86:
        _foreign(domain, domain.features)
    if domain.cpu is not None and domain.cpu.cache_mode is not None:
        _cache(domain.cpu)
    _order(domain)


def _cache(cpu: Cpu) -> None:
    """Check whose caches a guest is told of."""
    mode = cpu.cache_mode
    if mode == "emulate":
        if cpu.cache_level != _LAST_LEVEL:
            raise refuse(f"CPU cache mode 'emulate' can only be used with level='{_LAST_LEVEL}'")
        return
    if mode == "passthrough" and cpu.mode not in ("host-passthrough", "maximum"):
        those = "'host-passthrough' / 'maximum' CPUs"
        raise refuse(f"CPU cache mode 'passthrough' can only be used with {those}")
    if cpu.cache_level is not None:
        raise refuse(f"unsupported CPU cache level for mode '{mode}'")


def _foreign(domain: Domain, features: Features) -> None:
    machine = domain.os.machine or ""
    for field, element in _FOREIGN:
        if getattr(features, field):
            where = f"architecture '{domain.os.arch}' or machine type '{machine}'"
            raise refuse(f"The '{element}' feature is not supported for {where}")
    for field, machines in _ELSEWHERE:
        if getattr(features, field) is not None:
            raise refuse(f"{field} feature is only supported with {machines}")
    if features.smm_tseg is not None and family(machine) != "q35":
        raise refuse("SMM TSEG is only supported with q35 machine type")


def _order(domain: Domain) -> None:
    """See that CPUs that can not be unplugged are plugged in first."""
    states = domain.vcpu_states
    for before, state in zip(states, states[1:], strict=False):
        if state.enabled == "yes" and bool(state.order) != bool(states[0].order):
            raise refuse("all vcpus must have either set or unset order")
        if state.hotpluggable != "no":
            continue
        if before.hotpluggable == "yes":
            detail = "online non-hotpluggable vcpus need to be ordered prior to hotpluggable vcpus"
            raise refuse(detail)
        if states[0].order and state.order != (before.order or 0) + 1:
            raise refuse("online non-hotpluggable vcpus must be ordered in ascending order")
