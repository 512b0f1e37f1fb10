"""Find out what a QEMU program can do, and what the host offers: the only side of deciding that does I/O.

A program is asked once, over QMP on its standard input, and the answer is kept on disk until the program
changes.
"""

import os

from pyvirsh.backend.errors import INTERNAL_ERROR, OPERATION_FAILED, SYSTEM_ERROR, VirError
from pyvirsh.backend.qemu.facts import CpuModel, Facts, Host, MachineType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from subprocess import Popen
    from typing import Any

TIME_MAX = 20.0

_PACKAGES = {
    "x86_64": "qemu-system-x86",
    "i686": "qemu-system-x86",
    "aarch64": "qemu-system-arm",
    "armv7l": "qemu-system-arm",
    "ppc64": "qemu-system-ppc",
    "ppc64le": "qemu-system-ppc",
    "s390x": "qemu-system-s390x",
    "riscv64": "qemu-system-riscv",
    "loongarch64": "qemu-system-misc",
}
_TARGETS = {"i686": "i386", "armv7l": "arm", "ppc64le": "ppc64"}

# Types whose properties decide how they are asked for.
_DEVICES = (
    "ICH9-LPC",
    "PIIX4_PM",
    "VGA",
    "ide-hd",
    "intel-iommu",
    "pcie-root-port",
    "qxl",
    "scsi-hd",
    "usb-host",
    "usb-storage",
    "virtio-balloon-pci",
    "virtio-blk-pci",
    "virtio-crypto-pci",
    "virtio-gpu-pci",
    "virtio-iommu-pci",
    "virtio-mem-pci",
    "virtio-net-pci",
    "virtio-scsi-pci",
)
_OBJECTS = ("iothread", "memory-backend-file", "memory-backend-memfd", "memory-backend-ram", "sev-guest")
_OPTIONS = ("chardev", "machine", "sandbox", "smp-opts", "spice", "vnc", "fsdev")
# Where distributions put QEMU's modules: a module that is added or removed changes what QEMU can do.
_MODULE_DIRECTORIES = ("/usr/lib/x86_64-linux-gnu/qemu", "/usr/lib/aarch64-linux-gnu/qemu", "/usr/lib/qemu")


def emulator(arch: str) -> str:
    """Return the path of the QEMU program for `arch`; where there is none yet, the place it would have."""
    name = "qemu-system-" + _TARGETS.get(arch, arch)
    for directory in os.get_exec_path():
        path = os.path.join(directory, name)
        if os.access(path, os.X_OK):
            return path
    return "/usr/bin/" + name


def facts(emulator: str, cache_dir: str) -> Facts:
    """Return what the program at `emulator` can do, from the cache where it is known there.

    Errors: SYSTEM_ERROR, naming Debian's package, when there is no such program; INTERNAL_ERROR when it
    does not answer.
    """
    key = _key(emulator)
    path = os.path.join(cache_dir, _cache_name(emulator))
    kept = _read_cache(path, key)
    found = Facts.load(kept) if kept is not None else None
    if found is None:
        found = _ask(emulator)
        _write_cache(path, key, found.dump())
    found.find_models = lambda accelerator: models(emulator, cache_dir, accelerator)
    return found


def models(emulator: str, cache_dir: str, accelerator: str) -> "dict[str, CpuModel]":
    """Return the CPU models of the program at `emulator` with an accelerator: "tcg" or "kvm"."""
    key = _key(emulator)
    if accelerator == "kvm":
        key += [*_processor(), os.uname().release]
    path = os.path.join(cache_dir, f"{accelerator}-{_cache_name(emulator)}")
    kept = _read_cache(path, key)
    if kept is None:
        kept = _ask_models(emulator, accelerator)
        _write_cache(path, key, kept)
    return {name: CpuModel(vendor, features) for name, (vendor, features) in kept.items()}


def _key(emulator: str) -> "list[int | str]":
    """Return what identifies the program's state."""
    try:
        state = os.stat(emulator)
        if not os.access(emulator, os.X_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise _missing(emulator, error) from error
    key: list[int | str] = [emulator, state.st_size, state.st_mtime_ns]
    for directory in _MODULE_DIRECTORIES:
        if os.path.isdir(directory):
            key.append(os.stat(directory).st_mtime_ns)
    return key


def _missing(emulator: str, error: OSError) -> VirError:
    if isinstance(error, PermissionError):
        detail = f"QEMU binary {emulator} is not executable: {error.strerror}: correct the element emulator"
        return VirError(SYSTEM_ERROR, detail)
    arch = os.path.basename(emulator).removeprefix("qemu-system-")
    package = _PACKAGES.get({"i386": "i686", "arm": "armv7l"}.get(arch, arch))
    remedy = f"install the package {package}" if package else "correct the element emulator"
    detail = f"Cannot check QEMU binary {emulator[:300]}: {error.strerror}: {remedy}"
    return VirError(SYSTEM_ERROR, detail)


# -- the cache -----------------------------------------------------------------------------------------


def _cache_name(emulator: str) -> str:
    import zlib

    return f"{os.path.basename(emulator)[:64]}-{zlib.crc32(emulator.encode()):08x}.json"


def _read_cache(path: str, key: "list[int | str]") -> "dict[str, Any] | None":
    import json

    try:
        with open(path, "rb") as file:
            kept = json.loads(file.read())
        content: dict[str, Any] = kept["content"]
        return content if kept["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_cache(path: str, key: "list[int | str]", content: "dict[str, Any]") -> None:
    """Put the file there as a whole; a cache that cannot be written is no fault."""
    import json

    temporary = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump({"key": key, "content": content}, file)
        os.replace(temporary, path)
    except OSError:
        if os.path.exists(temporary):
            os.unlink(temporary)


# -- the questions -------------------------------------------------------------------------------------


_LAST = "last question"


class _Answers:
    """What a program answered, by the question's id."""

    def __init__(self, emulator: str, accelerator: str, questions: "list[dict[str, Any]]") -> None:
        import json

        last = {"execute": "query-name", "id": _LAST}
        asked = [{"execute": "qmp_capabilities"}, *questions, last]
        text = "\n".join(json.dumps(question) for question in asked) + "\n"
        self.greeting: dict[str, Any] = {}
        self._found: dict[str, Any] = {}
        for line in _converse(emulator, accelerator, text.encode()).splitlines():
            message = json.loads(line)
            self.greeting = message.get("QMP", self.greeting)
            if "id" in message:
                self._found[message["id"]] = message.get("return")
        if not self.greeting:
            raise VirError(INTERNAL_ERROR, f"{emulator} does not speak QMP")

    def __getitem__(self, name: str) -> "Any":
        """Return an answer; an empty list where the program knows no such question."""
        return self._found.get(name) or []

    def names(self, question: str, key: str = "name") -> "frozenset[str]":
        """Return the names in an answer that is a list."""
        return frozenset(item[key] for item in self[question])


def _converse(emulator: str, accelerator: str, text: bytes) -> bytes:
    """Return what the program says until it has answered the last question.

    It is told to quit only then: a QEMU that quits drops what its reader has not taken yet.
    """
    import contextlib
    import subprocess
    import threading

    words = [emulator, "-S", "-no-user-config", "-nodefaults", "-display", "none"]
    words += ["-machine", f"none,accel={accelerator}", "-qmp", "stdio"]
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe)
    except OSError as error:
        raise _missing(emulator, error) from error
    timer = threading.Timer(TIME_MAX, process.kill)
    timer.start()
    # Who ends at once leaves a question unread, which is noticed once more when the pipe is closed.
    with contextlib.suppress(BrokenPipeError), process:
        said = _listen(process, text)
        errors = process.stderr.read() if process.stderr is not None else b""
    if not timer.is_alive():
        raise VirError(INTERNAL_ERROR, f"{emulator} did not answer within {TIME_MAX:.0f} s")
    timer.cancel()
    if not said:
        reason = errors.decode("utf-8", "replace").strip() or f"exit status {process.returncode}"
        raise VirError(INTERNAL_ERROR, f"Failed to probe QEMU binary with QMP: {reason}")
    return said


def _listen(process: "Popen[bytes]", text: bytes) -> bytes:
    """Ask all questions at once; return all answers, or those that come before the program ends."""
    assert process.stdin is not None and process.stdout is not None
    said = b""
    try:
        process.stdin.write(text)
        process.stdin.flush()
        for line in process.stdout:
            said += line
            if _LAST.encode() in line:
                break
        process.stdin.write(b'{"execute": "quit"}\n')
        process.stdin.close()
    except OSError:
        return said  # it has ended: what it said tells why
    return said


def _question(name: str, command: str, **arguments: "Any") -> "dict[str, Any]":
    return {"execute": command, "id": name, "arguments": arguments}


def _ask(emulator: str) -> Facts:
    questions = [
        _question("target", "query-target"),
        _question("machines", "query-machines"),
        _question("devices", "qom-list-types", implements="device", abstract=False),
        _question("objects", "qom-list-types", implements="user-creatable", abstract=False),
        _question("chardevs", "query-chardev-backends"),
        _question("options", "query-command-line-options"),
        _question("cpus", "query-cpu-definitions"),
    ]
    questions += [_question(f"device {name}", "device-list-properties", typename=name) for name in _DEVICES]
    questions += [_question(f"object {name}", "qom-list-properties", typename=name) for name in _OBJECTS]
    answers = _Answers(emulator, "tcg", questions)
    found = Facts(emulator)
    _general(found, answers)
    _types(found, answers)
    found.cpus = {model["name"]: model.get("unavailable-features", []) for model in answers["cpus"]}
    return found


def _general(found: Facts, answers: _Answers) -> None:
    version = answers.greeting["version"]
    numbers = version["qemu"]
    found.version = (numbers["major"], numbers["minor"], numbers["micro"])
    found.package = version.get("package", "")
    arch = answers["target"]["arch"]
    found.arch = {"i386": "i686", "arm": "armv7l"}.get(arch, arch)
    suffix = f"-{arch}-cpu"
    for kind in answers["machines"]:
        cpu = kind.get("default-cpu-type", "").removesuffix(suffix)
        found.machines.append(
            MachineType(
                kind["name"],
                kind.get("alias", ""),
                kind.get("is-default", False),
                kind.get("cpu-max", 1),
                cpu,
                kind.get("default-ram-id", ""),
                kind.get("deprecated", False),
                kind.get("numa-mem-supported", False),
            )
        )
    found.machines.sort(key=lambda kind: kind.name)


def _types(found: Facts, answers: _Answers) -> None:
    found.devices = frozenset(
        name for name in answers.names("devices") if not name.endswith(("-cpu", "-memory-region"))
    )
    found.objects = answers.names("objects")
    found.chardevs = answers.names("chardevs")
    for kind, names in (("device", _DEVICES), ("object", _OBJECTS)):
        for name in names:
            if properties := answers.names(f"{kind} {name}"):
                found.properties[name] = properties
    for option in answers["options"]:
        if option["option"] in _OPTIONS:
            found.options[option["option"]] = frozenset(item["name"] for item in option["parameters"])


def _ask_models(emulator: str, accelerator: str) -> "dict[str, Any]":
    """Return what each model is made of: those of its features that the accelerator lacks count too."""
    first = _Answers(emulator, accelerator, [_question("cpus", "query-cpu-definitions")])
    lacking = {model["name"]: model.get("unavailable-features", []) for model in first["cpus"]}
    questions = [
        _question(name, "query-cpu-model-expansion", type="static", model={"name": name}) for name in lacking
    ]
    answers = _Answers(emulator, accelerator, questions)
    found = {}
    for name, missing in lacking.items():
        if expansion := answers[name]:
            props = expansion["model"]["props"]
            features = [feature for feature, value in props.items() if value is True]
            found[name] = (props.get("vendor", ""), sorted({*features, *missing}))
    return found


# -- the host ------------------------------------------------------------------------------------------

_PROGRAMS = ("passt", "slirp-helper", "swtpm", "swtpm_setup", "swtpm_ioctl", "virtiofsd", "qemu-pr-helper")
_PROGRAM_DIRECTORIES = ("/usr/libexec", "/usr/lib/qemu", "/usr/libexec/qemu")
_FIRMWARE_DIRECTORIES = ("/etc/qemu/firmware", "/usr/share/qemu/firmware")


def host() -> Host:
    """Return what this node offers; whether KVM runs is tried when it is first asked."""
    found = Host(_find_kvm)
    found.arch = os.uname().machine
    found.cpu_vendor, found.cpu_model = _processor()
    found.firmware = firmware_descriptors()
    found.programs = {name: path for name in _PROGRAMS if (path := _program(name))}
    found.default_hugepage, found.hugepages = _hugepages()
    found.vhost_net = os.access("/dev/vhost-net", os.R_OK | os.W_OK)
    return found


def _find_kvm() -> str:
    from pyvirsh.backend.qemu.kvm import unusable

    return unusable()


def _processor() -> "tuple[str, str]":
    """Return the vendor and the name of the first CPU."""
    values = {"vendor_id": "", "model name": ""}
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name.strip() in values:
                    values[name.strip()] = value.strip()
                if not line.strip():
                    break
    except OSError:
        pass
    return values["vendor_id"], values["model name"]


def _program(name: str) -> str:
    for directory in (*os.get_exec_path(), *_PROGRAM_DIRECTORIES):
        path = os.path.join(directory, name)
        if os.access(path, os.X_OK):
            return path
    return ""


def _hugepages() -> "tuple[int, dict[int, str]]":
    """Return the default size of huge pages, and where each size is mounted, sizes in KiB."""
    default = 0
    mounts: dict[int, str] = {}
    try:
        with open("/proc/meminfo", encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith("Hugepagesize:"):
                    default = int(line.split()[1])
        with open("/proc/mounts", encoding="utf-8", errors="replace") as file:
            for line in file:
                _, place, kind, options, *_ = line.split(" ")
                if kind == "hugetlbfs":
                    mounts.setdefault(_page_size(options) or default, place)
    except OSError:
        pass
    return default, mounts


def _page_size(options: str) -> int:
    """Return the page size in a mount's options, in KiB; 0 if they state none."""
    factors = {"K": 1, "M": 1024, "G": 1024 * 1024}
    for option in options.split(","):
        name, _, value = option.partition("=")
        if name == "pagesize" and value[-1:] in factors and value[:-1].isdigit():
            return int(value[:-1]) * factors[value[-1]]
    return 0


def firmware_descriptors() -> "list[dict[str, Any]]":
    """Return the firmware descriptors, each with its file's name; a later directory yields to an earlier.

    Errors: OPERATION_FAILED for a descriptor that is not JSON.
    Source: QEMU, docs/interop/firmware.json.
    """
    import json

    config = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    chosen: dict[str, str] = {}
    for directory in (os.path.join(config, "qemu/firmware"), *_FIRMWARE_DIRECTORIES):
        try:
            names = [name for name in os.listdir(directory) if name.endswith(".json")]
        except OSError:
            continue
        for name in names:
            chosen.setdefault(name, os.path.join(directory, name))
    found = []
    for name in sorted(chosen):
        try:
            with open(chosen[name], "rb") as file:
                content = file.read()
            if content:  # an empty file hides the one of the same name
                found.append({**json.loads(content), "filename": chosen[name]})
        except OSError:
            continue
        except ValueError as error:
            raise VirError(OPERATION_FAILED, f"{chosen[name]} is no JSON: {error}") from error
    return found
