"""Capabilities of a test host and of its domains, as XML.

Source: what virsh shows of them.
"""

from pyvirsh.backend.conf.cpumodels import ARCHITECTURES
from pyvirsh.backend.conf.xml import escape
from pyvirsh.backend.errors import INVALID_ARG, VirError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.test.world import Cell, World

_HOST = """\
<capabilities>

  <host>
    <cpu>
      <arch>i686</arch>
      <features>
        <pae/>
        <nonpae/>
      </features>
      <pages unit='KiB' size='4'/>
      <pages unit='KiB' size='8'/>
      <pages unit='KiB' size='2048'/>
      <pages unit='KiB' size='1048576'/>
    </cpu>
    <power_management/>
    <iommu support='no'/>
    <topology>
      <cells num='{count}'>
{cells}      </cells>
    </topology>
    <secmodel>
      <model>testSecurity</model>
      <doi></doi>
    </secmodel>
  </host>

"""
_GUEST = """\
  <guest>
    <os_type>{os_type}</os_type>
    <arch name='i686'>
      <wordsize>32</wordsize>
      <emulator>/usr/bin/test-hv</emulator>
      <domain type='test'/>
    </arch>
    <features>
      <pae/>
      <nonpae/>
    </features>
  </guest>

"""
_CPU = (
    "            <cpu id='{cpu}' socket_id='{cell}' die_id='0' cluster_id='0' core_id='{core}'"
    " siblings='{cpu}'/>\n"
)
_CPU_MODES = ("host-passthrough", "maximum", "host-model", "custom")


def host_capabilities(world: "World") -> str:
    """Return the host's capabilities."""
    cells = "".join(_cell(number, cell) for number, cell in enumerate(world.cells))
    guests = "".join(_GUEST.format(os_type=os_type) for os_type in ("hvm", "xen"))
    return _HOST.format(count=len(world.cells), cells=cells) + guests + "</capabilities>\n"


def _cell(number: int, cell: "Cell") -> str:
    cpus = "".join(_CPU.format(cpu=cpu, cell=number, core=core) for core, cpu in enumerate(cell.cpus))
    pages = "".join(
        f"          <pages unit='KiB' size='{size}'>{count}</pages>\n" for size, count in cell.pages.items()
    )
    return (
        f"        <cell id='{number}'>\n"
        f"          <memory unit='KiB'>{cell.memory}</memory>\n"
        f"{pages}"
        f"          <cpus num='{len(cell.cpus)}'>\n{cpus}          </cpus>\n"
        "        </cell>\n"
    )


def domain_capabilities(
    emulator: "str | None", arch: "str | None", machine: "str | None", virttype: "str | None"
) -> str:
    """Return what domains of a kind could have: nothing but what was asked for.

    Errors: INVALID_ARG for an unknown architecture or type.
    """
    from pyvirsh.backend.conf.domain.domain import VIRT_TYPES

    if arch is not None and arch not in ARCHITECTURES:
        raise VirError(INVALID_ARG, f"unknown architecture: {arch}")
    if virttype is not None and virttype not in ("none", *VIRT_TYPES):
        raise VirError(INVALID_ARG, f"unknown virttype: {virttype}")
    asked = (
        ("path", emulator),
        ("domain", virttype or "test"),
        ("machine", machine),
        ("arch", arch or "i686"),
    )
    head = "".join(f"  <{tag}>{escape(value)}</{tag}>\n" for tag, value in asked if value)
    modes = "".join(f"    <mode name='{mode}' supported='no'/>\n" for mode in _CPU_MODES)
    return (
        f"<domainCapabilities>\n{head}  <cpu>\n{modes}  </cpu>\n  <devices>\n  </devices>\n  <features>\n"
        "    <sev supported='no'/>\n    <sgx supported='no'/>\n  </features>\n</domainCapabilities>\n"
    )
