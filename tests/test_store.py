"""Objects on disk: names, atomic changes, modes, what a crash leaves."""

import os
import resource
import stat

import pytest

from pyvirsh.backend import durable, store
from pyvirsh.backend.durable import Workshop
from pyvirsh.backend.errors import OPERATION_FAILED, SYSTEM_ERROR, VirError
from pyvirsh.backend.store import Store, escaped, unescaped

A, B = "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"
CONFIG = b"<domain type='qemu'>\n  <name>%s</name>\n  <title>%s</title>\n</domain>\n"


def config(name, title="t"):
    return CONFIG % (name.encode(), title.encode())


@pytest.fixture
def objects(tmp_path):
    return Store(str(tmp_path / "s"), lambda uuid: False)


@pytest.mark.parametrize(
    "name", ["a", "-x", ".hidden", "a%2Fb", "100%", "a b", "\u202ex", "\xe4" * 50, "a\tb"]
)
def test_names_survive_as_files(objects, name):
    objects.create(A, name, config("x"))
    assert objects.all() == [(name, A)]
    assert objects.uuid_of(name) == A
    assert unescaped(escaped(name)) == name
    assert "/" not in escaped(name) and not escaped(name).startswith(".")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "a\nb", "a\x1b[2J", "a\0b", "x" * 300])
def test_names_that_are_refused(objects, tmp_path, name):
    with pytest.raises(VirError):
        objects.create(A, name, config("x"))
    assert objects.all() == []
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("link", ["..", "../..", "/etc", "../names", "../" + A.upper(), "x" * 36])
def test_links_that_lead_elsewhere_count_for_nothing(objects, link):
    objects.create(A, "good", config("good"))
    os.symlink(link, objects.root + "/names/bad")
    assert objects.all() == [("good", A)]
    assert objects.uuid_of("bad") is None


def test_a_definition_that_is_a_link_is_not_followed(objects, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    objects.create(A, "a", config("a"))
    os.unlink(objects.path(A, "config.xml"))
    os.symlink(secret, objects.path(A, "config.xml"))
    with pytest.raises(VirError) as error:
        objects.read(A)
    assert error.value.code == SYSTEM_ERROR


def test_a_name_belongs_to_one(objects):
    objects.create(A, "one", config("one"))
    with pytest.raises(VirError) as error:
        objects.create(B, "one", config("one"))
    assert error.value.code == OPERATION_FAILED
    assert error.value.text == f"operation failed: domain 'one' already exists with uuid {A}"
    assert objects.uuids() == {A}


def test_a_name_whose_owner_is_gone_is_free(objects):
    objects.create(A, "one", config("one"))
    durable.remove_tree(objects.path(A))
    assert objects.all() == []
    objects.create(B, "one", config("one"))
    assert objects.uuid_of("one") == B


def test_a_name_whose_owner_is_being_made_is_taken(tmp_path):
    objects = Store(str(tmp_path), lambda uuid: False, lambda uuid: uuid == A)
    objects.claim("one", A)
    with pytest.raises(VirError):
        objects.create(B, "one", config("one"))


def test_rename_keeps_the_object(objects):
    objects.create(A, "old", config("old"))
    objects.rename(A, "old", "new", config("new"))
    assert objects.all() == [("new", A)]
    assert objects.uuid_of("old") is None


def test_a_rename_that_was_cut_off_leaves_one_name(objects):
    objects.create(A, "old", config("old"))
    objects.claim("new", A)
    assert objects.all() == [("old", A)]
    objects.write(A, config("new"))
    assert objects.all() == [("new", A)]


def test_an_object_whose_name_is_lost_is_listed_by_its_definition(objects):
    objects.create(A, "one", config("one"))
    os.unlink(objects.root + "/names/one")
    assert objects.all() == [("one", A)]


def test_removing_takes_all_files(objects):
    objects.create(A, "one", config("one"))
    objects.write(A, b"x", "other")
    objects.set_mark(A, "autostart", on=True)
    objects.remove(A, "one")
    assert objects.all() == [] and objects.uuid_of("one") is None
    assert sorted(os.listdir(objects.root)) == [".workshop", "autostart", "names"]
    assert os.listdir(f"{objects.root}/.workshop") == []


def test_what_a_crash_leaves_is_not_seen_and_goes(objects):
    objects.create(A, "one", config("one"))
    os.mkdir(f"{objects.root}/.workshop/new-{B}")
    os.mkdir(f"{objects.root}/.workshop/gone-{B}")
    with open(objects.path(A, ".config.xml.1"), "w") as file:
        file.write("half")
    assert objects.all() == [("one", A)]
    assert objects.read(A) == config("one")
    with Workshop(f"{objects.root}/.workshop"):
        assert os.listdir(f"{objects.root}/.workshop") == []
        os.mkdir(f"{objects.root}/.workshop/new-{B}")
        with Workshop(f"{objects.root}/.workshop"):
            assert os.listdir(f"{objects.root}/.workshop") == [f"new-{B}"]  # somebody is at it
    objects.write(A, config("one"))
    assert os.listdir(objects.path(A)) == ["config.xml"]


@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
def test_modes_under_any_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        objects = Store(str(tmp_path / "deep" / "s"), lambda uuid: False)
        objects.create(A, "one", config("one"))
        objects.write(A, config("one"))
        objects.set_mark(A, "autostart", on=True)
    finally:
        os.umask(before)
    for path, directories, files in os.walk(tmp_path / "deep"):
        for name in [".", *directories]:
            assert stat.S_IMODE(os.lstat(f"{path}/{name}").st_mode) in (0o700, 0o777)
            if not os.path.islink(f"{path}/{name}"):
                assert stat.S_IMODE(os.lstat(f"{path}/{name}").st_mode) == 0o700
        for name in files:
            assert stat.S_IMODE(os.lstat(f"{path}/{name}").st_mode) == 0o600


def test_a_full_disk_keeps_the_old_definition(objects):
    objects.create(A, "one", config("one"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(VirError) as error:
            objects.write(A, config("one") * 100)
        with pytest.raises(VirError):
            objects.create(B, "two", config("two") * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert error.value.code == SYSTEM_ERROR
    assert "config.xml': File too large" in error.value.text
    assert objects.read(A) == config("one")
    assert objects.all() == [("one", A)]
    assert os.listdir(objects.path(A)) == ["config.xml"]


def test_the_heading_is_read_without_parsing():
    text = "<domain>\n <name>a&lt;b&amp;amp;</name>\n <title>x &quot;y&quot;</title>\n <metadata><title>no"
    assert store.heading(text.encode()) == ("a<b&amp;", 'x "y"')
    assert store.heading(b"<domain><name>a</name><metadata><title>no</title>") == ("a", None)
