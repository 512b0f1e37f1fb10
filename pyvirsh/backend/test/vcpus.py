"""Virtual CPUs: how many, and where they may run."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.checks import affect, allowed, not_zero, requires
from pyvirsh.backend.conf import bitmap
from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.tuning import CpuTune, VcpuPin
from pyvirsh.backend.errors import INVALID_ARG, OPERATION_INVALID, VirError
from pyvirsh.backend.test.base import AFFECT, TestBase

# A test host's domains have no more.
MAX_VCPUS = 32
# Bytes of the map of CPUs that clients of the API make.
MAP_LENGTH = 1


def count(model: Domain) -> int:
    """Return how many virtual CPUs are plugged in."""
    return model.vcpu_current or model.vcpus or 1


def cputune(model: Domain) -> CpuTune:
    """Return the scheduling part of a definition, made now if there is none."""
    if model.cputune is None:
        model.cputune = CpuTune()
    return model.cputune


class Vcpus(TestBase):
    """Virtual CPUs."""

    def domain_get_max_vcpus(self, dom: DomainRef) -> int:
        return self.domain_get_vcpus_flags(dom, c.DOMAIN_AFFECT_LIVE | c.DOMAIN_VCPU_MAXIMUM)

    def domain_get_vcpus_flags(self, dom: DomainRef, flags: int = 0) -> int:
        affect(flags)
        allowed(flags, AFFECT | c.DOMAIN_VCPU_MAXIMUM, "testDomainGetVcpusFlags")
        facts = self.guest(dom).one(flags).facts
        return facts.max_vcpus if flags & c.DOMAIN_VCPU_MAXIMUM else facts.vcpus

    def domain_set_vcpus(self, dom: DomainRef, nvcpus: int) -> None:
        not_zero(nvcpus, "nvcpus", "virDomainSetVcpus")
        self.domain_set_vcpus_flags(dom, nvcpus, c.DOMAIN_AFFECT_LIVE)

    def domain_set_vcpus_flags(self, dom: DomainRef, nvcpus: int, flags: int = 0) -> None:
        maximum = flags & c.DOMAIN_VCPU_MAXIMUM
        requires(
            flags,
            (c.DOMAIN_VCPU_MAXIMUM, "DOMAIN_VCPU_MAXIMUM"),
            (c.DOMAIN_AFFECT_CONFIG, "DOMAIN_AFFECT_CONFIG"),
        )
        not_zero(nvcpus, "nvcpus", "virDomainSetVcpusFlags")
        allowed(flags, AFFECT | c.DOMAIN_VCPU_MAXIMUM, "testDomainSetVcpusFlags")
        if nvcpus > MAX_VCPUS:
            detail = f"requested cpu amount exceeds maximum supported amount ({nvcpus} > {MAX_VCPUS})"
            raise VirError(INVALID_ARG, detail)
        live, stored = self.guest(dom).both(flags)
        for definition in (live, None if maximum else stored):
            if definition is not None and nvcpus > definition.facts.max_vcpus:
                most = definition.facts.max_vcpus
                raise VirError(INVALID_ARG, f"requested cpu amount exceeds maximum ({nvcpus} > {most})")
        if live is not None:
            _set_count(live.change(), nvcpus)
        if stored is not None:
            (_set_maximum if maximum else _set_count)(stored.change(), nvcpus)

    # -- where they run --------------------------------------------------------------------------

    def domain_get_vcpus(self, dom: DomainRef) -> "tuple[list[tuple[int, int, int, int]], bytes]":
        guest = self.guest(dom)
        if not guest.active:
            raise VirError(OPERATION_INVALID, "cannot list vcpus for an inactive domain")
        model = guest.live.model
        info = []
        maps = b""
        time = self.world.clock() // 10_000
        for vcpu in range(count(model)):
            allowed_on = self._pinned(model, vcpu)
            info.append((vcpu, c.VCPU_RUNNING, time, max(allowed_on, default=-1)))
            maps += bitmap.to_bytes(allowed_on, MAP_LENGTH)
        return info, maps

    def _pinned(self, model: Domain, vcpu: int) -> "set[int]":
        """Return the host CPUs that a virtual CPU may use."""
        pins = model.cputune.vcpupins if model.cputune is not None else []
        text = next((pin.cpuset for pin in pins if pin.vcpu == vcpu), None)
        return self._cpus(model, text)

    def _cpus(self, model: Domain, text: "str | None") -> "set[int]":
        """Return the CPUs of a set, of the domain's set, or all of the host's."""
        if text is None:
            text = model.vcpu_cpuset
        if text is not None:
            return bitmap.parse(text) if text else set()
        _, _, _, _, nodes, sockets, cores, threads = self.world.node
        return set(range(nodes * sockets * cores * threads))

    def domain_get_vcpu_pin_info(self, dom: DomainRef, flags: int = 0) -> bytes:
        model = self.guest(dom).one(flags).model
        return b"".join(
            bitmap.to_bytes(self._pinned(model, vcpu), MAP_LENGTH) for vcpu in range(model.vcpus or 1)
        )

    def domain_pin_vcpu(self, dom: DomainRef, vcpu: int, cpumap: bytes) -> None:
        self.domain_pin_vcpu_flags(dom, vcpu, cpumap)

    def domain_pin_vcpu_flags(self, dom: DomainRef, vcpu: int, cpumap: bytes, flags: int = 0) -> None:
        allowed(flags, 0, "testDomainPinVcpuFlags")
        guest = self.guest(dom)
        if not guest.active:
            raise VirError(OPERATION_INVALID, "cannot pin vcpus on an inactive domain")
        if vcpu >= (guest.live.model.vcpus or 1):
            raise VirError(INVALID_ARG, f"requested vcpu '{vcpu}' is not present in the domain")
        pins = cputune(guest.live.change()).vcpupins
        pins[:] = [pin for pin in pins if pin.vcpu != vcpu]
        pins.append(VcpuPin(vcpu=vcpu, cpuset=bitmap.show(bitmap.from_bytes(cpumap))))
        pins.sort(key=lambda pin: pin.vcpu or 0)

    def domain_get_emulator_pin_info(self, dom: DomainRef, flags: int = 0) -> bytes:
        affect(flags)
        allowed(flags, AFFECT, "testDomainGetEmulatorPinInfo")
        model = self.guest(dom).one(flags).model
        pinned = model.cputune.emulatorpin if model.cputune is not None else None
        return bitmap.to_bytes(self._cpus(model, pinned), MAP_LENGTH)

    def domain_pin_emulator(self, dom: DomainRef, cpumap: bytes, flags: int = 0) -> None:
        affect(flags)
        allowed(flags, AFFECT, "testDomainPinEmulator")
        definition = self.guest(dom).one(flags)
        cpus = bitmap.from_bytes(cpumap)
        if not cpus:
            raise VirError(INVALID_ARG, "Empty cpu list for pinning")
        cputune(definition.change()).emulatorpin = bitmap.show(cpus)


def _set_count(model: Domain, number: int) -> None:
    model.vcpu_current = number if number != (model.vcpus or 1) else None


def _set_maximum(model: Domain, number: int) -> None:
    current = count(model)
    model.vcpus = number
    model.vcpu_current = current if current < number else None
