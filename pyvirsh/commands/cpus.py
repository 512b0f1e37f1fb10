"""CPU models: which there are, what several hosts have in common, what fits a host.

Source: virsh(1); texts and calls measured on virsh 11.3.0.
"""

from pyvirsh.backend import constants
from pyvirsh.commands import files
from pyvirsh.commands.platforms import ARCHES, chosen, platform
from pyvirsh.errors import CommandFailed
from pyvirsh.spec import Table, either, exclusive, flag, text, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.conf.xml import Element
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Host and Hypervisor", "host")

CPU_FILE = "file with CPU, domain or capabilities XML"
FEATURES = flag("features", "show the features that the model implies, too")
MIGRATABLE = flag("migratable", "leave out features that would keep a guest from moving")
ERROR = flag("error", "say what does not fit when the CPU is incompatible")
VALIDATE = flag("validate", "check the XML against its schema first")

BASELINE_FLAGS = {
    "features": constants.CONNECT_BASELINE_CPU_EXPAND_FEATURES,
    "migratable": constants.CONNECT_BASELINE_CPU_MIGRATABLE,
    "ignore-host": constants.CONNECT_BASELINE_CPU_IGNORE_HOST,
}
COMPARE_FLAGS = {
    "error": constants.CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE,
    "validate": constants.CONNECT_COMPARE_CPU_VALIDATE_XML,
}


def _flags(args: "Args", bits: "dict[str, int]") -> int:
    return sum(bit for name, bit in bits.items() if args.given(name))


# -- what a file describes -----------------------------------------------------------------------------


def read_cpus(path: str) -> "list[Element]":
    """Return the CPUs that a file describes.

    Shape: any number of documents one after the other, each a `cpu`, a domain's description, a
    host's capabilities or domain capabilities with a host model.  Errors: CommandFailed.
    """
    from pyvirsh.backend.conf.xml import local_name, parse

    document = files.read(path)
    if document.startswith("<?xml"):
        document = document.partition("?>")[2]
    found = []
    for root in parse(f"<container>{document}</container>"):
        where = CPU_PATHS.get(local_name(root))
        found += root.findall(where) if where else []
    if not found:
        raise CommandFailed(
            f"File '{path}' does not contain any <cpu> element or valid domain XML, "
            "host capabilities XML, or domain capabilities XML"
        )
    return found


def as_text(cpus: "list[Element]") -> "list[str]":
    """Return each CPU as XML; a mode of domain capabilities becomes a CPU."""
    from pyvirsh.backend.conf.xml import formatted

    for cpu in cpus:
        if cpu.tag == "mode":
            cpu.tag = "cpu"
            cpu.attrib.clear()
    return [formatted(cpu) for cpu in cpus]


def warn_of_host_cpus(ctx: "Session", cpus: "list[Element]") -> None:
    """Tell that a host's CPU, known by features without a policy, says little about a hypervisor's."""
    if any(feature.get("policy") is None for cpu in cpus for feature in cpu.iterfind("./feature")):
        ctx.out.error("using host CPU definition as input may provide incorrect results")


# Root element -> where its CPUs stand.
CPU_PATHS = {
    "cpu": ".",
    "domain": "./cpu",
    "capabilities": "./host/cpu",
    "domainCapabilities": "./cpu/mode[@name='host-model'][@supported='yes']",
}


# -- baseline ------------------------------------------------------------------------------------------


@TABLE.command(
    "cpu-baseline",
    "compute the CPU that all given hosts have in common",
    options=(word("file", CPU_FILE, "file-path"), FEATURES, MIGRATABLE),
)
def cpu_baseline(ctx: "Session", args: "Args") -> None:
    flags = _flags(args, BASELINE_FLAGS)
    ctx.out.xml(ctx.driver.connect_baseline_cpu(as_text(read_cpus(args.file)), flags))


@TABLE.command(
    "hypervisor-cpu-baseline",
    "compute the CPU that the hypervisor can run on all given hosts",
    options=(
        text("file", CPU_FILE, "file-path", fills=True),
        *platform(),
        FEATURES,
        MIGRATABLE,
        flag("ignore-host", "do not take this host's CPU into account"),
        text("model", "a CPU model by its name, instead of a file", "cpu-model", fills=True),
    ),
    rules=(either("file", "model"), exclusive("file", "model")),
)
def hypervisor_cpu_baseline(ctx: "Session", args: "Args") -> None:
    where = chosen(args)
    model = args.model
    if model is None:
        found = read_cpus(args.file)
        warn_of_host_cpus(ctx, found)
        cpus = as_text(found)
    else:
        cpus = [f"<cpu><model>{model}</model></cpu>"]
    flags = _flags(args, BASELINE_FLAGS)
    ctx.out.xml(ctx.driver.connect_baseline_hypervisor_cpu(*where, cpus, flags))


# -- compare -------------------------------------------------------------------------------------------


@TABLE.command(
    "cpu-compare",
    "compare a CPU with the host's",
    options=(word("file", CPU_FILE, "file-path"), ERROR, VALIDATE),
)
def cpu_compare(ctx: "Session", args: "Args") -> None:
    path = args.file
    cpu = as_text(read_cpus(path))[0]
    with ctx.failing(f"Failed to compare host CPU with {path}"):
        result = ctx.driver.connect_compare_cpu(cpu, _flags(args, COMPARE_FLAGS))
    _compared(ctx, path, result, "host CPU")


@TABLE.command(
    "hypervisor-cpu-compare",
    "compare a CPU with the one that the hypervisor offers on the host",
    options=(word("file", CPU_FILE, "file-path"), *platform(), ERROR, VALIDATE),
)
def hypervisor_cpu_compare(ctx: "Session", args: "Args") -> None:
    where = chosen(args)
    path = args.file
    found = read_cpus(path)
    warn_of_host_cpus(ctx, found)
    cpu = as_text(found)[0]
    with ctx.failing(f"Failed to compare hypervisor CPU with {path}"):
        result = ctx.driver.connect_compare_hypervisor_cpu(*where, cpu, _flags(args, COMPARE_FLAGS))
    _compared(ctx, path, result, "the CPU provided by hypervisor on the host")


COMPARED = {
    constants.CPU_COMPARE_INCOMPATIBLE: "incompatible",
    constants.CPU_COMPARE_IDENTICAL: "identical",
    constants.CPU_COMPARE_SUPERSET: "superset",
}


def _compared(ctx: "Session", path: str, result: int, other: str) -> None:
    """Say how the CPU compares.  Errors: CommandFailed for one that does not fit."""
    outcome = COMPARED.get(result)
    if outcome is None:
        which = "host" if other == "host CPU" else "hypervisor"
        raise CommandFailed(f"Failed to compare {which} CPU with {path}")
    line = {
        "incompatible": f"CPU described in {path} is incompatible with {other}",
        "identical": f"CPU described in {path} is identical to {other}",
        "superset": f"{other[0].upper()}{other[1:]} is a superset of CPU described in {path}",
    }[outcome]
    ctx.out.data({"file": path, "result": outcome}, line + "\n")
    if outcome == "incompatible":
        raise CommandFailed


# -- models --------------------------------------------------------------------------------------------


@TABLE.command(
    "cpu-models",
    "list the CPU models known for an architecture",
    options=(word("arch", "architecture of the guest", ARCHES),),
)
def cpu_models(ctx: "Session", args: "Args") -> None:
    arch = args.arch
    with ctx.failing("failed to get CPU model names"):
        models = ctx.driver.connect_get_cpu_model_names(arch)
    ctx.out.names(("model",), [{"model": model} for model in models])
    if not models:
        ctx.out.note("all CPU models are accepted")


@TABLE.command(
    "hypervisor-cpu-models",
    "list the CPU models that the hypervisor knows",
    options=(
        *platform(fills=False),
        flag("all", "those that this host cannot run, too"),
    ),
)
def hypervisor_cpu_models(ctx: "Session", args: "Args") -> None:
    from pyvirsh.backend.conf.xml import parse

    where = chosen(args)
    with ctx.failing("failed to get hypervisor CPU model names"):
        document = ctx.driver.connect_get_domain_capabilities(*where)
    models = [model for model in parse(document).iterfind(".//cpu//model") if model.get("usable")]
    ctx.out.names(
        ("model",),
        [
            {"model": model.text or "", "usable": model.get("usable")}
            for model in models
            if args.all or model.get("usable") == "yes"
        ],
    )
