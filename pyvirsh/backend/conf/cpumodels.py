"""The names of CPU models that a guest's definition may ask for, by architecture.

Source: what `virsh cpu-models` lists.
"""

from pyvirsh.backend.errors import INVALID_ARG, NO_SUPPORT, VirError

_X86 = """
    486 486-v1 pentium pentium-v1 pentium2 pentium2-v1 pentium3 pentium3-v1 pentiumpro coreduo
    coreduo-v1 n270 n270-v1 core2duo core2duo-v1 qemu32 qemu32-v1 kvm32 kvm32-v1 cpu64-rhel5 cpu64-rhel6
    qemu64 qemu64-v1 kvm64 kvm64-v1 Conroe Conroe-v1 Penryn Penryn-v1 Nehalem Nehalem-IBRS Nehalem-v1
    Nehalem-v2 Westmere Westmere-IBRS Westmere-v1 Westmere-v2 SandyBridge SandyBridge-IBRS
    SandyBridge-v1 SandyBridge-v2 IvyBridge IvyBridge-IBRS IvyBridge-v1 IvyBridge-v2 Haswell-noTSX
    Haswell-noTSX-IBRS Haswell Haswell-IBRS Haswell-v1 Haswell-v2 Haswell-v3 Haswell-v4 Broadwell-noTSX
    Broadwell-noTSX-IBRS Broadwell Broadwell-IBRS Broadwell-v1 Broadwell-v2 Broadwell-v3 Broadwell-v4
    Skylake-Client Skylake-Client-IBRS Skylake-Client-noTSX-IBRS Skylake-Client-v1 Skylake-Client-v2
    Skylake-Client-v3 Skylake-Client-v4 Skylake-Server Skylake-Server-IBRS Skylake-Server-noTSX-IBRS
    Skylake-Server-v1 Skylake-Server-v2 Skylake-Server-v3 Skylake-Server-v4 Skylake-Server-v5
    Cascadelake-Server Cascadelake-Server-noTSX Cascadelake-Server-v1 Cascadelake-Server-v2
    Cascadelake-Server-v3 Cascadelake-Server-v4 Cascadelake-Server-v5 Icelake-Client
    Icelake-Client-noTSX Icelake-Server Icelake-Server-noTSX Icelake-Server-v1 Icelake-Server-v2
    Icelake-Server-v3 Icelake-Server-v4 Icelake-Server-v5 Icelake-Server-v6 Icelake-Server-v7 Cooperlake
    Cooperlake-v1 Cooperlake-v2 Snowridge Snowridge-v1 Snowridge-v2 Snowridge-v3 Snowridge-v4
    SapphireRapids SapphireRapids-v1 SapphireRapids-v2 SapphireRapids-v3 GraniteRapids GraniteRapids-v1
    GraniteRapids-v2 SierraForest SierraForest-v1 Denverton Denverton-v1 Denverton-v2 Denverton-v3
    KnightsMill KnightsMill-v1 athlon athlon-v1 phenom phenom-v1 Opteron_G1 Opteron_G1-v1 Opteron_G2
    Opteron_G2-v1 Opteron_G3 Opteron_G3-v1 Opteron_G4 Opteron_G4-v1 Opteron_G5 Opteron_G5-v1 EPYC
    EPYC-IBPB EPYC-v1 EPYC-v2 EPYC-v3 EPYC-v4 EPYC-Rome EPYC-Rome-v1 EPYC-Rome-v2 EPYC-Rome-v3
    EPYC-Rome-v4 EPYC-Milan EPYC-Milan-v1 EPYC-Milan-v2 EPYC-Genoa EPYC-Genoa-v1 Dhyana Dhyana-v1
    Dhyana-v2
"""
_PPC = "POWER6 POWER7 POWER8 POWER9 POWER10 POWERPC_e5500 POWERPC_e6500"

# Architectures that accept any name have an empty list.
_NAMES = {
    **dict.fromkeys(("i686", "x86_64"), _X86),
    **dict.fromkeys(("ppc64", "ppc64le"), _PPC),
    **dict.fromkeys(("aarch64", "armv6l", "armv7b", "armv7l", "loongarch64", "riscv64", "s390", "s390x"), ""),
}
# All architectures that libvirt has a name for.
ARCHITECTURES = frozenset(
    "alpha armv6l armv7l armv7b aarch64 cris i686 ia64 lm32 loongarch64 m68k microblaze microblazeel mips"
    " mipsel mips64 mips64el openrisc parisc parisc64 ppc ppc64 ppc64le ppcemb riscv32 riscv64 s390 s390x sh4"
    " sh4eb sparc sparc64 unicore32 x86_64 xtensa xtensaeb".split()
)


def names(arch: str) -> "list[str]":
    """Return the models of an architecture; [] when it accepts any name.

    Errors: INVALID_ARG for an unknown architecture; NO_SUPPORT for one without CPU models.
    """
    if arch not in ARCHITECTURES:
        raise VirError(INVALID_ARG, f"cannot find architecture {arch}")
    if arch not in _NAMES:
        raise VirError(NO_SUPPORT, f"'{arch}' architecture is not supported by CPU driver")
    return _NAMES[arch].split()
