"""The one exception drivers raise, with libvirt's error codes and the text each begins with.

Source: libvirt's virErrorNumber; `reference/rpc/errors.json` lists numbers and texts.
"""

OK = 0
INTERNAL_ERROR = 1
NO_MEMORY = 2
NO_SUPPORT = 3
UNKNOWN_HOST = 4
NO_CONNECT = 5
INVALID_CONN = 6
INVALID_DOMAIN = 7
INVALID_ARG = 8
OPERATION_FAILED = 9
GET_FAILED = 10
POST_FAILED = 11
HTTP_ERROR = 12
SEXPR_SERIAL = 13
NO_XEN = 14
XEN_CALL = 15
OS_TYPE = 16
NO_KERNEL = 17
NO_ROOT = 18
NO_SOURCE = 19
NO_TARGET = 20
NO_NAME = 21
NO_OS = 22
NO_DEVICE = 23
NO_XENSTORE = 24
DRIVER_FULL = 25
CALL_FAILED = 26
XML_ERROR = 27
DOM_EXIST = 28
OPERATION_DENIED = 29
OPEN_FAILED = 30
READ_FAILED = 31
PARSE_FAILED = 32
CONF_SYNTAX = 33
WRITE_FAILED = 34
XML_DETAIL = 35
INVALID_NETWORK = 36
NETWORK_EXIST = 37
SYSTEM_ERROR = 38
RPC = 39
GNUTLS_ERROR = 40
WAR_NO_NETWORK = 41
NO_DOMAIN = 42
NO_NETWORK = 43
INVALID_MAC = 44
AUTH_FAILED = 45
INVALID_STORAGE_POOL = 46
INVALID_STORAGE_VOL = 47
WAR_NO_STORAGE = 48
NO_STORAGE_POOL = 49
NO_STORAGE_VOL = 50
WAR_NO_NODE = 51
INVALID_NODE_DEVICE = 52
NO_NODE_DEVICE = 53
NO_SECURITY_MODEL = 54
OPERATION_INVALID = 55
WAR_NO_INTERFACE = 56
NO_INTERFACE = 57
INVALID_INTERFACE = 58
MULTIPLE_INTERFACES = 59
WAR_NO_NWFILTER = 60
INVALID_NWFILTER = 61
NO_NWFILTER = 62
BUILD_FIREWALL = 63
WAR_NO_SECRET = 64
INVALID_SECRET = 65
NO_SECRET = 66
CONFIG_UNSUPPORTED = 67
OPERATION_TIMEOUT = 68
MIGRATE_PERSIST_FAILED = 69
HOOK_SCRIPT_FAILED = 70
INVALID_DOMAIN_SNAPSHOT = 71
NO_DOMAIN_SNAPSHOT = 72
INVALID_STREAM = 73
ARGUMENT_UNSUPPORTED = 74
STORAGE_PROBE_FAILED = 75
STORAGE_POOL_BUILT = 76
SNAPSHOT_REVERT_RISKY = 77
OPERATION_ABORTED = 78
AUTH_CANCELLED = 79
NO_DOMAIN_METADATA = 80
MIGRATE_UNSAFE = 81
OVERFLOW = 82
BLOCK_COPY_ACTIVE = 83
OPERATION_UNSUPPORTED = 84
SSH = 85
AGENT_UNRESPONSIVE = 86
RESOURCE_BUSY = 87
ACCESS_DENIED = 88
DBUS_SERVICE = 89
STORAGE_VOL_EXIST = 90
CPU_INCOMPATIBLE = 91
XML_INVALID_SCHEMA = 92
MIGRATE_FINISH_OK = 93
AUTH_UNAVAILABLE = 94
NO_SERVER = 95
NO_CLIENT = 96
AGENT_UNSYNCED = 97
LIBSSH = 98
DEVICE_MISSING = 99
INVALID_NWFILTER_BINDING = 100
NO_NWFILTER_BINDING = 101
INVALID_DOMAIN_CHECKPOINT = 102
NO_DOMAIN_CHECKPOINT = 103
NO_DOMAIN_BACKUP = 104
INVALID_NETWORK_PORT = 105
NETWORK_PORT_EXIST = 106
NO_NETWORK_PORT = 107
NO_HOSTNAME = 108
CHECKPOINT_INCONSISTENT = 109
MULTIPLE_DOMAINS = 110
NO_NETWORK_METADATA = 111
AGENT_COMMAND_TIMEOUT = 112
AGENT_COMMAND_FAILED = 113

# code -> (text without detail, text with it; %s stands for the detail)
TEXTS: dict[int, tuple[str, str]] = {
    OK: ("", ""),
    INTERNAL_ERROR: ("internal error", "internal error: %s"),
    NO_MEMORY: ("out of memory", "out of memory: %s"),
    NO_SUPPORT: (
        "this function is not supported by the connection driver",
        "this function is not supported by the connection driver: %s",
    ),
    UNKNOWN_HOST: ("unknown host", "unknown host %s"),
    NO_CONNECT: ("no connection driver available", "no connection driver available for %s"),
    INVALID_CONN: ("invalid connection pointer in", "invalid connection pointer in %s"),
    INVALID_DOMAIN: ("invalid domain pointer in", "invalid domain pointer in %s"),
    INVALID_ARG: ("invalid argument", "invalid argument: %s"),
    OPERATION_FAILED: ("operation failed", "operation failed: %s"),
    GET_FAILED: ("GET operation failed", "GET operation failed: %s"),
    POST_FAILED: ("POST operation failed", "POST operation failed: %s"),
    HTTP_ERROR: ("got unknown HTTP error code", "got unknown HTTP error code %s"),
    SEXPR_SERIAL: ("failed to serialize S-Expr", "failed to serialize S-Expr: %s"),
    NO_XEN: ("could not use Xen hypervisor entry", "could not use Xen hypervisor entry %s"),
    XEN_CALL: ("failed Xen syscall", "failed Xen syscall %s"),
    OS_TYPE: ("unknown OS type", "unknown OS type %s"),
    NO_KERNEL: ("missing kernel information", "missing kernel information: %s"),
    NO_ROOT: ("missing root device information", "missing root device information in %s"),
    NO_SOURCE: ("missing source information for device", "missing source information for device %s"),
    NO_TARGET: ("missing target information for device", "missing target information for device %s"),
    NO_NAME: ("missing name information", "missing name information in %s"),
    NO_OS: ("missing operating system information", "missing operating system information for %s"),
    NO_DEVICE: ("missing devices information", "missing devices information for %s"),
    NO_XENSTORE: ("could not connect to Xen Store", "could not connect to Xen Store %s"),
    DRIVER_FULL: ("too many drivers registered", "too many drivers registered in %s"),
    CALL_FAILED: ("library call failed", "library call failed: %s"),
    XML_ERROR: ("XML description is invalid or not well formed", "XML error: %s"),
    DOM_EXIST: ("this domain exists already", "domain %s exists already"),
    OPERATION_DENIED: ("operation forbidden for read only access", "operation forbidden: %s"),
    OPEN_FAILED: ("failed to open configuration file", "failed to open configuration file %s"),
    READ_FAILED: ("failed to read configuration file", "failed to read configuration file %s"),
    PARSE_FAILED: ("failed to parse configuration file", "failed to parse configuration file %s"),
    CONF_SYNTAX: ("configuration file syntax error", "configuration file syntax error: %s"),
    WRITE_FAILED: ("failed to write configuration file", "failed to write configuration file: %s"),
    XML_DETAIL: ("parser error", "%s"),
    INVALID_NETWORK: ("invalid network pointer in", "invalid network pointer in %s"),
    NETWORK_EXIST: ("this network exists already", "network %s exists already"),
    SYSTEM_ERROR: ("system call error", "%s"),
    RPC: ("RPC error", "%s"),
    GNUTLS_ERROR: ("GNUTLS call error", "%s"),
    WAR_NO_NETWORK: ("Failed to find the network", "Failed to find the network: %s"),
    NO_DOMAIN: ("Domain not found", "Domain not found: %s"),
    NO_NETWORK: ("Network not found", "Network not found: %s"),
    INVALID_MAC: ("invalid MAC address", "invalid MAC address: %s"),
    AUTH_FAILED: ("authentication failed", "authentication failed: %s"),
    INVALID_STORAGE_POOL: ("invalid storage pool pointer in", "invalid storage pool pointer in %s"),
    INVALID_STORAGE_VOL: ("invalid storage volume pointer in", "invalid storage volume pointer in %s"),
    WAR_NO_STORAGE: ("Failed to find a storage driver", "Failed to find a storage driver: %s"),
    NO_STORAGE_POOL: ("Storage pool not found", "Storage pool not found: %s"),
    NO_STORAGE_VOL: ("Storage volume not found", "Storage volume not found: %s"),
    WAR_NO_NODE: ("Failed to find a node driver", "Failed to find a node driver: %s"),
    INVALID_NODE_DEVICE: ("invalid node device pointer", "invalid node device pointer in %s"),
    NO_NODE_DEVICE: ("Node device not found", "Node device not found: %s"),
    NO_SECURITY_MODEL: ("Security model not found", "Security model not found: %s"),
    OPERATION_INVALID: ("Requested operation is not valid", "Requested operation is not valid: %s"),
    WAR_NO_INTERFACE: ("Failed to find the interface", "Failed to find the interface: %s"),
    NO_INTERFACE: ("Interface not found", "Interface not found: %s"),
    INVALID_INTERFACE: ("invalid interface pointer in", "invalid interface pointer in %s"),
    MULTIPLE_INTERFACES: ("multiple matching interfaces found", "multiple matching interfaces found: %s"),
    WAR_NO_NWFILTER: ("Failed to start the nwfilter driver", "Failed to start the nwfilter driver: %s"),
    INVALID_NWFILTER: ("Invalid network filter", "Invalid network filter: %s"),
    NO_NWFILTER: ("Network filter not found", "Network filter not found: %s"),
    BUILD_FIREWALL: ("Error while building firewall", "Error while building firewall: %s"),
    WAR_NO_SECRET: ("Failed to find a secret storage driver", "Failed to find a secret storage driver: %s"),
    INVALID_SECRET: ("Invalid secret", "Invalid secret: %s"),
    NO_SECRET: ("Secret not found", "Secret not found: %s"),
    CONFIG_UNSUPPORTED: ("unsupported configuration", "unsupported configuration: %s"),
    OPERATION_TIMEOUT: ("Timed out during operation", "Timed out during operation: %s"),
    MIGRATE_PERSIST_FAILED: (
        "Failed to make domain persistent after migration",
        "Failed to make domain persistent after migration: %s",
    ),
    HOOK_SCRIPT_FAILED: ("Hook script execution failed", "Hook script execution failed: %s"),
    INVALID_DOMAIN_SNAPSHOT: ("Invalid domain snapshot", "Invalid domain snapshot: %s"),
    NO_DOMAIN_SNAPSHOT: ("Domain snapshot not found", "Domain snapshot not found: %s"),
    INVALID_STREAM: ("invalid stream pointer", "invalid stream pointer in %s"),
    ARGUMENT_UNSUPPORTED: ("argument unsupported", "argument unsupported: %s"),
    STORAGE_PROBE_FAILED: ("Storage pool probe failed", "Storage pool probe failed: %s"),
    STORAGE_POOL_BUILT: ("Storage pool already built", "Storage pool already built: %s"),
    SNAPSHOT_REVERT_RISKY: ("revert requires force", "revert requires force: %s"),
    OPERATION_ABORTED: ("operation aborted", "operation aborted: %s"),
    AUTH_CANCELLED: ("authentication cancelled", "authentication cancelled: %s"),
    NO_DOMAIN_METADATA: ("metadata not found", "metadata not found: %s"),
    MIGRATE_UNSAFE: ("Unsafe migration", "Unsafe migration: %s"),
    OVERFLOW: ("numerical overflow", "numerical overflow: %s"),
    BLOCK_COPY_ACTIVE: ("block copy still active", "block copy still active: %s"),
    OPERATION_UNSUPPORTED: ("Operation not supported", "Operation not supported: %s"),
    SSH: ("SSH transport error", "SSH transport error: %s"),
    AGENT_UNRESPONSIVE: ("Guest agent is not responding", "Guest agent is not responding: %s"),
    RESOURCE_BUSY: ("resource busy", "resource busy: %s"),
    ACCESS_DENIED: ("access denied", "access denied: %s"),
    DBUS_SERVICE: ("error from service", "error from service: %s"),
    STORAGE_VOL_EXIST: ("this storage volume exists already", "storage volume %s exists already"),
    CPU_INCOMPATIBLE: ("the CPU is incompatible with host CPU", "the CPU is incompatible with host CPU: %s"),
    XML_INVALID_SCHEMA: (
        "XML document failed to validate against schema",
        "XML document failed to validate against schema: %s",
    ),
    MIGRATE_FINISH_OK: ("migration successfully aborted", "migration successfully aborted: %s"),
    AUTH_UNAVAILABLE: ("authentication unavailable", "authentication unavailable: %s"),
    NO_SERVER: ("Server not found", "Server not found: %s"),
    NO_CLIENT: ("Client not found", "Client not found: %s"),
    AGENT_UNSYNCED: (
        "guest agent replied with wrong id to guest-sync command",
        "guest agent replied with wrong id to guest-sync command: %s",
    ),
    LIBSSH: ("libssh transport error", "libssh transport error: %s"),
    DEVICE_MISSING: ("device not found", "device not found: %s"),
    INVALID_NWFILTER_BINDING: ("Invalid network filter binding", "Invalid network filter binding: %s"),
    NO_NWFILTER_BINDING: ("Network filter binding not found", "Network filter binding not found: %s"),
    INVALID_DOMAIN_CHECKPOINT: ("Invalid domain checkpoint", "Invalid domain checkpoint: %s"),
    NO_DOMAIN_CHECKPOINT: ("Domain checkpoint not found", "Domain checkpoint not found: %s"),
    NO_DOMAIN_BACKUP: ("Domain backup job id not found", "Domain backup job id not found: %s"),
    INVALID_NETWORK_PORT: ("Invalid network port pointer", "Invalid network port pointer: %s"),
    NETWORK_PORT_EXIST: ("this network port exists already", "network port %s exists already"),
    NO_NETWORK_PORT: ("network port not found", "network port not found: %s"),
    NO_HOSTNAME: ("no hostname found", "no hostname found: %s"),
    CHECKPOINT_INCONSISTENT: ("checkpoint inconsistent", "checkpoint inconsistent: %s"),
    MULTIPLE_DOMAINS: ("multiple matching domains found", "multiple matching domains found: %s"),
    NO_NETWORK_METADATA: ("metadata not found", "metadata not found: %s"),
    AGENT_COMMAND_TIMEOUT: ("guest agent command timed out", "guest agent command timed out: %s"),
    AGENT_COMMAND_FAILED: ("guest agent command failed", "guest agent command failed: %s"),
}


class VirError(Exception):
    """A driver could not do what was asked.

    code: one of the numbers above.  detail: what went wrong, in libvirt's words where libvirt
    has them; else the cause and the remedy.  `text` is the whole message, prefix included, and
    for an error that came over RPC the sender's own.
    """

    def __init__(self, code: int, detail: str = "", *, text: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        # The call failed before it got further than the number of its typed parameters, which
        # libvirt's clients ask for first and word differently.
        self.counting = False
        # Their number was known, and reading them failed.
        self.counted = False
        bare, full = TEXTS.get(code, ("unknown error", "unknown error: %s"))
        self.text = text or (full.replace("%s", detail) if detail else bare or "")

    def __str__(self) -> str:
        return self.text


def refuse(detail: str) -> VirError:
    """Make the error for a definition that asks for what is not supported."""
    return VirError(CONFIG_UNSUPPORTED, detail)


def unsupported(function: str) -> VirError:
    """Make the error for an API the driver lacks; `function` is libvirt's name of it."""
    return VirError(NO_SUPPORT, function)
