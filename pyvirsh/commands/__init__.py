"""Every command's name and the module that declares it, in the order help shows them.

Nothing is imported until a command is used.  A test holds `INDEX` against the declarations.
"""

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.spec import Command, Table

# (keyword, title) of each help group -> command -> module of this package.
GROUPS: "dict[tuple[str, str], dict[str, str]]" = {
    ("domain", "Domain Management"): {
        "autostart": "lifecycle",
        "console": "console",
        "cpu-stats": "vcpus",
        "create": "lifecycle",
        "define": "lifecycle",
        "desc": "config",
        "destroy": "lifecycle",
        "domdisplay": "console",
        "domid": "identity",
        "domname": "identity",
        "domrename": "lifecycle",
        "domuuid": "identity",
        "domxml-from-native": "config",
        "domxml-to-native": "config",
        "dumpxml": "config",
        "edit": "config",
        "inject-nmi": "console",
        "send-key": "console",
        "metadata": "config",
        "qemu-monitor-command": "qemu",
        "qemu-monitor-event": "qemu",
        "qemu-agent-command": "qemu",
        "reboot": "lifecycle",
        "reset": "lifecycle",
        "resume": "lifecycle",
        "screenshot": "console",
        "set-lifecycle-action": "lifecycle",
        "shutdown": "lifecycle",
        "start": "lifecycle",
        "suspend": "lifecycle",
        "ttyconsole": "console",
        "undefine": "lifecycle",
        "vcpucount": "vcpus",
        "vcpuinfo": "vcpus",
        "vncdisplay": "console",
    },
    ("monitor", "Domain Monitoring"): {
        "domblkinfo": "monitor",
        "domblklist": "monitor",
        "domblkstat": "monitor",
        "domcontrol": "monitor",
        "domif-getlink": "monitor",
        "domiflist": "monitor",
        "domifstat": "monitor",
        "dominfo": "monitor",
        "dommemstat": "monitor",
        "domstate": "monitor",
        "domstats": "domstats",
        "list": "monitor",
    },
    ("events", "Domain Events"): {
        "event": "events",
    },
    ("host", "Host and Hypervisor"): {
        "capabilities": "host",
        "domcapabilities": "host",
        "freecell": "node",
        "hostname": "host",
        "maxvcpus": "host",
        "nodecpumap": "node",
        "nodecpustats": "node",
        "nodeinfo": "node",
        "nodememstats": "node",
        "sysinfo": "host",
        "uri": "host",
        "version": "host",
    },
    ("virsh", "Virsh itself"): {
        "cd": "virsh",
        "echo": "virsh",
        "exit": "virsh",
        "help": "virsh",
        "pwd": "virsh",
        "quit": "virsh",
        "connect": "virsh",
        "self-test": "virsh",
        "complete": "virsh",
    },
}

INDEX = {name: module for group in GROUPS.values() for name, module in group.items()}


def load(name: str) -> "Command":
    """Import the module that declares `name` and return the declaration."""
    table: Table = import_module(f"pyvirsh.commands.{INDEX[name]}").TABLE
    return table.commands[name]
