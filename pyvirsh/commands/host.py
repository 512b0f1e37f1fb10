"""The hypervisor and its host: what they are, what they can do, putting the host to sleep.

Source: virsh(1); texts and calls measured on virsh 11.3.0.
"""

from pyvirsh import LIBVIRT_VERSION
from pyvirsh.backend import constants
from pyvirsh.backend.errors import NO_SUPPORT, VirError
from pyvirsh.commands import xpath
from pyvirsh.commands.options import WRAP, XPATH
from pyvirsh.commands.platforms import VIRT_TYPES, chosen, platform
from pyvirsh.errors import CommandFailed
from pyvirsh.spec import Table, flag, number, text, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Host and Hypervisor", "host")


@TABLE.command(
    "capabilities",
    "show what the host and its hypervisor can do, as XML",
    options=(XPATH, WRAP),
)
def capabilities(ctx: "Session", args: "Args") -> None:
    def fetch() -> str:
        with ctx.failing("failed to get capabilities"):
            return ctx.driver.connect_get_capabilities()

    xpath.show(ctx, args, fetch)


DOMAIN_CAPABILITIES = {
    "disable-deprecated-features": constants.CONNECT_GET_DOMAIN_CAPABILITIES_DISABLE_DEPRECATED_FEATURES,
    "expand-cpu-features": constants.CONNECT_GET_DOMAIN_CAPABILITIES_EXPAND_CPU_FEATURES,
    "supported-cpu-features": constants.CONNECT_GET_DOMAIN_CAPABILITIES_SUPPORTED_CPU_FEATURES,
}


@TABLE.command(
    "domcapabilities",
    "show what a domain may be made of, as XML",
    options=(
        *platform(emulator="emulatorbin"),
        XPATH,
        WRAP,
        flag("disable-deprecated-features", "the host's CPU model without features that are deprecated"),
        flag("expand-cpu-features", "the host's CPU model with the features its name implies"),
        flag("supported-cpu-features", "the host's CPU model with features it would not turn on by itself"),
    ),
)
def domcapabilities(ctx: "Session", args: "Args") -> None:
    flags = sum(bit for name, bit in DOMAIN_CAPABILITIES.items() if args.given(name))
    where = chosen(args, emulator="emulatorbin")

    def fetch() -> str:
        with ctx.failing("failed to get emulator capabilities"):
            return ctx.driver.connect_get_domain_capabilities(*where, flags)

    xpath.show(ctx, args, fetch)


@TABLE.command("hostname", "show the name of the hypervisor's host")
def hostname(ctx: "Session", args: "Args") -> None:
    with ctx.failing("failed to get hostname"):
        ctx.out.value("hostname", ctx.driver.connect_get_hostname())


@TABLE.command(
    "maxvcpus",
    "show how many CPUs a domain may have",
    options=(text("type", "kind of virtualization: qemu, kvm, ...", VIRT_TYPES, fills=True),),
)
def maxvcpus(ctx: "Session", args: "Args") -> None:
    kind = args.type
    ctx.out.value("maxvcpus", _domain_max_vcpus(ctx, kind) or ctx.driver.connect_get_max_vcpus(kind))


def _domain_max_vcpus(ctx: "Session", kind: "str | None") -> int:
    """Return the most CPUs that domain capabilities tell; 0 when they do not."""
    from pyvirsh.backend.conf.xml import parse

    try:
        document = ctx.driver.connect_get_domain_capabilities(None, None, None, kind)
    except VirError:
        return 0
    vcpu = parse(document).find("./vcpu")
    return int(vcpu.get("max", "0")) if vcpu is not None else 0


@TABLE.command("nodesevinfo", "show what AMD's encryption of guests (SEV) offers on the host")
def nodesevinfo(ctx: "Session", args: "Args") -> None:
    from pyvirsh.commands.params import shown

    with ctx.failing("Unable to get host SEV information"):
        found = ctx.driver.node_get_sev_info()
    fields = [(param[0], param[0].replace("-", "_"), shown(param)) for param in found]
    ctx.out.fields(fields, width=18, colon=": ")


SUSPEND_TARGETS = ("mem", "disk", "hybrid")


@TABLE.command(
    "nodesuspend",
    "put the host to sleep for a while",
    options=(
        word("target", "mem, disk, or hybrid for both", f"enum:{','.join(SUSPEND_TARGETS)}"),
        number("duration", "seconds until it wakes up, at least 60", required=True, positional=True),
    ),
)
def nodesuspend(ctx: "Session", args: "Args") -> None:
    target = args.target
    duration = args.integer("duration", low=-(2**63), high=2**63 - 1)
    if target not in SUSPEND_TARGETS:
        raise CommandFailed("Invalid target")
    if duration < 0:
        raise CommandFailed("Invalid duration")
    with ctx.failing("The host was not suspended"):
        ctx.driver.node_suspend_for_duration(SUSPEND_TARGETS.index(target), duration)


@TABLE.command("sysinfo", "show what the host's firmware says of it, as XML")
def sysinfo(ctx: "Session", args: "Args") -> None:
    with ctx.failing("failed to get sysinfo"):
        document = ctx.driver.connect_get_sysinfo()
    ctx.out.xml(document)


@TABLE.command("uri", "show the URI of the connection")
def uri(ctx: "Session", args: "Args") -> None:
    ctx.out.value("uri", ctx.driver.uri)


@TABLE.command(
    "version",
    "show the versions of the interface and the hypervisor",
    options=(flag("daemon", "and of the daemon that serves the connection"),),
)
def version(ctx: "Session", args: "Args") -> None:
    driver = ctx.driver
    with ctx.failing("failed to get hypervisor type"):
        kind = driver.connect_get_type()
    library = f"libvirt {LIBVIRT_VERSION}"
    value: dict[str, object] = {"library": LIBVIRT_VERSION, "hypervisor": kind}
    lines = [
        f"Compiled against library: {library}",
        f"Using library: {library}",
        f"Using API: {kind} {LIBVIRT_VERSION}",
    ]
    try:
        try:
            running = driver.connect_get_version()
        except VirError as error:
            if error.code == NO_SUPPORT:
                # As virsh: that is all that can be said.
                return
            raise CommandFailed("failed to get the hypervisor version", error.text) from error
        value["hypervisor_version"] = dotted(running) if running else None
        lines.append(
            f"Running hypervisor: {kind} {dotted(running)}"
            if running
            else f"Cannot extract running {kind} hypervisor version"
        )
        if args.daemon:
            try:
                value["daemon_version"] = dotted(driver.connect_get_lib_version())
                lines.append(f"Running against daemon: {value['daemon_version']}")
            except VirError:
                # As virsh: it is said, and no failure.
                ctx.out.error("failed to get the daemon version")
    finally:
        ctx.out.data(value, "".join(line + "\n" for line in lines))


def dotted(number: int) -> str:
    """Return a version number of libvirt's as text: 11003000 is 11.3.0."""
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"
