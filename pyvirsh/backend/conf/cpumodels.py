"""The names of CPU models that a guest's definition may ask for, by architecture.

Source: what `virsh cpu-models` lists.
"""

from pyvirsh.backend.conf.cpumap import MODELS
from pyvirsh.backend.errors import INVALID_ARG, NO_SUPPORT, VirError

X86 = ("i686", "x86_64")
_PPC = "POWER6 POWER7 POWER8 POWER9 POWER10 POWERPC_e5500 POWERPC_e6500"

# Architectures that accept any name have an empty list.
_NAMES = {
    **dict.fromkeys(("ppc64", "ppc64le"), _PPC),
    **dict.fromkeys(("aarch64", "armv6l", "armv7b", "armv7l", "loongarch64", "riscv64", "s390", "s390x"), ""),
}
# All architectures that libvirt has a name for.
ARCHITECTURES = frozenset(
    "alpha armv6l armv7l armv7b aarch64 cris i686 ia64 lm32 loongarch64 m68k microblaze microblazeel mips"
    " mipsel mips64 mips64el openrisc parisc parisc64 ppc ppc64 ppc64le ppcle ppcemb riscv32 riscv64 s390"
    " s390x sh4 sh4eb sparc sparc64 unicore32 x86_64 xtensa xtensaeb".split()
)


def names(arch: str) -> "list[str]":
    """Return the models of an architecture; [] when it accepts any name.

    Errors: INVALID_ARG for an unknown architecture; NO_SUPPORT for one without CPU models.
    """
    if arch not in ARCHITECTURES:
        raise VirError(INVALID_ARG, f"cannot find architecture {arch}")
    if arch in X86:
        return [line.split()[0].rstrip("*") for line in MODELS.strip().replace("\n  ", " ").split("\n")]
    if arch not in _NAMES:
        raise VirError(NO_SUPPORT, f"'{arch}' architecture is not supported by CPU driver")
    return _NAMES[arch].split()
