"""Look-ups of everything but domains by what the user typed, in virsh's order, with its messages.

Source: measured in `shell-semantics`, section 5, and on virsh 11.3.0.
"""

from pyvirsh.backend.errors import INVALID_ARG, VirError
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.output import DEBUG, INFO, Output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from pyvirsh.backend.api import (
        Driver,
        InterfaceRef,
        NetworkPortRef,
        NetworkRef,
        NodeDeviceRef,
        NWFilterBindingRef,
        NWFilterRef,
        SecretRef,
        StoragePoolRef,
        StorageVolRef,
    )
    from pyvirsh.shell.binding import Args

    R = TypeVar("R")

_HEX = "0123456789abcdefABCDEF"
_BLANKS = " \t\n\v\f\r"


class Lookups:
    """The part of a session that finds networks, pools, volumes and the like.

    Each method takes the text typed and the option it came from and raises CommandFailed when
    there is no such object.  `by` names what is tried, in virsh's order.
    """

    out: Output
    command: str

    if TYPE_CHECKING:

        @property
        def driver(self) -> Driver: ...

    def found(self, option: str, text: str, level: int = INFO) -> None:
        """Write the debug line virsh writes when it reads an object's option."""
        self.out.debug(level, f"{self.command}: found option <{option}>: {text}")

    # -- by UUID, then by name ---------------------------------------------------------------------

    def network(self, text: str, *, option: str = "network", by: str = "uuid name") -> "NetworkRef":
        """Find a network."""
        driver, api = self.driver, "virNetworkLookupByUUIDString"
        by_uuid = ("network UUID", lambda: driver.network_lookup_by_uuid(uuid_of(text, api)))
        by_name = ("network NAME", lambda: driver.network_lookup_by_name(text))
        return self._first("network", option, text, _chosen(by, text, by_uuid, by_name))

    def pool(self, text: str, *, option: str = "pool", by: str = "uuid name") -> "StoragePoolRef":
        """Find a storage pool."""
        driver, api = self.driver, "virStoragePoolLookupByUUIDString"
        by_uuid = ("pool UUID", lambda: driver.storage_pool_lookup_by_uuid(uuid_of(text, api)))
        by_name = ("pool NAME", lambda: driver.storage_pool_lookup_by_name(text))
        return self._first("pool", option, text, _chosen(by, text, by_uuid, by_name))

    def nwfilter(self, text: str) -> "NWFilterRef":
        """Find a network filter."""
        driver, api = self.driver, "virNWFilterLookupByUUIDString"
        by_uuid = ("nwfilter UUID", lambda: driver.nwfilter_lookup_by_uuid(uuid_of(text, api)))
        by_name = ("nwfilter NAME", lambda: driver.nwfilter_lookup_by_name(text))
        return self._first("nwfilter", "nwfilter", text, _chosen("uuid name", text, by_uuid, by_name))

    # -- in one way only -----------------------------------------------------------------------------

    def nwfilter_binding(self, text: str) -> "NWFilterBindingRef":
        """Find a filter's binding by the port it is bound to."""
        tries = [("nwfilter binding port dev", lambda: self.driver.nwfilter_binding_lookup_by_port_dev(text))]
        return self._first("nwfilter binding", "binding", text, tries)

    def secret(self, text: str) -> "SecretRef":
        """Find a secret by its UUID, written in any way libvirt takes."""
        self.found("secret", text, DEBUG)
        try:
            return self.driver.secret_lookup_by_uuid(uuid_of(text, "virSecretLookupByUUIDString"))
        except VirError as error:
            raise CommandFailed(f"failed to get secret '{text}'", error.text) from error

    def network_port(self, network: "NetworkRef", text: str) -> "NetworkPortRef":
        """Find a port of a network by its UUID."""
        driver, api = self.driver, "virNetworkPortLookupByUUIDString"
        tries = [("network UUID", lambda: driver.network_port_lookup_by_uuid(network, uuid_of(text, api)))]
        return self._first("network port", "port", text, tries)

    def nodedev(self, text: str, *, wwn: bool = False) -> "NodeDeviceRef":
        """Find a device of the node by name; `wwn`: a pair WWNN,WWPN may name it too."""
        names = text.split(",") if wwn else [text]
        if len(names) > 2:
            raise CommandFailed(f"Malformed device value '{text}'")
        try:
            if len(names) == 1:
                return self.driver.node_device_lookup_by_name(text)
            return self.driver.node_device_lookup_scsi_host_by_wwn(wwn_of(names[0]), wwn_of(names[1]))
        except VirError as error:
            raise CommandFailed(f"Could not find matching device '{text}'", error.text) from error

    def interface(self, text: str, *, option: str = "interface", by: str = "mac name") -> "InterfaceRef":
        """Find an interface of the host: by its MAC address if `text` is one, else by name."""
        driver = self.driver
        tries: list[tuple[str, Callable[[], InterfaceRef]]] = []
        if is_mac(text):
            if "mac" in by:
                tries = [("interface MAC", lambda: driver.interface_lookup_by_mac_string(text))]
        elif "name" in by:
            tries = [("interface NAME", lambda: driver.interface_lookup_by_name(text))]
        return self._first("interface", option, text, tries)

    # -- volumes -------------------------------------------------------------------------------------

    def volume(self, args: "Args", *, option: str = "vol", pool_option: str = "pool") -> "StorageVolRef":
        """Find the volume that two options name.

        With a pool: its name there, then its key, then its path, and it must be of that pool;
        without: key, then path.  `pool_option` may be one the command does not declare.
        """
        text = str(args[option])
        pool = self._active_pool(args, pool_option)
        self.found(option, text, DEBUG)
        driver = self.driver
        tries: list[tuple[str, Callable[[], StorageVolRef]]] = []
        if pool is not None:
            in_pool = pool
            tries.append(("vol name", lambda: driver.storage_vol_lookup_by_name(in_pool, text)))
        tries.append(("vol key", lambda: driver.storage_vol_lookup_by_key(text)))
        tries.append(("vol path", lambda: driver.storage_vol_lookup_by_path(text)))
        hints = pool is None and args.command.option(pool_option) is not None
        hint = f", specifying --{pool_option} might help" if hints else ""
        vol = self._try(option, f"failed to get vol '{text}'{hint}", tries)
        if pool is not None and self._pool_of(vol) not in (pool.name, None):
            raise CommandFailed(f"Requested volume '{text}' is not in pool '{pool.name}'")
        return vol

    def _pool_of(self, vol: "StorageVolRef") -> "str | None":
        """Return the name of a volume's pool, None if the driver cannot tell."""
        try:
            return self.driver.storage_pool_lookup_by_volume(vol).name
        except VirError:
            return None

    def _active_pool(self, args: "Args", option: str) -> "StoragePoolRef | None":
        if args.command.option(option) is None or not args.given(option):
            return None
        text = str(args[option])
        pool = self.pool(text, option=option)
        try:
            active = self.driver.storage_pool_is_active(pool)
        except VirError as error:
            raise CommandFailed(f"pool '{text}' is not active", error.text) from error
        if not active:
            raise CommandFailed(f"pool '{text}' is not active")
        return pool

    # -- trying ------------------------------------------------------------------------------------

    def _first(self, kind: str, option: str, text: str, tries: "list[tuple[str, Callable[[], R]]]") -> "R":
        self.found(option, text)
        return self._try(option, f"failed to get {kind} '{text}'", tries)

    def _try(self, option: str, failure: str, tries: "list[tuple[str, Callable[[], R]]]") -> "R":
        """Return what the first successful try finds; fail with the reason of the last one."""
        reason: VirError | None = None
        for what, look_up in tries:
            self.out.debug(DEBUG, f"{self.command}: <{option}> trying as {what}")
            try:
                return look_up()
            except VirError as error:
                reason = error
        raise CommandFailed(failure, *([reason.text] if reason else [])) from reason


def _chosen(by: str, text: str, by_uuid: "R", by_name: "R") -> "list[R]":
    """Return the tries that `by` allows; what is no UUID's length is not tried as one."""
    tries = [by_uuid] if "uuid" in by and len(text) == 36 else []
    return [*tries, by_name] if "name" in by else tries


def uuid_of(text: str, api: str) -> str:
    """Return a UUID in its usual form; blanks and dashes may stand before each byte.

    Errors: VirError naming the call `api`, which libvirt checks it in.
    """
    rest = text.lstrip(_BLANKS)
    digits = ""
    for _ in range(16):
        rest = rest.lstrip("- ")
        if len(rest) < 2 or rest[0] not in _HEX or rest[1] not in _HEX:
            break
        digits, rest = digits + rest[:2].lower(), rest[2:]
    if len(digits) < 32 or rest.strip(_BLANKS):
        raise VirError(INVALID_ARG, text=f"uuidstr in {api} must be a valid UUID")
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def is_mac(text: str) -> bool:
    """Say whether `text` begins with a MAC address and goes on, if at all, with a blank."""
    parts = text.split(":")
    if len(parts) != 6:
        return False
    last = parts[5]
    for at, char in enumerate(last):
        if char in _BLANKS:
            parts[5] = last[:at]
            break
    return all(0 < len(part) <= 2 and all(char in _HEX for char in part) for part in parts)


def wwn_of(text: str) -> str:
    """Return a world wide name, which is 16 hexadecimal digits, perhaps behind 0x.  Errors: CommandFailed."""
    digits = text.removeprefix("0x")
    if len(digits) != 16 or not all(char in _HEX for char in digits):
        raise CommandFailed(f"internal error: Malformed wwn: {text}")
    return text
