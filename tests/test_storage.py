"""Directory pools and their volumes: real files, what is refused, what links and headers cannot do."""

import os
import resource
import stat
import struct
import subprocess

import pytest

import daemons
from conftest import PYVIRSH, needs
from pyvirsh import backend
from pyvirsh.backend import constants as c
from pyvirsh.backend.errors import (
    CONFIG_UNSUPPORTED,
    INTERNAL_ERROR,
    INVALID_ARG,
    NO_STORAGE_POOL,
    NO_STORAGE_VOL,
    NO_SUPPORT,
    OPERATION_FAILED,
    OPERATION_INVALID,
    STORAGE_VOL_EXIST,
    SYSTEM_ERROR,
    VirError,
)
from pyvirsh.backend.storage import headers, images

POOL = "<pool type='dir'><name>{}</name><target><path>{}</path></target></pool>"
VOLUME = (
    "<volume><name>{name}</name><capacity>{size}</capacity><allocation>0</allocation>"
    "<target><format type='{format}'/></target>{more}</volume>"
)
MIB = 1 << 20


class Place:
    """A connection with one active pool `p` in the directory `path`."""

    def __init__(self, root):
        self.root = root
        self.path = root / "images"
        self.driver = self.again()
        self.pool = self.driver.storage_pool_create_xml(
            POOL.format("p", self.path), c.STORAGE_POOL_CREATE_WITH_BUILD
        )

    def again(self):
        return backend.open(f"qemu:///embed?root={self.root / 'root'}")

    def make(self, name, size=MIB, format="raw", more="", flags=0):
        xml = VOLUME.format(name=name, size=size, format=format, more=more)
        return self.driver.storage_vol_create_xml(self.pool, xml, flags)

    def names(self):
        return [vol.name for vol in self.driver.storage_pool_list_all_volumes(self.pool)]


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def fails(code, call, *args):
    with pytest.raises(VirError) as caught:
        call(*args)
    assert caught.value.code == code, caught.value.text
    return caught.value.text


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


# -- pools -------------------------------------------------------------------------------------------


def test_a_pool_from_definition_to_its_end(tmp_path):
    place, path = backend.open(f"qemu:///embed?root={tmp_path / 'root'}"), tmp_path / "a" / "b"
    pool = place.storage_pool_define_xml(POOL.format("d", path))
    assert "cannot open directory" in fails(SYSTEM_ERROR, place.storage_pool_create, pool)
    place.storage_pool_build(pool)
    assert mode(path) == 0o700
    place.storage_pool_create(pool)
    assert "already active" in fails(OPERATION_INVALID, place.storage_pool_create, pool)
    for call in (place.storage_pool_undefine, place.storage_pool_delete):
        assert "still active" in fails(OPERATION_INVALID, call, pool)
    state, capacity, allocation, available = place.storage_pool_get_info(pool)
    assert state == c.STORAGE_POOL_RUNNING
    assert capacity == allocation + available > 0
    assert "<mode>0700</mode>" in place.storage_pool_get_xml_desc(pool)
    # Another command sees the same.
    other = backend.open(f"qemu:///embed?root={tmp_path / 'root'}")
    assert other.storage_pool_is_active(pool)
    assert other.storage_pool_is_persistent(pool)
    other.storage_pool_destroy(pool)
    assert not place.storage_pool_is_active(pool)
    assert "not active" in fails(OPERATION_INVALID, place.storage_pool_list_all_volumes, pool)
    place.storage_pool_delete(pool)
    assert not path.exists()
    place.storage_pool_undefine(pool)
    fails(NO_STORAGE_POOL, place.storage_pool_lookup_by_name, "d")
    assert place.connect_list_all_storage_pools() == []


def test_a_transient_pool_is_gone_with_its_end(place):
    assert not place.driver.storage_pool_is_persistent(place.pool)
    fails(INTERNAL_ERROR, place.driver.storage_pool_set_autostart, place.pool, 1)
    place.driver.storage_pool_destroy(place.pool)
    fails(NO_STORAGE_POOL, place.driver.storage_pool_lookup_by_uuid, place.pool.uuid)
    place.driver.storage_pool_create_xml(POOL.format("p", place.path))  # its name is free again


def test_names_and_directories_are_one_pool_s(place):
    define = place.driver.storage_pool_define_xml
    assert "already exists with uuid" in fails(OPERATION_FAILED, define, POOL.format("p", "/elsewhere"))
    text = fails(OPERATION_FAILED, define, POOL.format("q", place.path))
    assert text.endswith("Storage source conflict with pool: 'p'")


@pytest.mark.parametrize("path", ["rel/path", "/a/../b"])
def test_targets_that_are_refused(place, path):
    fails(CONFIG_UNSUPPORTED, place.driver.storage_pool_define_xml, POOL.format("q", path))


def test_other_types_are_refused_by_name(place):
    xml = "<pool type='logical'><name>vg</name></pool>"
    assert "'logical'" in fails(CONFIG_UNSUPPORTED, place.driver.storage_pool_define_xml, xml)


def test_lists_are_filtered(place):
    driver = place.driver
    kept = driver.storage_pool_define_xml(POOL.format("kept", place.root / "kept"))
    driver.storage_pool_set_autostart(kept, 1)
    for flag, names in (
        (0, {"p", "kept"}),
        (c.CONNECT_LIST_STORAGE_POOLS_ACTIVE, {"p"}),
        (c.CONNECT_LIST_STORAGE_POOLS_INACTIVE, {"kept"}),
        (c.CONNECT_LIST_STORAGE_POOLS_PERSISTENT, {"kept"}),
        (c.CONNECT_LIST_STORAGE_POOLS_AUTOSTART, {"kept"}),
        (c.CONNECT_LIST_STORAGE_POOLS_DIR, {"p", "kept"}),
        (c.CONNECT_LIST_STORAGE_POOLS_RBD, set()),
    ):
        assert {pool.name for pool in driver.connect_list_all_storage_pools(flag)} == names


def test_marked_pools_start_once_after_a_boot(place):
    kept = place.driver.storage_pool_define_xml(POOL.format("kept", place.path.parent / "kept"))
    place.driver.storage_pool_build(kept)
    place.driver.storage_pool_set_autostart(kept, 1)
    assert not place.again().storage_pool_is_active(kept)
    pools = place.driver.roots.runtime() + "/pools"
    os.unlink(pools + "/begun")  # as after a boot
    assert place.again().storage_pool_is_active(kept)
    place.again().storage_pool_destroy(kept)
    assert not place.again().storage_pool_is_active(kept)


def test_a_pool_whose_directory_has_gone_stops_at_its_refresh(place):
    place.path.rmdir()
    assert "cannot open directory" in fails(SYSTEM_ERROR, place.driver.storage_pool_refresh, place.pool)
    fails(NO_STORAGE_POOL, place.driver.storage_pool_lookup_by_name, "p")


def test_events_tell_of_pools(place):
    callback = place.driver.connect_storage_pool_event_register_any(c.STORAGE_POOL_EVENT_ID_LIFECYCLE, None)
    place.again().storage_pool_destroy(place.pool)
    (event,) = place.driver.next_events(5)
    assert (event.kind, event.callback_id, event.ref) == ("storage_pool", callback, place.pool)
    assert event.values == (c.STORAGE_POOL_EVENT_STOPPED, 0)


# -- volumes -----------------------------------------------------------------------------------------


def test_a_raw_volume(place):
    vol = place.make("a", 3 * MIB)
    file = place.path / "a"
    assert (file.stat().st_size, mode(file)) == (3 * MIB, 0o600)
    assert place.driver.storage_vol_get_info(vol) == (
        c.STORAGE_VOL_FILE,
        3 * MIB,
        file.stat().st_blocks * 512,
    )
    assert place.driver.storage_vol_lookup_by_path(str(file)) == vol
    assert place.driver.storage_vol_lookup_by_key(str(file)) == vol
    assert place.driver.storage_pool_lookup_by_volume(vol) == place.pool
    assert "'a' exists already" in fails(STORAGE_VOL_EXIST, place.make, "a")
    place.driver.storage_vol_delete(vol)
    assert place.names() == os.listdir(place.path) == []
    fails(NO_STORAGE_VOL, place.driver.storage_vol_get_info, vol)


@pytest.mark.parametrize("name", ["../x", "a/b", "..", ".hidden", "-x", "a&#10;b", "x" * 300])
def test_names_that_are_refused(place, name):
    fails(OPERATION_INVALID, place.make, name)
    assert os.listdir(place.path) == []
    assert not (place.root / "x").exists()


def test_links_devices_and_odd_names_are_no_volumes(place):
    secret = place.root / "secret"
    secret.write_text("secret")
    os.symlink(secret, place.path / "link")
    os.mkfifo(place.path / "fifo")
    for name in (".hidden", "-x", "a\nb"):
        (place.path / name).touch()
    (place.path / "good").touch()
    assert place.names() == ["good"]
    link = place.driver.storage_vol_lookup_by_name(place.pool, "good")
    (place.path / "good").unlink()
    os.symlink(secret, place.path / "good")
    for call in (
        lambda: place.driver.storage_vol_download(link, 0, 0),
        lambda: place.driver.storage_vol_upload(link, 0, 0),
        lambda: place.driver.storage_vol_wipe(link),
        lambda: place.driver.storage_vol_resize(link, 100),
        lambda: place.make("good"),
    ):
        with pytest.raises(VirError):
            call()
    assert secret.read_text() == "secret"


def test_what_is_made_of_a_directory(place):
    vol = place.make("d", 0, "dir")
    assert (place.path / "d").is_dir()
    assert place.driver.storage_vol_get_info(vol)[0] == c.STORAGE_VOL_DIR
    place.driver.storage_vol_delete(vol)
    assert place.names() == []


def test_a_file_that_cannot_grow_leaves_nothing(place):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, limits[1]))
    try:
        assert "cannot extend file" in fails(SYSTEM_ERROR, place.make, "huge", 2 * MIB)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert os.listdir(place.path) == []


def test_resize(place):
    vol = place.make("a", 2 * MIB)
    resize, size = place.driver.storage_vol_resize, lambda: (place.path / "a").stat().st_size
    resize(vol, 4 * MIB)
    assert size() == 4 * MIB
    assert "unless shrink flag" in fails(INVALID_ARG, resize, vol, MIB)
    resize(vol, MIB, c.STORAGE_VOL_RESIZE_SHRINK)
    resize(vol, MIB, c.STORAGE_VOL_RESIZE_DELTA)
    assert size() == 2 * MIB
    resize(vol, 3 * MIB, c.STORAGE_VOL_RESIZE_ALLOCATE)
    assert (place.path / "a").stat().st_blocks * 512 >= MIB
    assert "existing allocation" in fails(INVALID_ARG, resize, vol, 0, c.STORAGE_VOL_RESIZE_SHRINK)


# -- images ------------------------------------------------------------------------------------------


def info(path):
    words = ["qemu-img", "info", "-f", "qcow2", path]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def test_images_stand_on_others_with_their_format_stated(place):
    needs("qemu-img")
    place.make("base", 2 * MIB, "qcow2")
    more = f"<backingStore><path>{place.path}/base</path><format type='qcow2'/></backingStore>"
    top = place.make("top", 3 * MIB, "qcow2", more)
    assert f"backing file: {place.path}/base" in info(place.path / "top")
    assert "backing file format: qcow2" in info(place.path / "top")
    assert mode(place.path / "top") == 0o600
    xml = place.driver.storage_vol_get_xml_desc(top)
    assert f"<path>{place.path}/base</path>\n    <format type='qcow2'/>" in xml
    assert "<compat>1.1</compat>" in xml
    assert place.driver.storage_vol_get_info(top)[1] == 3 * MIB
    # A copy is whole: it stands on nothing.
    copy = VOLUME.format(name="copy", size=0, format="qcow2", more="")
    place.driver.storage_vol_create_xml_from(place.pool, copy, top)
    assert "backing file" not in info(place.path / "copy")
    place.driver.storage_vol_resize(top, 4 * MIB)
    assert place.driver.storage_vol_get_info(top)[1] == 4 * MIB


def test_what_an_image_may_not_stand_on(place):
    place.make("raw")
    below = "<backingStore><path>{}</path><format type='{}'/></backingStore>".format
    stated = below(place.path / "raw", "qcow2")
    assert "not in the format" in fails(OPERATION_INVALID, place.make, "x", MIB, "qcow2", stated)
    missing = below(place.path / "none", "raw")
    assert "inaccessible" in fails(SYSTEM_ERROR, place.make, "x", MIB, "qcow2", missing)
    protocol = below("nbd:host", "raw")
    assert "absolute" in fails(OPERATION_INVALID, place.make, "x", MIB, "qcow2", protocol)
    fails(NO_SUPPORT, place.make, "x", MIB, "raw", below(place.path / "raw", "raw"))
    assert place.names() == ["raw"]


def header(base=b"", *, version=3, size=MIB, offset=104, features=0):
    """Return a qcow2 header that names its base but not the base's format."""
    start = struct.pack(">4sIQIIQ", b"QFI\xfb", version, offset if base else 0, len(base), 16, size)
    return (start.ljust(72, b"\0") + struct.pack(">Q", features)).ljust(100, b"\0") + b"\0\0\0h" + base


def test_a_base_that_the_guest_wrote_into_its_header_is_not_opened(place):
    (place.root / "secret").write_text("secret")
    (place.path / "evil").write_bytes(header(str(place.root / "secret").encode()))
    vol = place.driver.storage_vol_lookup_by_name(place.pool, "evil")
    copy = VOLUME.format(name="copy", size=0, format="raw", more="")
    text = fails(OPERATION_INVALID, place.driver.storage_vol_create_xml_from, place.pool, copy, vol)
    assert "does not state the format" in text
    (place.path / "evil").write_bytes(header(features=4))
    text = fails(OPERATION_INVALID, place.driver.storage_vol_create_xml_from, place.pool, copy, vol)
    assert "keeps its data in another file" in text
    assert place.names() == ["evil"]


@pytest.mark.parametrize(
    "data",
    [b"", b"QFI\xfb", header()[:40], header(version=9), b"QED\0", b"KDMV", b"conectix", b"\xff" * 65536],
)
def test_a_damaged_header_makes_a_raw_volume(data):
    assert headers.parse(data).format == "raw"


@pytest.mark.parametrize(
    "data", [header(b"x" * 40)[:-20], header(b"/x", offset=1 << 60), header(b"x" * 2000)]
)
def test_a_base_beyond_the_header_is_none(data):
    assert headers.parse(data).base is None


@pytest.mark.parametrize("format", images.CREATABLE)
def test_formats_are_known_again(place, format):
    needs("qemu-img")
    vol = place.make("a", 16 * MIB, format)
    assert f"<format type='{format}'/>" in place.driver.storage_vol_get_xml_desc(vol)
    assert abs(place.driver.storage_vol_get_info(vol)[1] - 16 * MIB) < MIB


def test_commas_in_paths_are_no_options():
    from pyvirsh.backend.conf.storagevol import BackingStore, Target, Volume

    backing = BackingStore(path="/a,size=1", format="raw")
    model = Volume(name="x", capacity=MIB, target=Target(format="qcow2"), backing=backing)
    words = images.create_words(model, "/x", preallocate=False)
    assert words[words.index("-o") + 1] == "backing_file=/a,,size=1,backing_fmt=raw"


# -- contents ----------------------------------------------------------------------------------------


def test_data_goes_in_and_comes_out(place):
    vol = place.make("a")
    stream = place.driver.storage_vol_upload(vol, 10, 5)
    assert stream.send(b"hello") == 5
    assert "No space left" in fails(SYSTEM_ERROR, stream.send, b"!")
    stream.finish()
    stream = place.driver.storage_vol_download(vol, 8, 9)
    assert stream.recv(100) == b"\0\0hello\0\0"
    assert stream.recv(100) == b""
    stream.finish()
    assert (place.path / "a").stat().st_size == MIB


def test_holes_stay_holes(place):
    vol = place.make("a", 8 * MIB)
    stream = place.driver.storage_vol_upload(vol, 0, 0, c.STORAGE_VOL_UPLOAD_SPARSE_STREAM)
    stream.send_hole(4 * MIB)
    stream.send(b"data")
    stream.finish()
    stream = place.driver.storage_vol_download(vol, 0, 0, c.STORAGE_VOL_DOWNLOAD_SPARSE_STREAM)
    assert stream.recv_hole() == 4 * MIB
    assert stream.recv(1 << 20).rstrip(b"\0") == b"data"
    assert stream.recv_hole() > 3 * MIB
    assert (stream.recv(100), stream.recv_hole()) == (b"", 0)
    stream.finish()


@pytest.mark.parametrize("allocated", [False, True])
def test_wiped_data_is_gone(place, allocated):
    vol = place.make("a")
    (place.path / "a").write_bytes(b"x" * MIB if allocated else b"x" * 10)
    if not allocated:
        os.truncate(place.path / "a", MIB)
    place.driver.storage_vol_wipe(vol)
    data = (place.path / "a").read_bytes()
    assert data == bytes(MIB)


def test_data_through_a_server(place, tmp_path):
    needs("virsh")
    place.make("a")
    sent = tmp_path / "sent"
    sent.write_bytes(os.urandom(MIB))
    path = tmp_path / "s"
    process = subprocess.Popen([PYVIRSH, "serve", "--socket", str(path), place.driver.roots.uri])
    with daemons.running(process):
        daemons.wait_for(path, process)
        for flags in ("", "--sparse"):
            got = tmp_path / f"got{flags}"
            lines = f"vol-wipe a p; vol-upload a {sent} p {flags}; vol-download a {got} p {flags}"
            words = ["virsh", "-c", f"remote+unix:///?socket={path}", lines]
            done = subprocess.run(words, capture_output=True, text=True)
            assert (done.returncode, done.stderr) == (0, "")
            assert got.read_bytes() == sent.read_bytes()


def test_capabilities_say_what_works(place):
    text = place.driver.connect_get_storage_pool_capabilities()
    assert text.count("supported='yes'") == 1
    assert "<pool type='dir' supported='yes'>" in text
    assert "<pool type='logical' supported='no'>" in text
