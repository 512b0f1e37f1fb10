"""What becomes of documents of pools, volumes, node devices, networks and interfaces."""

import pytest

import documents
from pyvirsh.backend.conf import interface, network, nodedev, storagepool, storagevol, xml
from pyvirsh.backend.conf.domain import views
from pyvirsh.backend.conf.model import Model
from pyvirsh.backend.constants import DOMAIN_XML_INACTIVE, DOMAIN_XML_SECURE
from pyvirsh.backend.errors import VirError
from pyvirsh.backend.test import prepare
from pyvirsh.backend.test.builtin import default_world


def _cases(name):
    return [pytest.param(*case, id=case[0][:80]) for case in documents.read(documents.OUTPUTS / name)]


def _uuid():
    return "UUID"


def _became(make):
    try:
        return make()
    except VirError as error:
        return f"error: {error.text}\n"


@pytest.mark.parametrize(("line", "expected"), _cases("domain.txt"))
def test_domain(line, expected):
    def make():
        model = prepare.parse_definition(documents.domain_of(line), default_world())
        return documents.particular(views.document(model, DOMAIN_XML_SECURE | DOMAIN_XML_INACTIVE))

    assert _became(make) == expected


@pytest.mark.parametrize(("document", "expected"), _cases("pool.txt"))
def test_pool(document, expected):
    def make():
        pool = storagepool.parse_pool(xml.parse(document), new_uuid=_uuid)
        return documents.plain(storagepool.format_pool(pool))

    assert _became(make) == expected


@pytest.mark.parametrize(("line", "expected"), _cases("volume.txt"))
def test_volume(line, expected):
    kind, _, document = line.partition(" ")

    def make():
        pool = storagepool.parse_pool(xml.parse(documents.pool_of(kind)), new_uuid=_uuid)
        volume = storagevol.parse_volume(xml.parse(document), kind)
        volume.target.path = f"{pool.target.path if pool.target else '(null)'}/{volume.name}"
        volume.key, volume.type = volume.target.path, volume.type or "file"
        return storagevol.format_volume(volume)

    assert _became(make) == expected


@pytest.mark.parametrize(("document", "expected"), _cases("nodedev.txt"))
def test_device(document, expected):
    def make():
        root = xml.parse(f"<node>{document}</node>")
        return nodedev.format_device(nodedev.parse_device(root[0]))

    assert _became(make) == expected


@pytest.mark.parametrize(("document", "expected"), _cases("network.txt"))
def test_network(document, expected):
    def make():
        return network.format_network(network.parse_network(xml.parse(document), new_uuid=_uuid))

    assert _became(make) == expected


@pytest.mark.parametrize(("document", "expected"), _cases("interface.txt"))
def test_interface(document, expected):
    def make():
        return interface.format_interface(interface.parse_interface(xml.parse(document)))

    assert _became(make) == expected


def test_options_of_namespaces():
    document = (
        f"<pool type='fs' xmlns:fs='{storagepool.NAMESPACES['fs']}'><name>a</name>"
        "<source><device path='/d'/></source><target><path>/x</path></target>"
        "<fs:mount_opts><fs:option name='sync'/></fs:mount_opts></pool>"
    )
    pool = storagepool.parse_pool(xml.parse(document), new_uuid=_uuid, extensions=("fs",))
    written = storagepool.format_pool(pool)
    assert written.startswith(f"<pool type='fs' xmlns:fs='{storagepool.NAMESPACES['fs']}'>")
    assert "  <fs:mount_opts>\n    <fs:option name='sync'/>\n  </fs:mount_opts>\n" in written
    silent = storagepool.parse_pool(xml.parse(document), new_uuid=_uuid)
    assert "mount_opts" not in storagepool.format_pool(silent)


def test_every_field_is_seen():
    """Each field that documents may have comes out of one of them."""
    text = "".join(path.read_text() for path in documents.OUTPUTS.glob("*.txt"))
    told = {"capacity", "allocation", "available", "physical", "timestamps", "source", "char", "chardev"}
    for model in (storagepool.Pool, storagepool.Source, storagevol.Volume, storagevol.Target):
        _seen(model, text, told)
    for kind in nodedev.KINDS.values():
        if kind.type not in ("scsi_generic", "vdpa"):
            _seen(kind, text, told | {"parent_addr", "logical_block_size", "num_blocks"})


def _seen(model: type[Model], text: str, told: set[str]):
    for field in model.declared().values():
        name = field.attribute or field.steps[-1]
        if name not in told and ":" not in name:
            assert f"<{name}" in text or f" {name}='" in text, f"{model.__name__}: {name}"
