"""The test host itself: what it is, its CPUs and its memory."""

import os

from pyvirsh.backend.checks import allowed, not_negative, not_zero
from pyvirsh.backend.constants import CONNECT_BASELINE_CPU_EXPAND_FEATURES
from pyvirsh.backend.errors import INTERNAL_ERROR, INVALID_ARG, VirError
from pyvirsh.backend.test.base import TestBase
from pyvirsh.backend.test.world import NodeInfo

_SYSINFO = """\
<sysinfo type='smbios'>
  <bios>
    <entry name='vendor'>LENOVO</entry>
    <entry name='version'>G4ETA1WW (2.61 )</entry>
    <entry name='date'>05/07/2014</entry>
    <entry name='release'>2.61</entry>
  </bios>
</sysinfo>
"""
_CPU_STATS = [("user", 9797400000), ("kernel", 34678723400000), ("idle", 87264900000), ("iowait", 763600000)]


class Node(TestBase):
    """The node."""

    def connect_get_type(self) -> str:
        return "TEST"

    def connect_get_version(self) -> int:
        return 2

    def connect_get_lib_version(self) -> int:
        return 11003000

    def connect_get_hostname(self) -> str:
        return os.uname().nodename

    def connect_get_uri(self) -> str:
        return self.uri

    def connect_get_max_vcpus(self, type: "str | None") -> int:
        return 32

    def connect_get_sysinfo(self, flags: int = 0) -> str:
        allowed(flags, 0, "testConnectGetSysinfo")
        return _SYSINFO

    def connect_get_capabilities(self) -> str:
        from pyvirsh.backend.test.capabilities import host_capabilities

        return host_capabilities(self.world)

    def connect_get_domain_capabilities(
        self,
        emulatorbin: "str | None",
        arch: "str | None",
        machine: "str | None",
        virttype: "str | None",
        flags: int = 0,
    ) -> str:
        from pyvirsh.backend.test.capabilities import domain_capabilities

        allowed(flags, 0, "testConnectGetDomainCapabilities")
        return domain_capabilities(emulatorbin, arch, machine, virttype)

    def connect_get_cpu_model_names(self, arch: str, flags: int = 0) -> "list[str]":
        from pyvirsh.backend.conf.cpumodels import names

        allowed(flags, 0, "testConnectGetCPUModelNames")
        return names(arch)

    def connect_baseline_cpu(self, xml_cpus: "list[str]", flags: int = 0) -> str:
        from pyvirsh.backend.conf.cpubaseline import baseline

        allowed(flags, CONNECT_BASELINE_CPU_EXPAND_FEATURES, "testConnectBaselineCPU")
        return baseline(xml_cpus, expand=bool(flags))

    # -- CPUs and memory -------------------------------------------------------------------------

    def node_get_info(self) -> NodeInfo:
        return self.world.node

    def node_get_security_model(self) -> "tuple[str, str]":
        return "testSecurity", ""

    def node_get_cpu_map(self, flags: int = 0) -> "tuple[bytes, int, int]":
        allowed(flags, 0, "testNodeGetCPUMap")
        return b"\x15", 3, 8

    def node_get_cpu_stats(self, cpu_num: int, flags: int = 0) -> "list[tuple[str, int]]":
        allowed(flags, 0, "testNodeGetCPUStats")
        return list(_CPU_STATS)

    def node_get_free_memory(self) -> int:
        if not self.world.cells:
            raise VirError(INTERNAL_ERROR, text="An error occurred, but the cause is unknown")
        return sum(cell.memory for cell in self.world.cells) // len(self.world.cells)

    def node_get_cells_free_memory(self, start_cell: int, maxcells: int) -> "list[int]":
        function = "virNodeGetCellsFreeMemory"
        not_zero(maxcells, "maxCells", function)
        not_negative(start_cell, "startCell", function)
        cells = self.world.cells
        if start_cell >= len(cells):
            raise VirError(INVALID_ARG, "Range exceeds available cells")
        return [cell.memory for cell in cells[start_cell : start_cell + maxcells]]

    def node_get_free_pages(
        self, pages: "list[int]", start_cell: int, cell_count: int, flags: int = 0
    ) -> "list[int]":
        allowed(flags, 0, "testNodeGetFreePages")
        # No real count: a formula that gives each node and size a number of its own.
        cells = range(start_cell, start_cell + cell_count)
        return [(14 + 12 * cell) * 2**at - 7 for cell in cells for at in range(len(pages))]
