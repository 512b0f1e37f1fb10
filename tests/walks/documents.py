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
    "nic-b.xml": (
        "<interface type='bridge'><mac address='52:54:00:00:00:02'/><source bridge='b'/>"
        "<alias name='ua-n'/></interface>"
    ),
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

_RICH = (
    "<title>T</title><description>D</description><metadata><a:x xmlns:a='http://a'>1</a:x></metadata>"
    "<iothreads>2</iothreads><cputune><shares>7</shares><vcpupin vcpu='0' cpuset='0-3'/>"
    "<emulatorpin cpuset='1'/></cputune><resource><partition>/m</partition></resource>"
    "<memtune><hard_limit unit='MiB'>900</hard_limit></memtune>"
    "<numatune><memory mode='strict' nodeset='0-1'/></numatune>"
    "<features><acpi/><apic/><pae/></features><cpu mode='custom' match='exact'><model>qemu64</model>"
    "<topology sockets='1' cores='2' threads='1'/></cpu><clock offset='utc'><timer name='pit'/></clock>"
    "<on_poweroff>destroy</on_poweroff><on_crash>restart</on_crash><devices><emulator>/bin/e</emulator>"
    "<disk type='block' device='disk'><driver name='qemu' type='raw' cache='none'/><source dev='/dev/a'/>"
    "<target dev='vda' bus='virtio'/><serial>S1</serial><iotune><total_bytes_sec>1000</total_bytes_sec>"
    "</iotune></disk><disk type='network' device='disk'><source protocol='rbd' name='p/i'>"
    "<host name='h' port='6789'/></source><target dev='sdb' bus='scsi'/></disk>"
    "<disk type='file' device='floppy'><target dev='fda' bus='fdc'/></disk>"
    "<controller type='scsi' index='0'/>"
    "<filesystem type='mount'><source dir='/s'/><target dir='/t'/></filesystem>"
    "<interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/><target dev='vnet9'/>"
    "<model type='virtio'/><bandwidth><inbound average='100' peak='200'/></bandwidth>"
    "<link state='down'/></interface><interface type='user'><mac address='52:54:00:00:00:03'/></interface>"
    "<serial type='pty'><target port='0'/></serial><console type='pty'/><channel type='unix'>"
    "<target type='virtio' name='org.qemu.guest_agent.0'/></channel><input type='tablet' bus='usb'/>"
    "<graphics type='vnc' port='5901' passwd='secret'/><graphics type='spice' autoport='yes'/>"
    "<sound model='ac97'><alias name='ua-x'/></sound><video><model type='cirrus' vram='9216'/></video>"
    "<watchdog model='i6300esb' action='reset'/><rng model='virtio'><backend model='random'>/dev/random"
    "</backend></rng><memballoon model='virtio'/></devices>"
    "<seclabel type='dynamic' model='selinux' relabel='yes'/>"
)
DOCUMENTS |= {
    "dom-rich.xml": _DOMAIN.format(name="a", uuid="0a", memory=524288, vcpus=2, more=_RICH),
    "snap-full.xml": (
        "<domainsnapshot><name>s3</name><description>three</description><state>shutoff</state>"
        "<parent><name>s1</name></parent><creationTime>1300000003</creationTime>"
        + DOCUMENTS["dom-a.xml"]
        + "</domainsnapshot>"
    ),
    "chk-disk.xml": (
        "<domaincheckpoint><name>c3</name><parent><name>c1</name></parent><disks>"
        "<disk name='vda' checkpoint='bitmap' bitmap='b1'/></disks></domaincheckpoint>"
    ),
    "net-rich.xml": _NETWORK.format(
        name="n1",
        uuid="01",
        more="<title>T</title><metadata><a:x xmlns:a='http://a'>1</a:x></metadata>"
        "<forward mode='nat' dev='eth0'><nat><port start='1000' end='2000'/></nat></forward>"
        "<bridge name='br1' stp='on' delay='1'/><mac address='52:54:00:00:00:09'/>"
        "<domain name='example.com' localOnly='yes'/><dns><forwarder addr='8.8.8.8'/>"
        "<txt name='t' value='v'/><srv service='s' protocol='tcp' target='x' port='1'/>"
        "<host ip='192.168.100.9'><hostname>h9</hostname></host></dns>"
        "<bandwidth><inbound average='100'/></bandwidth><portgroup name='p' default='yes'/>"
        "<ip address='192.168.100.1' netmask='255.255.255.0'><tftp root='/t'/><dhcp>"
        "<range start='192.168.100.100' end='192.168.100.200'/>"
        "<host mac='00:16:3e:00:00:09' name='h' ip='192.168.100.20'/><bootp file='b'/></dhcp></ip>"
        "<ip family='ipv6' address='2001:db8::1' prefix='64'/>"
        "<route address='10.0.0.0' prefix='8' gateway='192.168.100.2'/>",
    ),
    "if-bond.xml": (
        "<interface type='bond' name='bond0'><start mode='onboot'/><protocol family='ipv4'><dhcp/></protocol>"
        "<bond mode='active-backup'><miimon freq='100' updelay='10' carrier='netif'/>"
        "<interface type='ethernet' name='eth2'><mac address='00:11:22:33:44:66'/></interface></bond>"
        "</interface>"
    ),
    "if-vlan.xml": (
        "<interface type='vlan' name='eth2.7'><start mode='hotplug'/><protocol family='ipv4'>"
        "<ip address='10.0.0.5' prefix='24'/><route gateway='10.0.0.1'/></protocol>"
        "<vlan tag='7'><interface name='eth2'/></vlan></interface>"
    ),
    "pool-iscsi.xml": _POOL.format(
        type="iscsi",
        name="p2",
        uuid="06",
        source="<source><host name='h' port='3260'/><device path='iqn.2013-06.com.example:x'/>"
        "<auth type='chap' username='u'><secret usage='s'/></auth></source>",
        path="/dev/disk/by-path",
    ),
    "vol-rich.xml": (
        "<volume type='file'><name>v2</name><key>/k</key><capacity unit='M'>20</capacity>"
        "<allocation>0</allocation><target><path>/x</path><format type='qcow2'/><permissions>"
        "<mode>0644</mode><owner>1</owner><group>2</group><label>l</label></permissions>"
        "<compat>1.1</compat><features><lazy_refcounts/></features></target><backingStore><path>/b</path>"
        "<format type='raw'/></backingStore></volume>"
    ),
    "cpu-1.xml": "<cpu><arch>x86_64</arch><model>Penryn</model><feature name='vme'/></cpu>",
    "cpu-2.xml": "<cpu match='exact'><model>qemu64</model><vendor>Intel</vendor></cpu>",
    "cpus.xml": (
        "<cpu><arch>x86_64</arch><model>Penryn</model></cpu>"
        "<cpu><arch>x86_64</arch><model>core2duo</model><feature name='vmx'/></cpu>"
    ),
    "capabilities.xml": (
        "<capabilities><host><cpu><arch>x86_64</arch><model>Nehalem</model></cpu></host></capabilities>"
    ),
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
