"""What `migrate` does: flags and parameters of its options, the way they ask for, the watch over it."""

from pyvirsh import backend
from pyvirsh.backend import constants as c
from pyvirsh.backend import migrate
from pyvirsh.backend.api import PARAM_INT, PARAM_STRING, PARAM_ULLONG
from pyvirsh.backend.errors import ARGUMENT_UNSUPPORTED, INVALID_ARG, VirError, unsupported
from pyvirsh.backend.readonly import refused
from pyvirsh.commands import files, params
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.output import DEBUG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyvirsh.backend.api import DomainRef, Driver, TypedParam
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

FLAGS = {
    "live": c.MIGRATE_LIVE,
    "p2p": c.MIGRATE_PEER2PEER,
    "tunnelled": c.MIGRATE_TUNNELLED,
    "persistent": c.MIGRATE_PERSIST_DEST,
    "undefinesource": c.MIGRATE_UNDEFINE_SOURCE,
    "suspend": c.MIGRATE_PAUSED,
    "copy-storage-all": c.MIGRATE_NON_SHARED_DISK,
    "copy-storage-inc": c.MIGRATE_NON_SHARED_INC,
    "copy-storage-synchronous-writes": c.MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES,
    "change-protection": c.MIGRATE_CHANGE_PROTECTION,
    "unsafe": c.MIGRATE_UNSAFE,
    "compressed": c.MIGRATE_COMPRESSED,
    "auto-converge": c.MIGRATE_AUTO_CONVERGE,
    "rdma-pin-all": c.MIGRATE_RDMA_PIN_ALL,
    "offline": c.MIGRATE_OFFLINE,
    "abort-on-error": c.MIGRATE_ABORT_ON_ERROR,
    "postcopy": c.MIGRATE_POSTCOPY,
    "postcopy-resume": c.MIGRATE_POSTCOPY_RESUME,
    "zerocopy": c.MIGRATE_ZEROCOPY,
    "tls": c.MIGRATE_TLS,
    "parallel": c.MIGRATE_PARALLEL,
}

# Options whose value is a list or the name of a file, beside those that are the value.
_LIST, _FILE = -1, -2
# (option, parameter, its type), in the order in which they are read.
PARAMS = (
    ("migrateuri", "migrate_uri", PARAM_STRING),
    ("graphicsuri", "graphics_uri", PARAM_STRING),
    ("listen-address", "listen_address", PARAM_STRING),
    ("disks-port", "disks_port", PARAM_INT),
    ("disks-uri", "disks_uri", PARAM_STRING),
    ("dname", "destination_name", PARAM_STRING),
    ("migrate-disks", "migrate_disks", _LIST),
    ("migrate-disks-detect-zeroes", "migrate_disks_detect_zeroes", _LIST),
    ("migrate-disks-target-zero", "migrate_disks_target_zero", _LIST),
    ("comp-methods", "compression", _LIST),
    ("comp-mt-level", "compression.mt.level", PARAM_INT),
    ("comp-mt-threads", "compression.mt.threads", PARAM_INT),
    ("comp-mt-dthreads", "compression.mt.dthreads", PARAM_INT),
    ("comp-xbzrle-cache", "compression.xbzrle.cache", PARAM_ULLONG),
    ("xml", "destination_xml", _FILE),
    ("persistent-xml", "persistent_xml", _FILE),
    ("auto-converge-initial", "auto_converge.initial", PARAM_INT),
    ("auto-converge-increment", "auto_converge.increment", PARAM_INT),
    ("postcopy-bandwidth", "bandwidth.postcopy", PARAM_ULLONG),
    ("parallel-connections", "parallel.connections", PARAM_INT),
    ("comp-zlib-level", "compression.zlib.level", PARAM_INT),
    ("comp-zstd-level", "compression.zstd.level", PARAM_INT),
    ("bandwidth", "bandwidth", PARAM_ULLONG),
    ("tls-destination", "tls.destination", PARAM_STRING),
    ("available-switchover-bandwidth", "bandwidth.avail.switchover", PARAM_ULLONG),
)
# Options that only say how disks are copied.
ABOUT_DISKS = ("migrate-disks", "migrate-disks-detect-zeroes", "migrate-disks-target-zero")

_P2P, _DIRECT, _V3, _OFFLINE = 4, 5, 6, 12


def run(ctx: "Session", args: "Args") -> None:
    """Migrate as the options ask, watching."""
    from pyvirsh.shell import progress

    dom = ctx.domain(args.domain)
    timeout = _timeout(args)
    uri = args.desturi
    by_client = not (args.p2p or args.direct)
    destination = backend.open(uri) if by_client else None
    try:
        flags = sum(number for option, number in FLAGS.items() if args[option])
        given = _params(args)
        if ctx.driver.read_only:
            raise refused("virDomainMigrate3" if by_client else "virDomainMigrateToURI3")
        if destination is not None:
            work = _managed(ctx.driver, destination, dom, given, flags)
        else:
            work = _by_drivers(ctx.driver, dom, uri, given, flags)
        job = progress.Job(
            "Migration",
            verbose=args.verbose,
            timeout=timeout,
            on_timeout=_on_timeout(ctx, args, dom),
            on_look=_after_precopy(ctx, dom) if args.postcopy_after_precopy else None,
        )
        progress.run(ctx, dom, job, work)
    finally:
        if destination is not None:
            destination.close()


def _timeout(args: "Args") -> "int | None":
    """Read ``--timeout``: None without one, and for 0."""
    timeout = args.unsigned("timeout")
    if timeout and not args.live:
        raise CommandFailed("migrate: Unexpected timeout for offline migration")
    if (args.timeout_suspend or args.timeout_postcopy) and not timeout:
        raise CommandFailed("migrate: Unexpected --timeout-* option without --timeout")
    return timeout or None


def _params(args: "Args") -> "list[TypedParam]":
    found: list[TypedParam] = []
    _check_storage(args, "copy-storage-synchronous-writes")
    for option, name, type in PARAMS:
        if option in ABOUT_DISKS:
            _check_storage(args, option)
        if type == _LIST and args[option]:
            found += [(name, PARAM_STRING, item) for item in args[option].split(",")]
        elif type == _FILE and args[option]:
            found.append((name, PARAM_STRING, _read(args[option])))
        elif type > 0:
            found += params.typed(args, ((option, name, type),))
    return found


def _check_storage(args: "Args", option: str) -> None:
    if args[option] and not (args.copy_storage_all or args.copy_storage_inc):
        raise CommandFailed(f"'--{option}' requires one of '--copy-storage-all', '--copy-storage-inc'")


def _read(path: str) -> str:
    try:
        return files.read(path)
    except CommandFailed as error:
        raise CommandFailed(f"cannot read file '{path}'", *error.texts) from error


# -- the ways --------------------------------------------------------------------------------------


def _managed(
    source: "Driver", destination: "Driver", dom: "DomainRef", given: "list[TypedParam]", flags: int
) -> "Callable[[], object]":
    """Make the call for a migration whose steps this program carries."""
    if flags & c.MIGRATE_TUNNELLED:
        reason = "cannot perform tunnelled migration without using peer2peer flag"
        raise VirError(INVALID_ARG, text=reason)
    _check_flags(flags)
    if not source.connect_supports_feature(_V3) or not destination.connect_supports_feature(_V3):
        if flags & c.MIGRATE_OFFLINE:
            raise VirError(ARGUMENT_UNSUPPORTED, "offline migration is not supported by the source host")
        raise unsupported("virDomainMigrate3")
    return lambda: migrate.managed(source, destination, dom, given, flags)


def _by_drivers(
    source: "Driver", dom: "DomainRef", uri: str, given: "list[TypedParam]", flags: int
) -> "Callable[[], object]":
    """Make the call for a migration that the drivers, or the hypervisors, do among themselves."""
    _check_flags(flags)
    if flags & c.MIGRATE_OFFLINE and not source.connect_supports_feature(_OFFLINE):
        raise VirError(ARGUMENT_UNSUPPORTED, "offline migration is not supported by the source host")
    if flags & c.MIGRATE_PEER2PEER:
        if not source.connect_supports_feature(_P2P):
            raise VirError(ARGUMENT_UNSUPPORTED, "p2p migration is not supported by the source host")
        if _is_here(backend.Uri(uri)):
            raise VirError(INVALID_ARG, text="Attempt to migrate guest to the same host")
        return lambda: source.domain_migrate_perform3_params(dom, uri, given, b"", flags)
    if not source.connect_supports_feature(_DIRECT):
        raise VirError(ARGUMENT_UNSUPPORTED, "direct migration is not supported by the source host")
    known = {name: value for name, _, value in given}
    xml, to, name = (known.get(key) for key in ("destination_xml", "migrate_uri", "destination_name"))
    speed = int(known.get("bandwidth", 0))
    return lambda: source.domain_migrate_perform3(
        dom, _text(xml), b"", None, _text(to), flags, _text(name), speed
    )


def _is_here(uri: backend.Uri) -> bool:
    """Say whether a URI seems to lead to this host; that of a UNIX socket may be forwarded."""
    host = uri.authority.rpartition("@")[2]
    if not host and uri.scheme.endswith("+unix"):
        return uri.parameter("socket") is None
    return not host or host.startswith("localhost")


def _text(value: "int | float | str | None") -> "str | None":
    return None if value is None else str(value)


def _check_flags(flags: int) -> None:
    both = c.MIGRATE_TUNNELLED | c.MIGRATE_PARALLEL
    if flags & both == both:
        reason = "Flags 'VIR_MIGRATE_TUNNELLED' and 'VIR_MIGRATE_PARALLEL' are mutually exclusive"
        raise VirError(INVALID_ARG, text=reason)


# -- while it runs ---------------------------------------------------------------------------------


def _on_timeout(ctx: "Session", args: "Args", dom: "DomainRef") -> "Callable[[Driver], None]":
    def suspend(driver: "Driver") -> None:
        ctx.out.debug(DEBUG, "migration timed out; suspending domain")
        try:
            driver.domain_suspend(dom)
        except VirError:
            ctx.out.debug(DEBUG, "suspending domain failed")

    def switch(driver: "Driver") -> None:
        ctx.out.debug(DEBUG, "migration timed out; switching to post-copy")
        _start_post_copy(ctx, driver, dom)

    return switch if args.timeout_postcopy else suspend


def _after_precopy(ctx: "Session", dom: "DomainRef") -> "Callable[[Driver], None]":
    """Switch to post-copy, once, when memory is being copied the second time."""
    switched = False

    def look(driver: "Driver") -> None:
        nonlocal switched
        if switched:
            return
        try:
            stats = driver.domain_get_job_stats(dom)[1]
        except VirError:
            return
        iteration = params.find(stats, "memory_iteration")
        if iteration is not None and int(iteration) >= 2:
            switched = True
            ctx.out.debug(DEBUG, "iteration 1 finished; switching to post-copy")
            _start_post_copy(ctx, driver, dom)

    return look


def _start_post_copy(ctx: "Session", driver: "Driver", dom: "DomainRef") -> None:
    try:
        driver.domain_migrate_start_post_copy(dom)
    except VirError:
        ctx.out.debug(DEBUG, "switching to post-copy failed")
