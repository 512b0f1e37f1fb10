"""Options that name a kind of virtualization, an emulator, an architecture, a machine."""

from pyvirsh.spec import Opt, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.shell.binding import Args

VIRT_TYPES = "enum:none,qemu,kqemu,kvm,xen,lxc,uml,openvz,test,vmware,hyperv,vbox,phyp,parallels,bhyve,vz,hvf"
ARCHES = (
    "enum:none,alpha,armv6l,armv7l,armv7b,aarch64,cris,i686,ia64,lm32,loongarch64,m68k,microblaze,"
    "microblazeel,mips,mipsel,mips64,mips64el,openrisc,parisc,parisc64,ppc,ppcle,ppc64,ppc64le,ppcemb,"
    "riscv32,riscv64,s390,s390x,sh4,sh4eb,sparc,sparc64,unicore32,x86_64,xtensa,xtensaeb"
)


def platform(*, emulator: str = "emulator", fills: bool = True) -> "tuple[Opt, ...]":
    """Make the four options; `emulator` is how the command calls the second one."""
    return (
        text("virttype", "kind of virtualization: qemu, kvm, ...", VIRT_TYPES, fills=fills),
        text(emulator, "path of the emulator", fills=fills),
        text("arch", "architecture of the guest", ARCHES, fills=fills),
        text("machine", "machine type", fills=fills),
    )


def chosen(
    args: "Args", *, emulator: str = "emulator"
) -> "tuple[str | None, str | None, str | None, str | None]":
    """Read the four options in the order drivers take them: emulator, arch, machine, virttype."""
    virttype = args.virttype
    return args[emulator], args.arch, args.machine, virttype
