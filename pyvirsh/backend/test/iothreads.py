"""I/O threads: in the definition, with the polling figures that only the test host keeps."""

from pyvirsh.backend import api
from pyvirsh.backend.api import DomainRef, TypedParam
from pyvirsh.backend.checks import allowed, positive
from pyvirsh.backend.conf import bitmap
from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.tuning import IoThread, IoThreadPin
from pyvirsh.backend.constants import DOMAIN_AFFECT_LIVE
from pyvirsh.backend.errors import INTERNAL_ERROR, INVALID_ARG, VirError
from pyvirsh.backend.test.base import AFFECT, TestBase
from pyvirsh.backend.test.guest import Guest
from pyvirsh.backend.test.vcpus import MAP_LENGTH, count, cputune

# poll_max_ns, poll_grow, poll_shrink of a new thread
NEW_THREAD = (32768, 0, 0)
_PARAMS = {
    "poll_max_ns": api.PARAM_ULLONG,
    "poll_grow": api.PARAM_UINT,
    "poll_shrink": api.PARAM_UINT,
}


def thread_ids(model: Domain) -> "list[int]":
    """Return the numbers of a definition's I/O threads: 1, 2, … when it only says how many there are."""
    if not model.iothread_ids:
        return list(range(1, (model.iothreads or 0) + 1))
    return [thread.id for thread in model.iothread_ids if thread.id is not None]


def spell_out(model: Domain) -> "list[IoThread]":
    """Name each I/O thread of a definition that may only say how many there are."""
    if not model.iothread_ids:
        model.iothread_ids = [IoThread(id=number) for number in thread_ids(model)]
        for thread in model.iothread_ids:
            thread.implied = True
    return model.iothread_ids


def hide_implied(model: Domain) -> None:
    """Name no I/O threads where their number says the same."""
    numbers = [thread.id for thread in model.iothread_ids if thread.implied]
    if numbers == list(range(1, len(model.iothread_ids) + 1)):
        model.iothread_ids = []


class IoThreads(TestBase):
    """I/O threads."""

    def domain_get_iothread_info(self, dom: DomainRef, flags: int = 0) -> "list[tuple[int, bytes]]":
        allowed(flags, AFFECT, "testDomainGetIOThreadInfo")
        model = self.guest(dom).one(flags).model
        pins = {pin.iothread: pin.cpuset for pin in (model.cputune.iothreadpins if model.cputune else [])}
        everywhere = set(range(count(model)))
        return [
            (number, bitmap.to_bytes(_cpus(pins.get(number) or model.vcpu_cpuset, everywhere), MAP_LENGTH))
            for number in thread_ids(model)
        ]

    def domain_add_iothread(self, dom: DomainRef, iothread_id: int, flags: int = 0) -> None:
        positive(iothread_id, "iothread_id", "virDomainAddIOThread")
        allowed(flags, AFFECT, "testDomainAddIOThread")
        guest = self.guest(dom)
        definition = guest.one(flags)
        if iothread_id in thread_ids(definition.model):
            raise VirError(INVALID_ARG, f"an IOThread is already using iothread_id '{iothread_id}'")
        model = definition.change()
        spell_out(model).append(IoThread(id=iothread_id))
        model.iothreads = len(model.iothread_ids)
        guest.polling.append((iothread_id, *NEW_THREAD))

    def domain_del_iothread(self, dom: DomainRef, iothread_id: int, flags: int = 0) -> None:
        positive(iothread_id, "iothread_id", "virDomainDelIOThread")
        allowed(flags, AFFECT, "testDomainDelIOThread")
        guest = self.guest(dom)
        definition = guest.one(flags)
        if iothread_id not in thread_ids(definition.model):
            detail = f"cannot find IOThread '{iothread_id}' in iothreadids list"
            raise VirError(INVALID_ARG, detail)
        model = definition.change()
        model.iothread_ids = [thread for thread in spell_out(model) if thread.id != iothread_id]
        model.iothreads = len(model.iothread_ids) or None
        hide_implied(model)
        if model.cputune is not None:
            pins = model.cputune.iothreadpins
            pins[:] = [pin for pin in pins if pin.iothread != iothread_id]
        at = _figures(guest, iothread_id)
        if at >= 0:
            del guest.polling[at]

    def domain_pin_iothread(self, dom: DomainRef, iothreads_id: int, cpumap: bytes, flags: int = 0) -> None:
        allowed(flags, AFFECT, "testDomainPinIOThread")
        definition = self.guest(dom).one(flags)
        cpus = bitmap.from_bytes(cpumap)
        if not cpus:
            raise VirError(INVALID_ARG, "Empty iothread cpumap list for pinning")
        if iothreads_id not in thread_ids(definition.model):
            raise VirError(INVALID_ARG, f"iothreadid {iothreads_id} not found")
        model = definition.change()
        for thread in spell_out(model):
            thread.implied = thread.implied and thread.id != iothreads_id
        pins = cputune(model).iothreadpins
        pins[:] = [pin for pin in pins if pin.iothread != iothreads_id]
        pins.append(IoThreadPin(iothread=iothreads_id, cpuset=bitmap.show(cpus)))
        order = thread_ids(definition.model)
        pins.sort(key=lambda pin: order.index(pin.iothread or 0))

    def domain_set_iothread_params(
        self, dom: DomainRef, iothread_id: int, params: "list[TypedParam]", flags: int = 0
    ) -> None:
        allowed(flags, DOMAIN_AFFECT_LIVE, "testDomainSetIOThreadParams")
        guest = self.guest(dom)
        if iothread_id not in thread_ids(guest.one(flags).model):
            raise VirError(INVALID_ARG, f"cannot find IOThread '{iothread_id}' in iothreadids")
        at = _figures(guest, iothread_id)
        if at < 0:
            # Threads of a definition have no figures, and the original's driver says nothing more.
            raise VirError(INTERNAL_ERROR, text="An error occurred, but the cause is unknown")
        given = checked_params(params)
        before = dict(zip(_PARAMS, guest.polling[at][1:], strict=True))
        after = {**before, **given}
        figures = (after["poll_max_ns"], after["poll_grow"], after["poll_shrink"])
        guest.polling[at] = (iothread_id, *figures)


def _figures(guest: Guest, number: int) -> int:
    """Return where a thread's polling figures first stand, -1 if it has none."""
    return next((at for at, figures in enumerate(guest.polling) if figures[0] == number), -1)


def checked_params(params: "list[TypedParam]") -> "dict[str, int]":
    """Return polling figures by name.  Errors: see `params.checked`."""
    from pyvirsh.backend.params import checked

    return {name: int(value) for name, value in checked(params, _PARAMS).items()}


def _cpus(text: "str | None", otherwise: "set[int]") -> "set[int]":
    return bitmap.parse(text) if text else otherwise
