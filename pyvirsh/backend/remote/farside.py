"""What runs on the far side of ssh: one shell line that finds libvirt's helper, pyvirsh or netcat.

Pure: it makes words and runs nothing.  Source: `reference/rpc/notes.md`, section 5.
"""

import shlex

from pyvirsh.backend.errors import INVALID_ARG, VirError
from pyvirsh.backend.remote.address import Address

PROXIES = ("auto", "native", "netcat", "pyvirsh")
SYSTEM_SOCKET = "/var/run/libvirt/libvirt-sock"


def command(address: Address, *, read_only: bool) -> str:
    """Return the command line for the far side's shell, whatever shell that is.

    Errors: INVALID_ARG for parameters that contradict each other.
    """
    proxy = address["proxy"] or ("netcat" if address["netcat"] or address["socket"] else "auto")
    if proxy not in PROXIES:
        raise VirError(INVALID_ARG, f"invalid proxy mode '{proxy}', should be one of: {', '.join(PROXIES)}")
    if proxy == "native" and address["netcat"]:
        raise VirError(INVALID_ARG, "netcat= goes with proxy=auto or proxy=netcat")
    uri = shlex.quote(address.helper_uri())
    helper = f"virt-ssh-helper {'-r ' if read_only else ''}{uri}"
    serve = f"pyvirsh serve --stdio {'--readonly ' if read_only else ''}-- {uri}"
    if proxy == "native":
        script = f"exec {helper}"
    elif proxy == "pyvirsh":
        script = f"exec {serve}"
    elif proxy == "netcat":
        script = _netcat(address, read_only=read_only)
    else:
        script = (
            f"if command -v virt-ssh-helper >/dev/null 2>&1; then exec {helper}; "
            f"elif command -v pyvirsh >/dev/null 2>&1; then exec {serve}; "
            f"else {_netcat(address, read_only=read_only)}; fi"
        )
    return f"sh -c {shlex.quote(script)}"


def _netcat(address: Address, *, read_only: bool) -> str:
    netcat = shlex.quote(address["netcat"] or "nc")
    path = shlex.quote(address["socket"] or SYSTEM_SOCKET + ("-ro" if read_only else ""))
    # Some netcats end only when they are told to after the end of input.
    return (
        f"if {netcat} -q 2>&1 | grep 'requires an argument' >/dev/null 2>&1; then ARG=-q0; else ARG=; fi; "
        f"exec {netcat} $ARG -U {path}"
    )


def ssh_argv(address: Address, program: str, line: str) -> "list[str]":
    """Return the words that run ssh(1) for `address`."""
    argv = [program, "-T", "-e", "none"]
    if address.port:
        argv += ["-p", str(address.port)]
    if address.user:
        argv += ["-l", address.user]
    if address["keyfile"]:
        argv += ["-i", address["keyfile"]]
    if address.is_set("no_tty"):
        argv += ["-o", "BatchMode=yes"]
    if address.is_set("no_verify"):
        argv += ["-o", "StrictHostKeyChecking=no"]
    if address["known_hosts"]:
        argv += ["-o", f"UserKnownHostsFile={address['known_hosts']}"]
    return [*argv, "--", address.host, line]
