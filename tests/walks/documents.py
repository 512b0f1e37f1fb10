"""The documents that random walks use."""

_DOMAIN = (
    "<domain type='test'><name>{name}</name><uuid>11111111-2222-3333-4444-0000000000{uuid}</uuid>"
    "<memory>{memory}</memory><vcpu>{vcpus}</vcpu><os><type>hvm</type></os>{more}</domain>"
)
_TUNED = (
    "<iothreads>2</iothreads><devices>"
    "<disk type='file' device='disk'><source file='/img/a'/><target dev='vda' bus='virtio'/></disk>"
    "<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/><readonly/></disk>"
    "<interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/>"
    "<target dev='vnet9'/></interface></devices>"
)
_NETWORK = "<network><name>{name}</name><uuid>11111111-2222-3333-4444-0000000001{uuid}</uuid>{more}</network>"
_POOL = (
    "<pool type='{type}'><name>{name}</name><uuid>11111111-2222-3333-4444-0000000002{uuid}</uuid>"
    "{source}<target><path>{path}</path></target></pool>"
)
_ADAPTER = "<source><adapter type='fc_host' {parent}wwnn='20000000{wwn}' wwpn='10000000{wwn}'/></source>"
_DEVICE = (
    "<device>{parent}<capability type='scsi_host'><capability type='fc_host'>"
    "<wwnn>20000000{wwn}</wwnn><wwpn>10000000{wwn}</wwpn></capability></capability></device>"
)

DOCUMENTS = {
    "dom-a.xml": _DOMAIN.format(name="a", uuid="0a", memory=65536, vcpus=2, more=""),
    "dom-b.xml": _DOMAIN.format(name="b", uuid="0b", memory=8192, vcpus=1, more="<title>B</title>"),
    "dom-tuned.xml": _DOMAIN.format(name="a", uuid="0a", memory=262144, vcpus=4, more=_TUNED),
    "dom-test.xml": _DOMAIN.format(name="test", uuid="0c", memory=8192, vcpus=1, more=""),
    "dom-bad.xml": "<domain type='test'><name>bad</name><memory>x</memory><os><type>hvm</type></os></domain>",
    "disk-vdb.xml": (
        "<disk type='file' device='disk'><source file='/img/b'/><target dev='vdb' bus='virtio'/></disk>"
    ),
    "disk-vda.xml": (
        "<disk type='file' device='disk'><source file='/img/c'/><target dev='vda' bus='virtio'/></disk>"
    ),
    "nic.xml": (
        "<interface type='network'><mac address='52:54:00:00:00:02'/><source network='default'/></interface>"
    ),
    "rng.xml": "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
    "cdrom.xml": "<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/><readonly/></disk>",
    "bad.xml": "<disk type='file'/>",
    "snap-s1.xml": "<domainsnapshot><name>s1</name><description>one</description></domainsnapshot>",
    "snap-s2.xml": "<domainsnapshot><name>s2</name></domainsnapshot>",
    "snap-disk.xml": (
        "<domainsnapshot><name>s3</name><disks><disk name='vda' snapshot='external'/></disks>"
        "</domainsnapshot>"
    ),
    "snap-bad.xml": "<domainsnapshot><name>a/b</name></domainsnapshot>",
    "chk-c1.xml": "<domaincheckpoint><name>c1</name></domaincheckpoint>",
    "chk-c2.xml": "<domaincheckpoint><name>c2</name><description>two</description></domaincheckpoint>",
    "chk-bad.xml": "<domaincheckpoint><disks><disk/></disks></domaincheckpoint>",
    "net-n1.xml": _NETWORK.format(name="n1", uuid="01", more="<bridge name='br1'/>"),
    "net-n2.xml": _NETWORK.format(
        name="n2",
        uuid="02",
        more="<forward mode='nat'/><ip address='192.168.122.1' netmask='255.255.255.0'>"
        "<dhcp><range start='192.168.122.2' end='192.168.122.90'/></dhcp></ip>",
    ),
    "net-default.xml": _NETWORK.format(name="default", uuid="03", more=""),
    "net-bad.xml": "<network><name>n3</name><forward mode='bogus'/></network>",
    "if-eth1.xml": "<interface type='ethernet' name='eth1'><mtu size='9000'/></interface>",
    "if-eth2.xml": (
        "<interface type='ethernet' name='eth2'><start mode='none'/><mac address='00:11:22:33:44:55'/>"
        "</interface>"
    ),
    "if-br9.xml": (
        "<interface type='bridge' name='br9'><bridge stp='on'>"
        "<interface type='ethernet' name='eth2'/></bridge></interface>"
    ),
    "if-bad.xml": "<interface type='bogus' name='x'/>",
    "pool-p1.xml": _POOL.format(type="dir", name="p1", uuid="01", source="", path="/p1"),
    "pool-p2.xml": _POOL.format(
        type="netfs",
        name="p2",
        uuid="02",
        source="<source><host name='h'/><dir path='/e'/></source>",
        path="/p2",
    ),
    "pool-lv.xml": _POOL.format(type="logical", name="lv", uuid="03", source="", path="/dev/lv"),
    "pool-fc.xml": _POOL.format(
        type="scsi",
        name="fc",
        uuid="04",
        source=_ADAPTER.format(parent="parent='scsi_host1' ", wwn="aaaa0001"),
        path="/dev/disk/by-path",
    ),
    "pool-bad.xml": "<pool type='dir'><name>bad</name></pool>",
    "pool-clash.xml": _POOL.format(type="dir", name="clash", uuid="05", source="", path="/p1"),
    "vol-v1.xml": (
        "<volume><name>v1</name><capacity unit='MiB'>10</capacity><allocation unit='MiB'>4</allocation>"
        "</volume>"
    ),
    "vol-v2.xml": (
        "<volume><name>v2</name><capacity unit='GiB'>2</capacity>"
        "<target><format type='qcow2'/><permissions><mode>0600</mode></permissions></target></volume>"
    ),
    "vol-big.xml": "<volume><name>v3</name><capacity unit='GiB'>99</capacity></volume>",
    "vol-bad.xml": "<volume><name>v1</name></volume>",
    "dev-1.xml": _DEVICE.format(parent="<parent>scsi_host1</parent>", wwn="bbbb0001"),
    "dev-2.xml": _DEVICE.format(parent="<parent>scsi_host2</parent>", wwn="bbbb0002"),
    "dev-3.xml": _DEVICE.format(parent="<parent>computer</parent>", wwn="bbbb0003"),
    "dev-bad.xml": "<device><capability type='bogus'/></device>",
}

_SNAPSHOT = (
    "<test:domainsnapshot><name>{name}</name>{parent}<state>{state}</state>"
    "<creationTime>130000{at}</creationTime>{domain}<active>{active}</active></test:domainsnapshot>"
)
_OFF = _DOMAIN.format(name="a", uuid="0a", memory=65536, vcpus=2, more="")
_WORLD = "xmlns:test='http://libvirt.org/schemas/domain/test/1.0'"


def _in_world(domain: str, more: str) -> str:
    return domain.replace("type='test'", f"type='test' {_WORLD}", 1).replace("</domain>", more + "</domain>")


_DEVICES = (
    "<device><name>computer</name><capability type='system'><hardware><vendor>V</vendor>"
    "<uuid>21111111-2222-3333-4444-000000000301</uuid></hardware></capability></device>"
    "<device><name>scsi_host1</name><parent>computer</parent><capability type='scsi_host'><host>1</host>"
    "<capability type='fc_host'><wwnn>2000000012341234</wwnn><wwpn>1000000012341234</wwpn></capability>"
    "<capability type='vport_ops'/></capability></device>"
    "<device><name>scsi_host11</name><parent>scsi_host1</parent><capability type='scsi_host'>"
    "<host>11</host><capability type='fc_host'><wwnn>2000000034563456</wwnn>"
    "<wwpn>1000000034563456</wwpn></capability></capability></device>"
    "<device><name>net_eth1</name><parent>computer</parent><capability type='net'>"
    "<interface>eth1</interface><capability type='80203'/></capability></device>"
)
# A host of its own: the objects that walks name, in other states than those of the built-in one.
DOCUMENTS["node.xml"] = (
    "<node><cpu><mhz>2600</mhz><model>i686</model><active>12</active><nodes>2</nodes><sockets>2</sockets>"
    "<cores>3</cores><threads>1</threads></cpu><memory>16777216</memory>"
    + _DOMAIN.format(name="test", uuid="0d", memory=524288, vcpus=2, more=_TUNED)
    + _in_world(
        _OFF,
        "<test:runstate>5</test:runstate>"
        + _SNAPSHOT.format(name="s1", parent="", state="shutoff", at="0001", domain=_OFF, active=0)
        + _SNAPSHOT.format(
            name="s2",
            parent="<parent><name>s1</name></parent>",
            state="running",
            at="0002",
            domain=_OFF,
            active=1,
        ),
    )
    + _in_world(
        _DOMAIN.format(name="b", uuid="0b", memory=8192, vcpus=1, more=""),
        "<test:runstate>3</test:runstate><test:transient/>",
    )
    + _in_world(
        _DOMAIN.format(name="c", uuid="0e", memory=8192, vcpus=1, more=""),
        "<test:runstate>5</test:runstate><test:hasmanagedsave/>",
    )
    + DOCUMENTS["net-n1.xml"]
    + DOCUMENTS["net-default.xml"]
    + DOCUMENTS["if-eth1.xml"]
    + DOCUMENTS["if-eth2.xml"]
    + DOCUMENTS["pool-p1.xml"].replace(
        "</pool>", DOCUMENTS["vol-v1.xml"] + DOCUMENTS["vol-v2.xml"] + "</pool>"
    )
    + DOCUMENTS["pool-lv.xml"]
    + _DEVICES
    + "</node>"
)
