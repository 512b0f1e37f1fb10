"""The test driver: a host in memory that behaves as libvirt's test driver does.

``test:///default`` is one built-in world, shared by the handles of a process while one is open;
``test:///FILE`` is a world of its own for each connection, read from a node file.  With parameters
(``?latency=50ms&fail=domain_create:3``) a world is slow or fails, for testing scripts; see `tuned`.

Source: libvirt's test driver as observed through its API and virsh.
"""

from pyvirsh.backend.errors import INVALID_ARG, VirError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyvirsh.backend import Uri
    from pyvirsh.backend.api import Driver
    from pyvirsh.backend.test.driver import Ask


def open(uri: "Uri", *, read_only: bool = False, asker: "Callable[[], Ask | None] | None" = None) -> "Driver":
    """Open the built-in world or the one a node file describes.

    asker: gives what asks the user for a password.  Errors: INVALID_ARG without a path; what reading the
    node file raises; AUTH_FAILED.
    """
    if uri.path in ("", "/"):
        raise VirError(INVALID_ARG, "testOpen: supply a path or use test:///default")
    from pyvirsh.backend.test.driver import open_path

    opened = open_path(uri.path, asker() if asker is not None else None)
    if any(name in ("latency", "fail") for name, _ in uri.query):
        from pyvirsh.backend.test.tuned import Tuned

        opened.uri = uri.text
        return Tuned(opened, uri)
    return opened
