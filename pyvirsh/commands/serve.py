"""Our own commands that make this host reachable: serve, install-helper."""

import os
import sys

from pyvirsh.errors import CommandFailed
from pyvirsh.spec import Table, exclusive, flag, text, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Virsh itself", "virsh")

SYSTEM_PKI = "/etc/pki/libvirt"

HELPER = """#!/bin/sh
# Takes the place of libvirt's helper of this name where libvirt is absent: a client starts it over ssh
# to reach this host's guests.  Made by pyvirsh install-helper.
readonly=
for word; do
    case "$word" in
        -r|--readonly) readonly=--readonly; shift ;;
        -V|--version) exec {program} --version ;;
        *) break ;;
    esac
done
exec {program} serve --stdio $readonly -- "$@"
"""
MARK = "Made by pyvirsh install-helper."


@TABLE.command(
    "serve",
    "let libvirt's clients use this host's drivers, over libvirt's own protocol",
    options=(
        word("uri", "what to open for a client that names nothing", required=False),
        flag("stdio", "serve one client on standard input and output, as ssh starts it"),
        text("socket", "serve on a UNIX socket at this path", "file-path"),
        text("listen", "serve TLS clients at this HOST[:PORT]"),
        text("pki", "directory of cacert.pem, servercert.pem and serverkey.pem", "file-path"),
        flag("readonly", "allow nothing that changes anything"),
    ),
    rules=(exclusive("stdio", "socket"), exclusive("stdio", "listen")),
    description=(
        "Serves until it is stopped; with --stdio until the client goes. Started by systemd's sockets it "
        "serves on those. TLS clients must show a certificate that cacert.pem vouches for."
    ),
    needs_connection=False,
    hidden=True,
)
def serve(ctx: "Session", args: "Args") -> None:
    from pyvirsh import backend
    from pyvirsh.server import listen
    from pyvirsh.server.loop import Server

    default = args.uri or ctx.uri or backend.resolve(None, os.environ)
    server = Server(listen.opener(default), read_only=args.readonly or ctx.read_only)
    if args.stdio:
        listen.add_stdio(server)
    passed = not args.stdio and listen.add_passed(server)
    if args.socket:
        listen.add_socket(server, args.socket)
    if args.listen:
        listen.add_tls(server, args.listen, args.pki or SYSTEM_PKI)
    if not (args.stdio or args.socket or args.listen or passed):
        raise CommandFailed("say where to serve: --stdio, --socket PATH or --listen HOST[:PORT]")
    ctx.out.flush()
    listen.run(server)


@TABLE.command(
    "install-helper",
    "let libvirt's own clients reach this host over ssh, where libvirt is absent",
    options=(
        word(
            "dir",
            "directory on the PATH of ssh's commands; /usr/local/bin unless set",
            "file-path",
            required=False,
        ),
    ),
    description="Puts a script called virt-ssh-helper there, never over one that is not ours.",
    needs_connection=False,
    hidden=True,
)
def install_helper(ctx: "Session", args: "Args") -> None:
    import shlex
    import shutil

    directory = args.dir or ("/usr/local/bin" if os.geteuid() == 0 else os.path.expanduser("~/.local/bin"))
    path = os.path.join(directory, "virt-ssh-helper")
    other = shutil.which("virt-ssh-helper")
    for there in {path, other} - {None}:
        if os.path.lexists(str(there)) and not _is_ours(str(there)):
            raise CommandFailed(f"{there} is libvirt's own or somebody else's and is left as it is")
    program = shutil.which(sys.argv[0]) or sys.argv[0]
    _write(path, HELPER.format(program=shlex.quote(os.path.abspath(program))))
    ctx.out.note(f"Helper installed as {path}")


def _is_ours(path: str) -> bool:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return MARK in file.read(4096)
    except OSError:
        return False


def _write(path: str, text: str) -> None:
    """Write an executable, whole or not at all.  Errors: CommandFailed."""
    scratch = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(scratch, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(scratch, 0o755)
        os.replace(scratch, path)
    except OSError as error:
        raise CommandFailed(f"cannot write {path}: {error.strerror}") from error
