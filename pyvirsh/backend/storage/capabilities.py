"""What kinds of pools and volumes there are, and which of them work here.

Source: libvirt's storage pool capabilities XML, and what it says as observed.
"""

from pyvirsh.backend.checks import allowed
from pyvirsh.backend.conf import xml
from pyvirsh.backend.conf.storagepool import KINDS
from pyvirsh.backend.storage import images
from pyvirsh.backend.storage.keeping import Storage

SUPPORTED = ("dir",)


def connect_get_storage_pool_capabilities(storage: Storage, flags: int = 0) -> str:
    allowed(flags, 0, "storageConnectGetStoragePoolCapabilities")
    root = xml.Node("storagepoolCapabilities")
    for name, kind in KINDS.items():
        pool = root.add("pool")
        pool.attrs = {"type": name, "supported": "yes" if name in SUPPORTED else "no"}
        pool.open = True
        if kind.formats:
            _formats(pool.add("poolOptions"), "sourceFormatType", kind.formats)
        if name in SUPPORTED:
            _formats(pool.add("volOptions"), "targetFormatType", ["raw", "dir", "iso", *images.CREATABLE])
    return xml.write(root)


def _formats(options: xml.Node, name: str, formats: "list[str]") -> None:
    """Say which formats there are, the default first."""
    options.add("defaultFormat").attrs["type"] = formats[0]
    values = options.add("enum")
    values.attrs["name"] = name
    for format in formats:
        values.add("value").text = format
