"""Networks in user space by passt: the program that must run, and QEMU's connection to it.

Source: passt(1).
"""

from pyvirsh.backend.conf.domain.net import Interface, PortForward
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, VirError
from pyvirsh.backend.qemu.argv.plan import Helper, Plan, escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Props = dict[str, Any]


def wanted(interface: Interface) -> bool:
    """Say whether an interface is to be served by passt."""
    return interface.backend_type == "passt"


def backend(plan: Plan, interface: Interface) -> "Props":
    """Return QEMU's end of the socket to passt."""
    socket = _helper(plan, interface, vhost=False)
    return {
        "type": "stream",
        "addr": {"type": "unix", "path": socket},
        "server": False,
        **_again(plan),
    }


def _again(plan: Plan) -> "Props":
    """Return how QEMU connects anew after passt was restarted, in the form that this QEMU has."""
    if plan.facts.version >= (9, 2):
        return {"reconnect-ms": 5000}
    return {"reconnect": 5} if plan.facts.version >= (8, 0) else {}


def vhost_backend(plan: Plan, interface: Interface) -> "Props":
    """Return QEMU's end where passt works on the guest's memory itself."""
    socket = _helper(plan, interface, vhost=True)
    name = f"char{interface.info.alias}"
    plan.add("chardev", f"socket,id={name},path={escaped(socket)}")
    return {"type": "vhost-user", "chardev": name}


def _helper(plan: Plan, interface: Interface, *, vhost: bool) -> str:
    """Ask for passt to be started; return the path of its socket."""
    program = plan.host.programs.get("passt")
    if not program:
        detail = "interface backend type='passt' needs the program passt: install the package passt"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    alias = interface.info.alias or ""
    socket = f"{plan.paths.run}/{alias}-passt.socket"
    words = [program, "--one-off", "--socket", socket]
    if vhost:
        words.append("--vhost-user")
    if interface.source is not None and interface.source.dev:
        words += ["--interface", interface.source.dev]
    if interface.backend_log:
        words += ["--log-file", interface.backend_log]
    words += _addresses(interface)
    for forward in interface.port_forwards:
        words += _forward(forward)
    plan.command.helpers.append(Helper("passt", alias, words, socket))
    return socket


def _addresses(interface: Interface) -> "list[str]":
    words = []
    for address in interface.ips:
        words += ["--address", address.address or ""]
        if address.prefix is not None and ":" not in (address.address or ""):
            mask = (0xFFFFFFFF << (32 - address.prefix)) & 0xFFFFFFFF
            words += ["--netmask", ".".join(str(mask >> shift & 255) for shift in (24, 16, 8, 0))]
    return words


def _forward(forward: PortForward) -> "list[str]":
    """Return the option for forwarded ports of one protocol: ``address/interface/range:to``."""
    option = "--udp-ports" if forward.proto == "udp" else "--tcp-ports"
    place = forward.address or ""
    if forward.dev:
        place += f"%{forward.dev}"
    ranges = []
    for one in forward.ranges:
        text = "~" if one.exclude == "yes" else ""
        text += str(one.start)
        if one.end is not None and one.end != one.start:
            text += f"-{one.end}"
        if one.to is not None:
            last = (
                f"-{one.to + one.end - one.start}" if one.end and one.start and one.end != one.start else ""
            )
            text += f":{one.to}{last}"
        ranges.append(text)
    if not ranges:
        ranges = ["all"]
    return [option, f"{place}/{','.join(ranges)}" if place else ",".join(ranges)]
