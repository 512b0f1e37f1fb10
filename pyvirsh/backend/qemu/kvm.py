"""Whether KVM can really run a virtual CPU, found out by running one.

A CPU in 64-bit mode counts, reads CR4, writes to a port and halts: /dev/kvm alone says little, as
some virtual hosts offer one that fails at a privileged instruction, or that emulates every instruction
a thousand times too slowly to boot anything.

Source: Linux, Documentation/virt/kvm/api.rst.
"""

import array
import errno
import fcntl
import mmap
import os
import select
import signal
import struct

_CREATE_VM = 0xAE01
_VCPU_MMAP_SIZE = 0xAE04
_CREATE_VCPU = 0xAE41
_RUN = 0xAE80
_GET_REGS = 0x8090AE81
_SET_REGS = 0x4090AE82
_GET_SREGS = 0x8138AE83
_SET_SREGS = 0x4138AE84
_SET_MEMORY = 0x4020AE46

_EXIT_IO = 2
_EXIT_HALT = 5

_PAGE = 4096
_CODE = 4 * _PAGE
_CR4 = 0x620  # PAE and the two SSE bits
# mov $0x40000, %ecx; 1: dec %ecx; jnz 1b; mov %cr4, %rax; out %al, $0x10; hlt
_PROGRAM = bytes.fromhex("b900000400 ffc9 75fc 0f20e0 e610 f4")
_SEGMENTS = 8 * 24
_CONTROL = _SEGMENTS + 2 * 16

DEVICE = "/dev/kvm"
TIME_MAX = 2.0
# What the program may take; a CPU that is not emulated needs a five-hundredth of it.
CPU_TIME_MAX = 0.1


def unusable(device: str = DEVICE) -> str:
    """Return why KVM cannot be used here; "" if it can.  Takes at most TIME_MAX seconds."""
    try:
        descriptor = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        return _cannot_open(device, error)
    try:
        return _in_child(descriptor)
    finally:
        os.close(descriptor)


def _cannot_open(device: str, error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return f"{device} does not exist: load the kernel module kvm_intel or kvm_amd"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{device} may not be opened: add the user to the group that owns it (kvm)"
    return f"{device}: {error.strerror}"


def _in_child(descriptor: int) -> str:
    """Run the CPU in a child, as a broken KVM may never return."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        _report(descriptor, writer)
    os.close(writer)
    try:
        if not select.select([reader], [], [], TIME_MAX)[0]:
            os.kill(child, 9)
            return f"a virtual CPU on {DEVICE} does not stop"
        said = os.read(reader, 500).decode()
    finally:
        os.close(reader)
        _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF:
        return f"{DEVICE} emulates every instruction, far too slowly for a guest"
    return "" if said == "runs" else said or f"a virtual CPU on {DEVICE} crashed its process"


def _report(descriptor: int, writer: int) -> None:
    """Run the CPU, say how it went and end this process."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, CPU_TIME_MAX)
    try:
        said = _run(descriptor) or "runs"
    except OSError as error:
        said = f"a virtual CPU cannot be made with {DEVICE}: {error.strerror}"
    finally:
        os.write(writer, said.encode())
        os._exit(0)


def _run(descriptor: int) -> str:
    """Run the program on a new CPU; return what went wrong, or ""."""
    vm = fcntl.ioctl(descriptor, _CREATE_VM, 0)
    cpu = fcntl.ioctl(vm, _CREATE_VCPU, 0)
    shared = mmap.mmap(cpu, fcntl.ioctl(descriptor, _VCPU_MMAP_SIZE, 0))
    memory, address = _memory()
    size = len(memory) * memory.itemsize - (address - memory.buffer_info()[0])
    size -= size % _PAGE
    fcntl.ioctl(vm, _SET_MEMORY, struct.pack("=IIQQQ", 0, 0, 0, size, address))
    _prepare(cpu)
    for expected in (_EXIT_IO, _EXIT_HALT):
        fcntl.ioctl(cpu, _RUN, 0)
        (reason,) = struct.unpack_from("=I", shared, 8)
        if reason != expected:
            return f"a virtual CPU on {DEVICE} fails at a privileged instruction (exit reason {reason})"
    (rax,) = struct.unpack_from("=Q", fcntl.ioctl(cpu, _GET_REGS, bytes(144)))
    return "" if rax == _CR4 else f"a virtual CPU on {DEVICE} computes nonsense"


def _memory() -> "tuple[array.array[int], int]":
    """Make the guest's memory: three page tables that map it one to one, and the program."""
    memory = array.array("B", bytes(7 * _PAGE))
    start = memory.buffer_info()[0]
    offset = -start % _PAGE
    tables = ((_PAGE, 2 * _PAGE | 3), (2 * _PAGE, 3 * _PAGE | 3), (3 * _PAGE, 0x83))
    for place, entry in tables:
        struct.pack_into("=Q", memory, offset + place, entry)
    memory[offset + _CODE : offset + _CODE + len(_PROGRAM)] = array.array("B", _PROGRAM)
    return memory, start + offset


def _prepare(cpu: int) -> None:
    """Put the CPU into 64-bit mode at the program's start."""
    state = bytearray(fcntl.ioctl(cpu, _GET_SREGS, bytes(312)))
    code = struct.pack("=QIH10B", 0, 0xFFFFFFFF, 8, 11, 1, 0, 0, 1, 1, 1, 0, 0, 0)
    data = struct.pack("=QIH10B", 0, 0xFFFFFFFF, 16, 3, 1, 0, 1, 1, 0, 1, 0, 0, 0)
    state[: 6 * 24] = code + 5 * data
    (apic_base,) = struct.unpack_from("=Q", state, _CONTROL + 48)
    struct.pack_into("=7Q", state, _CONTROL, 0x80050033, 0, _PAGE, _CR4, 0, 0xD00, apic_base)
    fcntl.ioctl(cpu, _SET_SREGS, bytes(state))
    registers = bytearray(144)
    struct.pack_into("=2Q", registers, 16 * 8, _CODE, 2)
    fcntl.ioctl(cpu, _SET_REGS, bytes(registers))
