"""Serves any Driver over libvirt's RPC protocol, to libvirt's own clients and to pyvirsh.

`calls` makes the driver's calls from packets, `peer` keeps what is known of one client, `loop` does the
input and output, `listen` opens what clients come in by.
"""
