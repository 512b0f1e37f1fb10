"""Virtual CPUs plugged in and out, by number or by count: now, at the next start, or both.

Source: libvirt API, virDomainSetVcpus and virDomainSetVcpu; texts as observed of its QEMU driver; QEMU's
QMP reference.
"""

from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.conf import bitmap
from pyvirsh.backend.conf.domain.tuning import Vcpu
from pyvirsh.backend.errors import (
    CONFIG_UNSUPPORTED,
    INVALID_ARG,
    OPERATION_TIMEOUT,
    OPERATION_UNSUPPORTED,
    VirError,
)
from pyvirsh.backend.qemu import lifecycle
from pyvirsh.backend.qemu.change import Change
from pyvirsh.backend.qemu.info import WHERE, online_vcpus
from pyvirsh.backend.qemu.monitor import Monitor
from pyvirsh.backend.qemu.supervisor.guest import plugging

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.conf.domain import Domain
    from pyvirsh.backend.qemu.driver import QemuDriver

UNPLUG_SECONDS = 5.0

# -- states ------------------------------------------------------------------------------------------------


def states_of(domain: "Domain") -> "list[Vcpu]":
    """Return the state of each virtual CPU; where none is stated, the first ones are there to stay."""
    if domain.vcpu_states:
        return domain.vcpu_states
    online = online_vcpus(domain)
    found = []
    for number in range(domain.vcpus or 1):
        on = number < online
        found.append(Vcpu(id=number, enabled="yes" if on else "no", hotpluggable="no" if on else "yes"))
    return found


def _keep(domain: "Domain", states: "list[Vcpu]") -> None:
    domain.vcpu_states = states
    online = sum(state.enabled == "yes" for state in states)
    domain.vcpu_current = online if online != domain.vcpus else None


def plugged_at_start(domain: "Domain") -> "list[int]":
    """Return the virtual CPUs that are plugged in before the guest runs, as they can be taken out again."""
    on = [state for state in domain.vcpu_states if state.enabled == state.hotpluggable == "yes"]
    on.sort(key=lambda state: (state.order or len(domain.vcpu_states), state.id))
    return [state.id or 0 for state in on]


def order(domain: "Domain") -> None:
    """Number the CPUs of a guest that is about to run, where they have states, as they come up."""
    if domain.vcpu_states:
        first = [state for state in domain.vcpu_states if state.hotpluggable == "no"]
        rest = [domain.vcpu_states[number] for number in plugged_at_start(domain)]
        for at, state in enumerate([*first, *rest]):
            state.order = at + 1


# -- by number -----------------------------------------------------------------------------------------------


def domain_set_vcpu(driver: "QemuDriver", dom: DomainRef, cpumap: str, state: int, flags: int = 0) -> None:
    allowed(flags, WHERE, "qemuDomainSetVcpu")
    numbers = sorted(bitmap.parse(cpumap))
    if not numbers:
        raise VirError(INVALID_ARG, "no vcpus selected for modification")
    with Change(driver, dom, flags, "set-vcpu") as changed:
        for which, domain in (("live", changed.live), ("persistent", changed.config)):
            if domain is not None and numbers[-1] >= (domain.vcpus or 1):
                raise VirError(INVALID_ARG, f"vcpu {numbers[-1]} is not present in {which} config")
        if changed.config is not None and 0 in numbers:
            raise VirError(INVALID_ARG, "vCPU '0' can't be modified")
        if changed.live is not None:
            if len(numbers) > 1:
                raise VirError(OPERATION_UNSUPPORTED, "only one hotpluggable entity can be selected")
            _switch(changed.live, numbers[0], on=bool(state))
            _change_live(changed, [numbers[0]], on=bool(state))
        if changed.config is not None:
            _set_stored(changed.config, numbers, on=bool(state))


def _switch(domain: "Domain", number: int, *, on: bool) -> None:
    """Check that a running guest's CPU can be plugged in or out."""
    state = states_of(domain)[number]
    if (state.enabled == "yes") == on:
        raise VirError(INVALID_ARG, f"vcpu '{number}' is already in requested state")
    if state.hotpluggable != "yes":
        raise VirError(OPERATION_UNSUPPORTED, f"vcpu '{number}' can't be unplugged")


def _set_stored(domain: "Domain", numbers: "list[int]", *, on: bool) -> None:
    states = states_of(domain)
    for number in numbers:
        if (states[number].enabled == "yes") != on:
            states[number].enabled = "yes" if on else "no"
            states[number].hotpluggable = "yes"
        states[number].order = None
    _keep(domain, states)


# -- by count ------------------------------------------------------------------------------------------------


def set_count(changed: Change, count: int, *, hotpluggable: bool) -> None:
    """Have as many CPUs as asked in the definitions that are to be changed."""
    for which, domain in (("live", changed.live), ("persistent", changed.config)):
        if domain is not None and count > (domain.vcpus or 1):
            most = f"{count} > {domain.vcpus or 1}"
            detail = f"requested vcpus is greater than max allowable vcpus for the {which} domain: {most}"
            raise VirError(INVALID_ARG, detail)
    if changed.live is not None:
        on = count > online_vcpus(changed.live)
        _change_live(changed, _chosen(changed.live, count), on=on)
    if changed.config is not None:
        _store_count(changed.config, count, hotpluggable=hotpluggable)


def _chosen(domain: "Domain", count: int) -> "list[int]":
    """Return which CPUs to plug in, the first ones, or to take out, the last ones."""
    more = count - online_vcpus(domain)
    states = states_of(domain)
    if more >= 0:
        found = [state.id or 0 for state in states if state.enabled == "no"][:more]
    else:
        plugged = [state.id or 0 for state in states if state.enabled == state.hotpluggable == "yes"]
        found = plugged[::-1][:-more]
    if len(found) < abs(more):
        detail = "failed to find appropriate hotpluggable vcpus to reach the desired target vcpu count"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    return found


def _store_count(domain: "Domain", count: int, *, hotpluggable: bool) -> None:
    if not domain.vcpu_states and not hotpluggable:
        domain.vcpu_current = count if count != domain.vcpus else None
        return
    states = states_of(domain)
    more = count - online_vcpus(domain)
    order = [state for state in states if state.enabled == ("no" if more > 0 else "yes")]
    for state in order[:more] if more > 0 else order[::-1][:-more]:
        state.enabled = "yes" if more > 0 else "no"
        fixed = all(other.hotpluggable == "no" for other in states[: state.id])
        state.hotpluggable = "no" if more > 0 and fixed and not hotpluggable else "yes"
        state.order = None
    _keep(domain, states)


def set_most(domain: "Domain", nvcpus: int) -> None:
    """Change how many CPUs a guest can have."""
    if domain.cpu is not None and domain.cpu.sockets is not None:
        raise VirError(INVALID_ARG, "CPU topology doesn't match the desired vcpu count")
    current = min(online_vcpus(domain), nvcpus)
    domain.vcpus = nvcpus
    domain.vcpu_current = current if current != nvcpus else None
    domain.vcpu_states = []


# -- in QEMU -------------------------------------------------------------------------------------------------


def _change_live(changed: Change, numbers: "list[int]", *, on: bool) -> None:
    """Plug CPUs of the running guest in or out, and say so in its definition as far as it went."""
    from pyvirsh.backend.qemu import limits, livexml, resize, starting

    domain, guest = changed.live, changed.guest
    if domain is None or guest is None or not numbers:
        return
    states = states_of(domain)
    for at, state in enumerate(states):
        state.order = state.order or (at + 1 if state.enabled == "yes" else None)
    try:
        with Monitor(guest) as monitor:
            for number in numbers:
                if on:
                    for command, arguments in plugging([number], monitor.execute("query-hotpluggable-cpus")):
                        monitor.execute(command, arguments)
                else:
                    _unplug(monitor, number)
                states[number].enabled, states[number].hotpluggable = "yes" if on else "no", "yes"
                states[number].order = 1 + max(state.order or 0 for state in states) if on else None
                _keep(domain, states)
    except VirError:
        livexml.write(guest.path, domain)
        lifecycle.ask(guest, {"op": "look"})
        raise
    lifecycle.ask(guest, {"op": "look"})
    if on:
        resize.place_vcpus(guest, starting.pins(domain)["vcpu"], numbers)
        limits.limit_new_threads(guest, domain)


def _unplug(monitor: Monitor, number: int) -> None:
    monitor.execute("device_del", {"id": f"vcpu{number}"})
    if not monitor.wait_event("DEVICE_DELETED", f"vcpu{number}", UNPLUG_SECONDS):
        detail = "vcpu unplug request timed out. Unplug result must be manually inspected in the domain"
        raise VirError(OPERATION_TIMEOUT, detail)
