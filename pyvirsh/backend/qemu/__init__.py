"""The embedded QEMU driver: guests without a daemon."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend import Uri
    from pyvirsh.backend.qemu.driver import QemuDriver


def open(uri: "Uri", *, read_only: bool) -> "QemuDriver":
    """Open the connection that a ``qemu:///`` URI names.  Errors: VirError."""
    from pyvirsh.backend.qemu import roots
    from pyvirsh.backend.qemu.driver import QemuDriver

    return QemuDriver(roots.of(uri))
