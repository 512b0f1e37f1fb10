"""How a guest boots, and what its firmware tells it.

Source: libvirt's domain XML format, "Operating system booting" and "SMBIOS System Information".
"""

from collections.abc import Collection

from pyvirsh.backend.conf.domain.disk import FORMATS
from pyvirsh.backend.conf.domain.source import SOURCE_TYPES, DiskSource
from pyvirsh.backend.conf.model import Model, integer, items, many, one, text, yes_no
from pyvirsh.backend.conf.xml import Element, Node
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, XML_DETAIL, XML_ERROR, VirError

_FIRMWARE_FORMATS = ("raw", "qcow2")


class FirmwareFeature(Model):
    """A feature the firmware must have or lack."""

    tag = "feature"
    enabled: str | None = yes_no("@enabled", required=True)
    name: str | None = text("@name", choices=("enrolled-keys", "secure-boot"), required=True)
    _read_first = ("name",)


class AcpiTable(Model):
    """A file with an ACPI table."""

    tag = "table"
    type: str | None = text("@type", choices=("raw", "rawset", "slic", "msdm"), required=True)
    path: str | None = text(".")

    def fill_node(self, node: Node) -> None:
        super().fill_node(node)
        node.text = self.path or ""


class Nvram(Model):
    """The file with the firmware's variables."""

    tag = "nvram"
    type: str | None = text("@type", choices=SOURCE_TYPES)
    template: str | None = text("@template")
    template_format: str | None = text("@templateFormat", choices=FORMATS)
    format: str | None = text("@format", choices=FORMATS)
    path: str | None = text(".")
    source: DiskSource | None = one("source", DiskSource)

    def after_parse(self, element: Element) -> None:
        if not (self.path or "").strip():
            self.path = None
        if self.template_format not in (None, *_FIRMWARE_FORMATS):
            raise VirError(XML_ERROR, f"Unsupported nvram template format '{self.template_format}'")
        if self.format not in (None, *_FIRMWARE_FORMATS):
            raise VirError(XML_ERROR, f"Unsupported nvram format '{self.format}'")


class InitVariable(Model):
    """A variable in the environment of a container's first process."""

    tag = "initenv"
    name: str | None = text("@name", required=True)
    value: str | None = text(".")

    def after_parse(self, element: Element) -> None:
        if not self.value:
            raise VirError(XML_ERROR, f"No value supplied for <initenv name='{self.name}'> element")


class Os(Model):
    """How the guest boots."""

    tag = "os"
    kept_empty = True
    firmware: str | None = text(
        "@firmware", choices=("bios", "efi"), blank=True, unknown=(XML_ERROR, "unknown firmware value {}")
    )
    arch: str | None = text("type/@arch")
    machine: str | None = text("type/@machine")
    type: str | None = text("type")
    firmware_features: list[FirmwareFeature] = many("firmware/feature", FirmwareFeature)
    init: str | None = text("init")
    initargs: list[str] = items("initarg")
    initenvs: list[InitVariable] = many("initenv", InitVariable)
    initdir: str | None = text("initdir")
    inituser: str | None = text("inituser")
    initgroup: str | None = text("initgroup")
    loader: str | None = text("loader")
    loader_readonly: str | None = yes_no("loader/@readonly")
    loader_secure: str | None = yes_no("loader/@secure")
    loader_type: str | None = text("loader/@type", choices=("rom", "pflash"))
    loader_stateless: str | None = yes_no("loader/@stateless")
    loader_format: str | None = text("loader/@format", choices=FORMATS)
    nvram: Nvram | None = one("nvram", Nvram)
    kernel: str | None = text("kernel")
    initrd: str | None = text("initrd")
    cmdline: str | None = text("cmdline")
    dtb: str | None = text("dtb")
    shim: str | None = text("shim")
    root: str | None = text("root")
    acpi_tables: list[AcpiTable] = many("acpi/table", AcpiTable)
    boot: list[str] = items("boot/@dev")
    bootmenu_enable: str | None = yes_no("bootmenu/@enable")
    bootmenu_timeout: int | None = integer("bootmenu/@timeout", lenient=True, bits=32)
    bios_use_serial: str | None = yes_no("bios/@useserial", lenient=True)
    bios_reboot_timeout: int | None = integer("bios/@rebootTimeout", bits=32, signed=True)
    smbios_mode: str | None = text(
        "smbios/@mode",
        choices=("none", "emulate", "host", "sysinfo"),
        unknown=(CONFIG_UNSUPPORTED, "unknown smbios mode '{}'"),
        blank=True,
    )
    # Whether there is a <loader>, which may name no file.
    has_loader: bool = False

    @classmethod
    def foreign(cls, element: Element) -> "Collection[str]":
        # Without a kind of firmware there is nothing to ask of it.
        return () if element.get("firmware") else ("firmware_features",)

    def after_parse(self, element: Element) -> None:
        if self.type == "hvm":
            self.init = self.initdir = self.inituser = self.initgroup = None
            self.initargs, self.initenvs = [], []
        if self.smbios_mode == "none":
            self.smbios_mode = None
        self.has_loader = element.find("loader") is not None
        stated = {feature.name: feature for feature in self.firmware_features}
        self.firmware_features = list(stated.values())
        bios = element.find("bios")
        if bios is not None and bios.get("useserial") is not None:
            self.bios_use_serial = self.bios_use_serial or "no"
        self.machine = self.machine or None
        self._check_menu(element.find("bootmenu"))
        if self.loader_format not in (None, *_FIRMWARE_FORMATS):
            raise VirError(XML_ERROR, f"Unsupported loader format '{self.loader_format}'")
        self.acpi_tables = [AcpiTable.parse(table) for table in element.findall("acpi/table")]
        kinds = [table.type for table in self.acpi_tables]
        for kind in kinds:
            if kinds.count(kind) > 1 and kind != "raw":
                raise VirError(XML_ERROR, f"ACPI table type '{kind}' may only appear once")
        for device in element.findall("boot"):
            if device.get("dev") is None:
                raise VirError(XML_ERROR, "Missing required attribute 'dev' in element 'boot'")

    def _check_menu(self, menu: "Element | None") -> None:
        """Take the time that a boot menu is shown, if it is."""
        if self.bootmenu_enable != "yes":
            self.bootmenu_timeout = None
        elif menu is not None and self.bootmenu_timeout is None and menu.get("timeout") is not None:
            place = "attribute 'timeout' in element 'bootmenu'"
            detail = f"Invalid value for {place}: '{menu.get('timeout')}'"
            raise VirError(XML_ERROR, f"{detail}. Expected non-negative integer value")


class SysinfoEntry(Model):
    """One value of a SMBIOS block."""

    tag = "entry"
    name: str | None = text("@name")
    file: str | None = text("@file")
    value: str | None = text(".")


class SysinfoBoard(Model):
    """A base board."""

    tag = "baseBoard"
    entries: list[SysinfoEntry] = many("entry", SysinfoEntry)


# What a SMBIOS block may say, in the order that libvirt writes it.
_BIOS = ("vendor", "version", "date", "release")
_SYSTEM = ("manufacturer", "product", "version", "serial", "uuid", "sku", "family")
_BOARD = ("manufacturer", "product", "version", "serial", "asset", "location")
_CHASSIS = ("manufacturer", "version", "serial", "asset", "sku")


class Sysinfo(Model):
    """SMBIOS values or fw_cfg entries."""

    tag = "sysinfo"
    kept_empty = True
    type: str | None = text("@type", choices=("smbios", "fwcfg"), required=True)
    bios: list[SysinfoEntry] = many("bios/entry", SysinfoEntry)
    system: list[SysinfoEntry] = many("system/entry", SysinfoEntry)
    boards: list[SysinfoBoard] = many("baseBoard", SysinfoBoard)
    chassis: list[SysinfoEntry] = many("chassis/entry", SysinfoEntry)
    oem: list[str] = items("oemStrings/entry")
    entries: list[SysinfoEntry] = many("entry", SysinfoEntry)

    def after_parse(self, element: Element) -> None:
        if self.type == "fwcfg":
            self.bios, self.system, self.boards, self.chassis, self.oem = [], [], [], [], []
            for entry in self.entries:
                _check_firmware_entry(entry)
            return
        self.entries = []
        self.bios = _known(self.bios, _BIOS)
        self.system = _known(self.system, _SYSTEM)
        self.chassis = _known(self.chassis, _CHASSIS)
        for board in self.boards:
            board.entries = _known(board.entries, _BOARD)
        self.boards = [board for board in self.boards if board.entries]
        for entry in self.bios:
            if entry.name == "date" and not _is_date(entry.value or ""):
                raise VirError(XML_DETAIL, "Invalid BIOS 'date' format")


def _known(entries: "list[SysinfoEntry]", names: "tuple[str, ...]") -> "list[SysinfoEntry]":
    """Return the entries that a block can have and that say something, each name once, in order."""
    found = {entry.name: entry for entry in reversed(entries) if entry.value}
    return [found[name] for name in names if name in found]


def _check_firmware_entry(entry: SysinfoEntry) -> None:
    if entry.name is None:
        raise VirError(XML_ERROR, "Firmware entry is missing 'name' attribute")
    if entry.value is None and entry.file is None:
        raise VirError(XML_ERROR, "Firmware entry must have either value or 'file' attribute")
    if entry.file is not None:
        entry.value = None


def _is_date(text: str) -> bool:
    """Say whether a text is a month, a day and a year."""
    parts = text.split("/")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        return False
    month, day, year = (int(part) for part in parts)
    return 1 <= month <= 12 and 1 <= day <= 31 and (year < 100 or 1900 <= year)
