"""What a user at the machine would have: its consoles, its screens, its keyboard, its NMI button."""

import os
import time

from pyvirsh.backend import constants as c
from pyvirsh.backend.errors import VirError
from pyvirsh.commands import keycodes
from pyvirsh.commands.options import DOMAIN, DOMAIN_ACTIVE
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.binding import INT_MAX, LONG_MAX, parse_integer
from pyvirsh.spec import Table, exclusive, flag, number, text, word, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import DomainRef, Stream
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Domain Management", "domain")


# -- the console -----------------------------------------------------------------------------------


@TABLE.command(
    "console",
    "connect to a domain's text console",
    options=(
        DOMAIN_ACTIVE,
        text(
            "devname", "alias of the device, when not the first console", "console-device-alias", fills=True
        ),
        flag("force", "take it over from a session that holds it"),
        flag("resume", "let a suspended domain run once connected"),
        flag("safe", "only if the driver keeps others away from it"),
    ),
    description=(
        "The escape character, ^] unless set with -e, leaves it. What comes through a pipe or from a "
        "file is sent too; the console then lasts until the guest ends it or the escape character is read."
    ),
)
def console(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    flags = (c.DOMAIN_CONSOLE_FORCE if args.force else 0) | (c.DOMAIN_CONSOLE_SAFE if args.safe else 0)
    connect(ctx, dom, args.devname, flags, resume=args.resume)


def connect(
    ctx: "Session", dom: "DomainRef", device: "str | None" = None, flags: int = 0, *, resume: bool = False
) -> None:
    """Connect to a console until it ends.  Errors: CommandFailed, VirError."""
    from pyvirsh.shell import relay

    with ctx.failing("Unable to get domain status"):
        state = ctx.driver.domain_get_state(dom)[0]
    if state == c.DOMAIN_SHUTOFF:
        raise CommandFailed("The domain is not running")
    if not relay.has_input():
        raise CommandFailed("Cannot run interactive console without a controlling TTY")
    stream = ctx.driver.domain_open_console(dom, device, flags)
    try:
        ctx.out.note(f"Connected to domain '{dom.name}'")
        key = f" (Ctrl + {ctx.escape[1].upper()})" if len(ctx.escape) == 2 else ""
        ctx.out.note(f"Escape character is {ctx.escape}{key}")
        ctx.out.flush()
        if resume:
            _resume(ctx, dom)
        relay.run(stream, relay.escape_byte(ctx.escape))
    finally:
        stream.abort()


def _resume(ctx: "Session", dom: "DomainRef") -> None:
    try:
        ctx.driver.domain_resume(dom)
    except VirError as error:
        raise CommandFailed(f"Failed to resume domain '{dom.name}'") from error


@TABLE.command("ttyconsole", "show the device behind a domain's console", options=(DOMAIN_ACTIVE,))
def ttyconsole(ctx: "Session", args: "Args") -> None:
    from pyvirsh.backend.conf import xml

    dom = ctx.domain(args.domain)
    with ctx.failing("Failed to get domain description xml"):
        document = ctx.driver.domain_get_xml_desc(dom)
    first = xml.parse(document).find("devices/console[@tty]")
    if first is None:
        raise CommandFailed
    ctx.out.value("tty", str(first.get("tty")))


# -- screens ---------------------------------------------------------------------------------------


@TABLE.command("vncdisplay", "show where a domain's VNC screen is", options=(DOMAIN_ACTIVE,))
def vncdisplay(ctx: "Session", args: "Args") -> None:
    from pyvirsh.commands import displays

    shown = displays.vnc(_running_xml(ctx, args))
    if not shown:
        raise CommandFailed("Failed to get VNC port. Is this domain using VNC?")
    ctx.out.value("display", shown)


@TABLE.command(
    "domdisplay",
    "show the URI of a domain's screen",
    options=(
        DOMAIN_ACTIVE,
        flag("include-password", "with the password in it"),
        word(
            "type",
            "only a screen of this type",
            "enum:sdl,vnc,rdp,desktop,spice,egl-headless,dbus",
            required=False,
        ),
        flag("all", "all screens, one a line"),
    ),
    rules=(exclusive("all", "type"),),
)
def domdisplay(ctx: "Session", args: "Args") -> None:
    from pyvirsh.commands import displays

    document = _running_xml(ctx, args, c.DOMAIN_XML_SECURE if args.include_password else 0)
    type = args.type or ""
    found = []
    try:
        for screen in displays.uris(document, type, ctx.driver.uri):
            found.append(screen)
            if not args.all:
                break
    except ValueError as error:
        ctx.out.error(str(error))
    if not found:
        of_type = f" with type '{type}'" if type else ""
        raise CommandFailed(f"No graphical display{of_type} found")
    data = [{"type": kind, "uri": uri} for kind, uri in found]
    ctx.out.data(data, "".join(uri + "\n" for _, uri in found) if args.all else found[0][1])


def _running_xml(ctx: "Session", args: "Args", flags: int = 0) -> str:
    dom = ctx.domain(args.domain)
    if not ctx.driver.domain_is_active(dom):
        raise CommandFailed("Domain is not running")
    with ctx.failing("Failed to get domain description xml"):
        return ctx.driver.domain_get_xml_desc(dom, flags)


@TABLE.command(
    "domdisplay-reload",
    "let a domain's screens use new TLS certificates",
    options=(DOMAIN, number("type", "type of the screens, as a number; 0 for all")),
)
def domdisplay_reload(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    ctx.driver.domain_graphics_reload(dom, args.unsigned("type"))


@TABLE.command(
    "screenshot",
    "write a picture of a domain's screen to a file",
    options=(
        DOMAIN_ACTIVE,
        text(
            "file",
            "file to write; named after the domain and the time unless set",
            "file-path:new",
            fills=True,
        ),
        number("screen", "which screen, when there are several", fills=True),
    ),
)
def screenshot(ctx: "Session", args: "Args") -> None:
    path = args.file
    screen = args.unsigned("screen")
    dom = ctx.domain(args.domain)
    with ctx.failing(f"could not take a screenshot of {args.domain}"):
        mime, stream = ctx.driver.domain_screenshot(dom, screen)
    if not path:
        taken = time.strftime("%Y-%m-%d-%H:%M:%S")
        path = f"{dom.name}-{taken}{EXTENSIONS.get(mime, '')}"
    with ctx.failing(f"could not receive data from domain '{dom.name}'"):
        _store(stream, path)
    ctx.out.data({"file": path, "type": mime}, "")
    ctx.out.raw_note(f"Screenshot saved to {path}, with type of {mime}")


EXTENSIONS = {"image/png": ".png", "image/x-portable-pixmap": ".ppm"}


def _store(stream: "Stream", path: str) -> None:
    """Write a stream to a file; a file made for it is gone again if that fails."""
    new = not os.path.lexists(path)
    done = False
    try:
        with open(path, "wb") as file:
            while data := stream.recv(262120):
                file.write(data)
        stream.finish()
        done = True
    except OSError as error:
        raise CommandFailed(f"cannot create file {path}") from error
    finally:
        if not done:
            stream.abort()
            if new and os.path.lexists(path):
                os.unlink(path)


# -- keys and buttons ------------------------------------------------------------------------------


@TABLE.command("inject-nmi", "push a domain's NMI button", options=(DOMAIN_ACTIVE,))
def inject_nmi(ctx: "Session", args: "Args") -> None:
    ctx.driver.domain_inject_nmi(ctx.domain(args.domain))


def _key_names(ctx: "Session", args: "Args", detail: str) -> "list[str]":
    """Offer the names of keys in the set of codes that is given."""
    codeset = keycodes.codeset(str(args.values.get("codeset") or "linux"))
    return list(keycodes.names(codeset)) if codeset is not None else []


# What completion finds here.
OFFERS = {"keycode-name": (_key_names, False)}

# Keys that can be held down together.
KEYS_MAX = 16


@TABLE.command(
    "send-key",
    "press keys of a domain's keyboard, all at once",
    options=(
        DOMAIN_ACTIVE,
        text("codeset", "what the codes are; linux unless set", "enum:" + ",".join(keycodes.CODESETS)),
        number("holdtime", "milliseconds until they are released"),
        words("keycode", "the keys, by name or number", "keycode-name", required=True),
    ),
)
def send_key(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    name = str(args.values.get("codeset") or "linux")
    holdtime = args.unsigned("holdtime")
    codeset = keycodes.codeset(name)
    if codeset is None:
        raise CommandFailed(f"unknown codeset: '{name}'")
    names = keycodes.names(codeset)
    codes: list[int] = []
    for key in args.keycode:
        if len(codes) == KEYS_MAX:
            raise CommandFailed("too many keycodes")
        code = names.get(key, _c_number(key))
        if code is None or not 0 <= code <= keycodes.CODE_MAX:
            raise CommandFailed(f"invalid keycode: '{key}'")
        codes.append(code)
    ctx.driver.domain_send_key(dom, codeset, holdtime, codes)


def _c_number(text: str) -> "int | None":
    """Read a number of 0 or more as C does: 0x and 0 in front count."""
    body = text.lstrip(" \t\n\v\f\r").removeprefix("+").lower()
    base = 16 if body.startswith("0x") else 8 if body.startswith("0") else 10
    digits = body[2:] if base == 16 else body
    return int(digits, base) if digits and set(digits) <= set("0123456789abcdef"[:base]) else None


SIGNALS = (
    "nop,hup,int,quit,ill,trap,abrt,bus,fpe,kill,usr1,segv,usr2,pipe,alrm,term,stkflt,chld,cont,stop,tstp,"
    "ttin,ttou,urg,xcpu,xfsz,vtalrm,prof,winch,poll,pwr,sys"
).split(",")
REAL_TIME = [f"rt{number}" for number in range(33)]


@TABLE.command(
    "send-process-signal",
    "send a signal to a process inside a domain",
    options=(
        DOMAIN_ACTIVE,
        word("pid", "the process's id there", "none"),
        word("signame", "the signal, by name or number", "enum:" + ",".join(SIGNALS + REAL_TIME)),
    ),
)
def send_process_signal(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    pid = args.integer("pid", low=-LONG_MAX - 1, high=LONG_MAX)
    name = args.signame
    number = _signal(name)
    if number is None:
        raise CommandFailed(f"malformed signal name: {name}")
    ctx.driver.domain_send_process_signal(dom, pid, number)


def _signal(name: str) -> "int | None":
    short = name.lower().removeprefix("sig").removeprefix("_")
    known = SIGNALS + REAL_TIME
    if short in known:
        return known.index(short)
    number = parse_integer(name)
    return number if number is not None and 0 <= number <= INT_MAX else None


# -- containers ------------------------------------------------------------------------------------


@TABLE.command(
    "lxc-enter-namespace",
    "run a program inside a container",
    options=(
        DOMAIN_ACTIVE,
        flag("noseclabel", "without the container's security label"),
        words("cmd", "the program, by its whole path, and its arguments", "none", required=True),
    ),
)
def lxc_enter_namespace(ctx: "Session", args: "Args") -> None:
    from pyvirsh.commands import namespaces

    dom = ctx.domain(args.domain)
    fds = ctx.driver.domain_open_namespace(dom)
    label = None
    if not args.noseclabel:
        model = ctx.driver.node_get_security_model()[0]
        label = (model, ctx.driver.domain_get_security_label(dom)[0])
    ctx.out.flush()
    namespaces.run(fds, args.cmd, label if label and label[0] not in ("", "none") else None)
