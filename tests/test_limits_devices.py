"""Devices on a real QEMU: each is taken by it, and a guest sees what it was given.

PYVIRSH_TEST_EMULATOR names another QEMU to try them on, such as the oldest that must work.
"""

import os
import shutil
import subprocess

import pytest

from embedded import await_gone, await_nobody, domain, linux
from limits import refused, talk
from pyvirsh.backend.qemu import probe

EMULATOR = os.environ.get("PYVIRSH_TEST_EMULATOR") or probe.emulator("x86_64")


def disk(target, bus, *, image="qcow2", device="disk", driver="", more=""):
    """Return a disk on an image that `images` makes."""
    return (
        f"<disk type='file' device='{device}'><driver name='qemu' type='{image}' {driver}/>"
        f"<source file='@/{target}.{image}'/><target dev='{target}' bus='{bus}'/>{more}</disk>"
    )


CDROM = {"image": "raw", "device": "cdrom", "more": "<readonly/>"}
THREADS = "cache='writeback' io='threads' detect_zeroes='on'"
DEVICES = {
    "nothing": "",
    "virtio": disk("vda", "virtio", driver="cache='none' io='native' discard='unmap'"),
    "virtio-threads": disk("vda", "virtio", driver=THREADS),
    "virtio-uring": disk("vda", "virtio", driver="io='io_uring'"),
    "virtio-queues": disk("vda", "virtio", driver="queues='2' queue_size='128'"),
    "scsi": "<controller type='scsi' model='virtio-scsi'/>"
    + disk("sda", "scsi", more="<serial>abc</serial><wwn>5000c500a1b2c3d4</wwn>"),
    "scsi-lsi": "<controller type='scsi' model='lsilogic'/>" + disk("sda", "scsi"),
    "sata": disk("sda", "sata"),
    "sata-cdrom": disk("sda", "sata", **CDROM),
    "floppy": disk("fda", "fdc", image="raw", device="floppy"),
    "throttled": disk("vda", "virtio", more="<iotune><total_iops_sec>1000</total_iops_sec></iotune>"),
    "net-virtio": "<interface type='user'><model type='virtio'/></interface>",
    "net-e1000": "<interface type='user'><model type='e1000'/></interface>",
    "net-e1000e": "<interface type='user'><model type='e1000e'/></interface>",
    "serials": "<serial type='file'><source path='@/serial'/></serial><serial type='null'/>",
    "serial-unix": "<serial type='unix'><source mode='bind' path='@/socket'/></serial>",
    "parallel": "<parallel type='null'/>",
    "console-virtio": "<console type='pty'><target type='virtio'/></console>",
    "channel": "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>",
    "vnc": "<graphics type='vnc' autoport='yes' passwd='x'/><video><model type='vga'/></video>",
    "vnc-socket": "<graphics type='vnc'><listen type='socket'/></graphics>"
    "<video><model type='cirrus'/></video>",
    "video-virtio": "<graphics type='vnc'/><video><model type='virtio' heads='1'/></video>",
    "video-bochs": "<graphics type='vnc'/><video><model type='bochs'/></video>",
    "mouse-virtio": "<input type='mouse' bus='virtio'/>",
    "rng": "<rng model='virtio'><backend model='random'>/dev/urandom</backend>"
    "<rate bytes='1024' period='1000'/></rng>",
    "rng-builtin": "<rng model='virtio'><backend model='builtin'/></rng>",
    "watchdog": "<watchdog model='i6300esb' action='reset'/>",
    "panic": "<panic model='isa'/>",
    "sound-ich6": "<sound model='ich6'/><audio id='1' type='none'/>",
    "sound-ich9": "<sound model='ich9'/>",
    "shared-memory": "<shmem name='shared'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>",
    "crypto": "<crypto model='virtio' type='qemu'><backend model='builtin'/></crypto>",
}
# What only one kind of board has.
Q35 = {"pcie-panic": "<panic model='pvpanic'/>", "iommu": "<iommu model='intel'/>"}
I440FX = {
    "ide-cdrom": disk("hdc", "ide", **CDROM),
    "ide": disk("hda", "ide"),
    "bridge": "<controller type='pci' index='1' model='pci-bridge'/>",
}
CASES = [(machine, name, xml) for machine in ("pc", "q35") for name, xml in DEVICES.items()]
CASES += [("q35", name, xml) for name, xml in Q35.items()]
CASES += [("pc", name, xml) for name, xml in I440FX.items()]


@pytest.fixture
def images(tmp_path):
    """Make the images that a definition's devices name; gives the definition with their paths."""

    def make(devices):
        for part in devices.split("file='@/")[1:]:
            name = part.partition("'")[0]
            words = ["qemu-img", "create", "-q", "-f", name.partition(".")[2], tmp_path / name, "8M"]
            subprocess.run(words, check=True)
        return f"<emulator>{EMULATOR}</emulator>" + devices.replace("'@/", f"'{tmp_path}/")

    return make


@pytest.mark.parametrize(
    ("machine", "name", "devices"), CASES, ids=[f"{case[0]}-{case[1]}" for case in CASES]
)
def test_qemu_takes_the_device(house, images, machine, name, devices):
    dom = house.driver.domain_create_xml(domain(machine=machine, devices=images(devices)))
    assert house.state(dom)[0] == 1
    house.driver.domain_destroy(dom)
    await_gone(dom.uuid)


USB = ("<controller type='usb' model='none'/>", "<controller type='usb' model='{}'/>")


@pytest.mark.parametrize("model", ["qemu-xhci", "nec-xhci", "ich9-ehci1", "piix3-uhci"])
def test_usb(house, images, model):
    """A controller with a disk, a tablet and a keyboard on it."""
    devices = disk("sda", "usb") + "<input type='tablet' bus='usb'/><input type='keyboard' bus='usb'/>"
    xml = domain(devices=images(devices)).replace(USB[0], USB[1].format(model))
    house.driver.domain_create_xml(xml)
    inputs = house.run("qemu-monitor-command", "g", "--hmp", "info usb")
    assert "QEMU USB Tablet" in inputs and "QEMU USB Keyboard" in inputs and "QEMU USB MSD" in inputs


@pytest.mark.skipif(not shutil.which("swtpm"), reason="needs swtpm")
@pytest.mark.parametrize("model", ["tpm-crb", "tpm-tis"])
def test_tpm(house, images, model):
    tpm = f"<tpm model='{model}'><backend type='emulator' version='2.0'/></tpm>"
    dom = house.driver.domain_define_xml(domain(machine="q35", devices=images(tpm)))
    house.driver.domain_create_with_flags(dom)
    assert "type=emulator" in house.run("qemu-monitor-command", "g", "--hmp", "info tpm")
    house.driver.domain_destroy(dom)
    await_nobody(str(house.root))
    state = house.root / "lib/qemu/swtpm" / dom.uuid
    assert list(state.rglob("*permall"))
    house.driver.domain_undefine(dom)
    assert not state.exists()


@pytest.mark.parametrize(
    ("machine", "devices", "text"),
    [
        (
            "pc",
            "<iommu model='intel'/>",
            "unsupported configuration: IOMMU device: 'intel' is only supported with Q35 machines",
        ),
        (
            "q35",
            disk("hda", "ide"),
            "unsupported configuration: IDE controllers are unsupported for this QEMU binary or machine type",
        ),
        (
            "pc",
            "<interface type='user'><bandwidth><inbound average='1'/></bandwidth></interface>",
            "unsupported configuration: interface/bandwidth is not supported by this driver: "
            "remove the element",
        ),
        (
            "pc",
            "<graphics type='rdp'/>",
            "unsupported configuration: rdp graphics are not supported with this QEMU",
        ),
    ],
)
def test_what_cannot_be_honoured_is_named(house, images, machine, devices, text):
    assert refused(house.driver.domain_create_xml, domain(machine=machine, devices=images(devices))) == text
    assert house.driver.connect_list_all_domains() == []


def test_a_video_model_that_this_qemu_lacks_is_named(house, images, monkeypatch):
    facts = house.driver.facts(EMULATOR)
    monkeypatch.setattr(facts, "devices", facts.devices - {"qxl", "qxl-vga"})
    xml = domain(devices=images("<graphics type='vnc'/><video><model type='qxl'/></video>"))
    assert refused(house.driver.domain_create_xml, xml) == (
        "unsupported configuration: domain configuration does not support video model 'qxl': "
        "install qemu-system-modules-spice, or use another model"
    )


@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_a_guest_sees_its_devices(house, images, tiny_guest, machine):
    devices = (
        disk("vda", "virtio", more="<serial>first</serial>")
        + "<controller type='scsi' model='virtio-scsi'/>"
        + disk("sda", "scsi")
        + disk("sdb", "scsi", **CDROM)
        + "<interface type='user'><mac address='52:54:00:00:00:77'/><model type='virtio'/></interface>"
        + "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
        + "<channel type='unix'><target type='virtio' name='a.channel'/></channel>"
        + "<graphics type='vnc'/><video><model type='vga'/></video>"
    )
    xml = linux(tiny_guest, machine=machine, devices=images(devices))
    xml = xml.replace("<memballoon model='none'/>", "<memballoon model='virtio'/>")
    dom = house.driver.domain_create_xml(xml)
    with talk(house, dom) as console:
        console.until("tiny guest is up")
        console.run("cat /sys/block/vda/serial", "first")
        console.run("cat /sys/block/vda/size /sys/block/sda/size", "16384")
        console.run("cat /sys/class/net/eth0/address", "52:54:00:00:00:77")
        console.run("ls /sys/bus/virtio/drivers/virtio_balloon", "virtio")
        console.run("cat /sys/class/misc/hw_random/rng_current", "virtio_rng.0")
        console.run("ls /dev/virtio-ports /dev/sr0", "a.channel")
    assert house.driver.domain_memory_stats(dom)[0][1] == 128 * 1024
