"""Any libvirt daemon, or any pyvirsh that serves, by libvirt's own RPC protocol."""

from pyvirsh.backend.remote.opening import open

__all__ = ["open"]
