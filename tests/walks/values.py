"""What the walks put in place of ``{name}``."""

VALUES = {
    "dom": "test test test test test a a a b b c nosuch 1 2 6695eb01-f6a4-8304-79aa-97f2502e193f".split(),
    "domfile": (
        "dom-a.xml dom-a.xml dom-b.xml dom-tuned.xml dom-bad.xml dom-test.xml dom-rich.xml "
        "odd-dom.xml odd-dom.xml odd-rich.xml"
    ).split(),
    "state": "live config current".split(),
    "kib": "0 1 1024 65536 262144 2097152 8388608 9000000 1G 512M -1 x 1.5G".split(),
    "vcpus": "0 1 2 3 4 5 40 x".split(),
    "cpus": "0 0-3 0,2 ^1 15 16 99 r x 0-1,^1".split(),
    "n": "0 1 2 3 7 100 1000 x".split(),
    "bytes": "0 1 512 1024 1M 10G 1000000000000 x".split(),
    "disk": "vda vda vda vdb hdc nosuch /guest/diskimage1".split(),
    "nic": "testnet0 testnet0 vnet9 aa:bb:cc:dd:ee:ff 52:54:00:00:00:01".split(),
    "devfile": (
        "disk-vdb.xml disk-vdb.xml disk-vda.xml nic.xml nic.xml rng.xml cdrom.xml nic-b.xml bad.xml "
        "odd-disk.xml odd-nic.xml odd-dev.xml"
    ).split(),
    "text": "hello 'two words' '' '<x>' é".split() + ["'a\nb'"],
    "snap": "s1 s1 s1 s2 s2 s3 nosuch".split(),
    "snapfile": "snap-s1.xml snap-s2.xml snap-disk.xml snap-bad.xml snap-full.xml odd-snap.xml".split(),
    "chk": "c1 c1 c2 c3 nosuch".split(),
    "chkfile": "chk-c1.xml chk-c2.xml chk-bad.xml chk-disk.xml".split(),
    "net": "default default default n1 n1 n2 nosuch".split() + ["dd8fe884-6c02-601e-7551-cca97df1c5df"],
    "netfile": (
        "net-n1.xml net-n1.xml net-n2.xml net-default.xml net-bad.xml net-rich.xml odd-net.xml odd-net.xml"
    ).split(),
    "iface": "eth1 eth1 eth2 br9 nosuch aa:bb:cc:dd:ee:ff".split(),
    "iffile": "if-eth1.xml if-eth2.xml if-br9.xml if-bad.xml if-bond.xml if-vlan.xml odd-if.xml".split(),
    "pool": "default-pool default-pool default-pool p1 p1 p2 fc lv nosuch".split(),
    "poolfile": [f"pool-{name}.xml" for name in "p1 p1 p2 fc lv bad clash iscsi".split()] + ["odd-pool.xml"],
    "vol": "v1 v1 v1 v2 v3 nosuch /default-pool/v1 /p1/v1".split(),
    "volfile": "vol-v1.xml vol-v2.xml vol-big.xml vol-bad.xml vol-rich.xml odd-vol.xml".split(),
    "size": "1M 1M 10M 5G 60G 100G 0 1 x -1".split(),
    "dev": "computer scsi_host1 scsi_host2 scsi_host11 scsi_host12 scsi_host12 nosuch".split(),
    "devicefile": "dev-1.xml dev-2.xml dev-3.xml dev-bad.xml odd-nodedev.xml".split(),
    "cap": "scsi_host fc_host vports system net system,fc_host bogus".split(),
    "type": "dir fs netfs logical disk iscsi scsi mpath rbd sheepdog gluster zfs dir,fs bogus".split(),
    "host": [
        "\"<host mac='00:16:3e:00:00:01' name='h1' ip='192.168.122.41'/>\"",
        "\"<host mac='00:16:3e:00:00:02' name='h2' ip='192.168.122.42'/>\"",
        "\"<host mac='00:16:3e:00:00:01'/>\"",
        "\"<host name='h1' ip='10.0.0.1'/>\"",
        "<host/>",
    ],
    "range": [
        "\"<range start='192.168.122.100' end='192.168.122.110'/>\"",
        "\"<range start='192.168.122.200' end='192.168.122.110'/>\"",
        "\"<range start='192.168.122.2' end='192.168.122.254'/>\"",
        "\"<range start='10.0.0.1' end='10.0.0.2'/>\"",
    ],
    "word": "a b_c 1 '' x/y".split(),
    "uri": "http://a http://b x".split(),
    "signal": "9 1 sigterm kill 99 bogus".split(),
    "key": "KEY_A 30 KEY_LEFTCTRL 5000 bogus".split(),
    "algorithm": "zero nnsa trim bogus".split(),
    "state5": "up down bogus".split(),
    "snapflag": "--disk-only --halt --live --quiesce --atomic --reuse-external --no-metadata".split(),
    "chain": "sigterm 15 hup usr1".split(),
    "secret": "11111111-2222-3333-4444-000000000301 nosuch".split(),
    "nwfilter": "f clean-traffic".split(),
    "port": "11111111-2222-3333-4444-000000000401 nosuch".split(),
    "anyfile": "dom-a.xml net-n1.xml bad.xml nosuch.xml cpu-1.xml cpu-2.xml odd-cpu.xml".split(),
    "cpufile": "cpu-1.xml cpu-2.xml cpus.xml capabilities.xml bad.xml odd-cpu.xml".split(),
    "cell": "-1 0 1 2 x".split(),
    "page": "4 8 2048 4K 2M 1G 3 0 x".split(),
    "connect": "test:///default test:///default test:///nosuch bogus+unix:///x?socket=/none/x test:///".split(),
    "xpath": "//name //memory /domain/devices/* //@type count(//name) //nosuch [".split(),
    "tree": "--tree --parent --roots --name".split(),
    "rate": "1,2,3 1 1,2 0 1,x ,2 '' 100,200,300,4 -1".split(),
    "perf": "cmt mbmt cmt,cpu_cycles bogus cmt, emulation_faults".split(),
    "source": "/img /img2 '' nosuch a,b".split(),
    "target": "vda vdb vdc hdc sda fda x".split(),
    "address": (
        "ide:0.0.0.0 ide:0.0.1 scsi:0.0.0 pci:0.0.5.0 pci:0000.00.05.0 ccw:0xfe.0.0 usb:0.1 sata:0.0.0 x"
    ).split(),
    "nictype": "network bridge user direct ethernet hostdev bogus".split(),
    "network": "default n1 nosuch br0 0000:00:02.0".split(),
    "mac": "52:54:00:00:00:05 52:54:00:00:00:01 aa:bb:cc:dd:ee:ff x".split(),
    "codeset": "linux xt atset1 usb win32 qnum rfb bogus".split(),
    "keyname": "KEY_A 30 1 KEY_ENTER XT 0x1e".split(),
    "dumpformat": "elf kdump-zlib kdump-lzo kdump-snappy win-dmp bogus".split(),
    "action": "destroy restart rename-restart preserve coredump-destroy coredump-restart bogus".split(),
    "complete": [
        f"'{line}'"
        for line in "domst|domstate |pool-info |net-start d|list --al|bogus |vol-list --pool ".split("|")
    ],
}
