"""The language that random walks are written in.

A line is a command with its words: ``{name}`` is replaced with one of VALUES[name], ``[...]`` is left out
most of the time, ``(a|b)`` is one of its parts.  A line stands as often as it is to be drawn.
"""

import random
import re
from collections.abc import Callable

VALUES = {
    "dom": "test test test test test a a a b b nosuch 1 2 6695eb01-f6a4-8304-79aa-97f2502e193f".split(),
    "domfile": "dom-a.xml dom-a.xml dom-b.xml dom-tuned.xml dom-bad.xml dom-test.xml".split(),
    "state": "live config current".split(),
    "kib": "0 1 1024 65536 262144 2097152 8388608 9000000 1G 512M -1 x 1.5G".split(),
    "vcpus": "0 1 2 3 4 5 40 x".split(),
    "cpus": "0 0-3 0,2 ^1 15 16 99 r x 0-1,^1".split(),
    "n": "0 1 2 3 7 100 1000 x".split(),
    "bytes": "0 1 512 1024 1M 10G 1000000000000 x".split(),
    "disk": "vda vda vda vdb hdc nosuch /guest/diskimage1".split(),
    "nic": "testnet0 testnet0 vnet9 aa:bb:cc:dd:ee:ff 52:54:00:00:00:01".split(),
    "devfile": "disk-vdb.xml disk-vdb.xml disk-vda.xml nic.xml nic.xml rng.xml cdrom.xml bad.xml".split(),
    "text": "hello 'two words' '' '<x>' é".split() + ["'a\nb'"],
    "snap": "s1 s1 s1 s2 s2 s3 nosuch".split(),
    "snapfile": "snap-s1.xml snap-s2.xml snap-disk.xml snap-bad.xml".split(),
    "chk": "c1 c1 c2 c3 nosuch".split(),
    "chkfile": "chk-c1.xml chk-c2.xml chk-bad.xml".split(),
    "net": "default default default n1 n1 n2 nosuch".split() + ["dd8fe884-6c02-601e-7551-cca97df1c5df"],
    "netfile": "net-n1.xml net-n1.xml net-n2.xml net-default.xml net-bad.xml".split(),
    "iface": "eth1 eth1 eth2 br9 nosuch aa:bb:cc:dd:ee:ff".split(),
    "iffile": "if-eth1.xml if-eth2.xml if-br9.xml if-bad.xml".split(),
    "pool": "default-pool default-pool default-pool p1 p1 p2 fc lv nosuch".split(),
    "poolfile": [f"pool-{name}.xml" for name in "p1 p1 p2 fc lv bad clash".split()],
    "vol": "v1 v1 v1 v2 v3 nosuch /default-pool/v1 /p1/v1".split(),
    "volfile": "vol-v1.xml vol-v2.xml vol-big.xml vol-bad.xml".split(),
    "size": "1M 1M 10M 5G 60G 100G 0 1 x -1".split(),
    "dev": "computer scsi_host1 scsi_host2 scsi_host11 scsi_host12 scsi_host12 nosuch".split(),
    "devicefile": "dev-1.xml dev-2.xml dev-3.xml dev-bad.xml".split(),
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
}

DOMAINS = """
define {domfile}
define {domfile}
define {domfile} [--validate]
create {domfile} [--paused] [--autodestroy]
undefine {dom} [--managed-save] [--snapshots-metadata] [--checkpoints-metadata] [--nvram] [--keep-tpm]
start {dom} [--paused] [--force-boot] [--bypass-cache] [--autodestroy]
start {dom}
destroy {dom} [--graceful]
destroy {dom}
shutdown {dom} [--mode (acpi|agent|bogus)]
reboot {dom} [--mode acpi]
reset {dom}
suspend {dom}
suspend {dom}
resume {dom}
resume {dom}
managedsave {dom} [--bypass-cache] [(--running|--paused)]
managedsave-remove {dom}
managedsave-dumpxml {dom}
save {dom} saved.img [(--running|--paused)]
restore saved.img [(--running|--paused)]
save-image-dumpxml saved.img
dump {dom} core.img [(--live|--crash|--reset)] [--memory-only] [--format (elf|kdump-zlib|bogus)]
autostart {dom} [--disable]
domrename {dom} (b|c|test)
list [--all] [--inactive] [--persistent] [--transient] [--title] [(--name|--uuid|--id)] [--autostart]
list --all [--managed-save] [--with-snapshot] [--without-snapshot] [--with-checkpoint] [--state-running]
list --all --table [--state-paused] [--state-shutoff] [--no-autostart] [--without-managed-save]
dominfo {dom}
domstate {dom} [--reason]
domid {dom}
domuuid {dom}
domname {dom}
domcontrol {dom}
dumpxml {dom} [--inactive] [--security-info] [--update-cpu] [--migratable] [--xpath //name [--wrap]]
desc {dom} [--title] [--{state}]
desc {dom} [--title] [--{state}] {text}
metadata {dom} {uri} [--{state}]
metadata {dom} {uri} --key k --set '<e>1</e>' [--{state}]
metadata {dom} {uri} --remove [--{state}]
setmem {dom} {kib} [--{state}]
setmaxmem {dom} {kib} [--{state}]
memtune {dom} [--hard-limit {n}] [--soft-limit {n}] [--swap-hard-limit {n}] [--{state}]
dommemstat {dom} [--period {n}] [--{state}]
setvcpus {dom} {vcpus} [--maximum] [--{state}] [--guest] [--hotpluggable]
vcpucount {dom} [--maximum] [--active] [--live] [--config]
vcpuinfo {dom} [--pretty]
vcpupin {dom} [{vcpus} [{cpus}]] [--{state}]
emulatorpin {dom} [{cpus}] [--{state}]
schedinfo {dom} [--set weight={n}] [--{state}]
schedinfo {dom} [--set (cpu_shares|vcpu_period|bogus)={n}] [--{state}]
blkiotune {dom} [--weight {n}] [--device-weights /dev/sda,{n}] [--{state}]
blkdeviotune {dom} {disk} [--total-bytes-sec {bytes}] [--read-iops-sec {n}] [--{state}]
blkdeviotune {dom} {disk} [--write-bytes-sec {bytes}] [--group-name g] [--total-iops-sec-max {n}]
domiftune {dom} {nic} [--inbound {n},{n},{n}] [--outbound {n}] [--{state}]
numatune {dom} [--mode (strict|preferred|bogus)] [--nodeset {cpus}] [--{state}]
perf {dom} [--enable cmt] [--disable mbmt] [--{state}]
iothreadinfo {dom} [--{state}]
iothreadadd {dom} {n} [--{state}]
iothreadadd {dom} {n} [--{state}]
iothreaddel {dom} {n} [--{state}]
iothreadpin {dom} {n} {cpus} [--{state}]
iothreadset {dom} {n} [--poll-max-ns {n}] [--thread-pool-max {n}] [--{state}]
attach-device {dom} {devfile} [--persistent] [--{state}]
attach-device {dom} {devfile} [--config]
detach-device {dom} {devfile} [--persistent] [--{state}]
update-device {dom} {devfile} [--persistent] [--{state}] [--force]
detach-device-alias {dom} (ua-x|virtio-disk0|bogus) [--{state}]
attach-disk {dom} /img {disk} [--config] [--live] [--targetbus virtio] [--type cdrom] [--print-xml]
detach-disk {dom} {disk} [--config] [--print-xml]
attach-interface {dom} (network|bridge|bogus) default [--model virtio] [--config] [--print-xml]
detach-interface {dom} network [--mac {nic}] [--config]
change-media {dom} {disk} [--eject] [--print-xml] [--config]
domblklist {dom} [--inactive] [--details]
domiflist {dom} [--inactive]
domblkinfo {dom} [{disk}] [--human] [--all]
domblkstat {dom} [{disk}] [--human]
domblkerror {dom}
domifstat {dom} {nic}
domifaddr {dom} [{nic}] [--full] [--source (lease|agent|arp|bogus)]
domif-getlink {dom} {nic} [--config]
domif-setlink {dom} {nic} {state5} [--config] [--print-xml]
domhostname {dom} [--source (lease|agent|bogus)]
domtime {dom} [--pretty] [--set {n}]
domfsinfo {dom}
domfsfreeze {dom} [--mountpoint /]
domfsthaw {dom} [--mountpoint /]
domfstrim {dom} [--minimum {n}] [--mountpoint /]
guestinfo {dom} [--hostname]
guestvcpus {dom}
set-user-password {dom} root secret [--encrypted]
send-key {dom} {key} [{key}] [--holdtime {n}] [--codeset (linux|xt|bogus)]
send-process-signal {dom} {n} {signal}
inject-nmi {dom}
set-lifecycle-action {dom} (poweroff|reboot|crash|bogus) (destroy|restart|bogus) [--{state}]
cpu-stats {dom} [--total] [--start {n}] [--count {n}]
domstats [{dom}] [--state] [--balloon] [--vcpu] [--interface] [--block] [--raw] [--enforce] [--list-active]
domjobinfo {dom} [--completed]
domjobabort {dom}
domdisplay {dom}
vncdisplay {dom}
ttyconsole {dom}
dompmsuspend {dom} mem
dompmwakeup {dom}
blockjob {dom} {disk} [--info]
blockresize {dom} {disk} {size}
blockcommit {dom} {disk}
backup-begin {dom}
backup-dumpxml {dom}
get-user-sshkeys {dom} root
launchSecurity {dom}
domlaunchsecinfo {dom}
domdirtyrate-calc {dom}
qemu-monitor-command {dom} info
qemu-agent-command {dom} '{}'
migrate-getspeed {dom}
domfsinfo {dom}
"""

MOMENTS = """
snapshot-create {dom} {snapfile} [--redefine] [--current] [--no-metadata] [--halt] [--disk-only] [--atomic]
snapshot-create {dom} {snapfile}
snapshot-create-as {dom} {snap} [{text}] [--halt] [--disk-only] [--reuse-external] [--quiesce] [--live]
snapshot-create-as {dom} {snap}
snapshot-create-as {dom} {snap}
snapshot-create-as {dom} {snap} --print-xml [--diskspec vda,snapshot=(external|no|bogus)]
snapshot-list {dom} [--parent] [--roots] [--tree] [--name] [--leaves] [--metadata] [--inactive] [--active]
snapshot-list {dom} [--from {snap}] [--current] [--descendants] [--no-leaves] [--topological] [--internal]
snapshot-info {dom} [{snap}] [--current]
snapshot-dumpxml {dom} {snap} [--security-info] [--xpath //name]
snapshot-current {dom} [--name] [--security-info] [{snap}]
snapshot-parent {dom} [{snap}] [--current]
snapshot-revert {dom} [{snap}] [--current] [--running] [--paused] [--force] [--reset-nvram]
snapshot-revert {dom} {snap}
snapshot-delete {dom} {snap} [--children] [--children-only] [--metadata]
snapshot-delete {dom} [--current]
checkpoint-create {dom} {chkfile} [--redefine] [--quiesce]
checkpoint-create-as {dom} {chk} [{text}] [--print-xml] [--diskspec vda,checkpoint=(no|bitmap|bogus)]
checkpoint-create-as {dom} {chk}
checkpoint-list {dom} [--parent] [--roots] [--tree] [--name] [--leaves] [--from {chk}] [--descendants]
checkpoint-info {dom} {chk}
checkpoint-dumpxml {dom} {chk} [--no-domain] [--security-info] [--size]
checkpoint-parent {dom} {chk}
checkpoint-delete {dom} {chk} [--children] [--children-only] [--metadata]
"""

NETWORKS = """
net-define {netfile} [--validate]
net-define {netfile}
net-create {netfile} [--validate]
net-start {net}
net-start {net}
net-destroy {net}
net-destroy {net}
net-undefine {net}
net-autostart {net} [--disable]
net-list [--all] [--inactive] [--persistent] [--transient] [--autostart] [(--name|--uuid|--table)]
net-info {net}
net-dumpxml {net} [--inactive] [--xpath //ip [--wrap]]
net-name {net}
net-uuid {net}
net-update {net} (add-first|add-last|delete|modify|bogus) ip-dhcp-host {host} [--{state}]
net-update {net} (add|delete) ip-dhcp-range {range} [--parent-index {n}]
net-update {net} (add|delete|modify) portgroup "<portgroup name='g{n}'/>" [--config]
net-update {net} (add|delete) dns-host "<host ip='192.168.122.5{n}'><hostname>a{n}</hostname></host>"
net-update {net} (add|delete) (dns-txt|dns-srv|bridge|forward-interface|bogus) "<txt name='t{n}' value='v'/>"
net-desc {net} [--title] [{text}] [--{state}]
net-metadata {net} {uri} [--key k --set '<e/>'] [--remove] [--{state}]
net-dhcp-leases {net}
net-port-list {net}
iface-list [--all] [--inactive]
iface-define {iffile} [--validate]
iface-undefine {iface}
iface-start {iface}
iface-destroy {iface}
iface-dumpxml {iface} [--inactive] [--xpath //mac]
iface-name {iface}
iface-mac {iface}
iface-begin
iface-commit
iface-rollback
iface-bridge {iface} br9
iface-unbridge br9
nwfilter-list
nwfilter-dumpxml f
nwfilter-binding-list
secret-list [--ephemeral]
secret-dumpxml 11111111-2222-3333-4444-000000000301
"""

STORAGE = """
pool-define {poolfile} [--validate]
pool-define {poolfile}
pool-create {poolfile} [--build] [--overwrite]
pool-create {poolfile}
pool-define-as p3 {type} --target /p3 [--source-host h] [--source-path /e] [--source-dev /dev/x] [--print-xml]
pool-start {pool} [--build]
pool-start {pool}
pool-build {pool} [--overwrite]
pool-destroy {pool}
pool-destroy {pool}
pool-delete {pool}
pool-undefine {pool}
pool-refresh {pool}
pool-autostart {pool} [--disable]
pool-list [--all] [--inactive] [--details] [--type {type}] [--persistent] [--transient] [--name] [--uuid]
pool-list --all [--autostart] [--no-autostart]
pool-info {pool} [--bytes]
pool-dumpxml {pool} [--inactive] [--xpath //path]
pool-name {pool}
pool-uuid {pool}
pool-event --list
pool-capabilities
find-storage-pool-sources {type}
find-storage-pool-sources-as {type} [h] [22] [init]
vol-create {pool} {volfile} [--prealloc-metadata] [--validate]
vol-create {pool} {volfile}
vol-create-as {pool} {vol} {size} [--allocation {size}] [--format (raw|qcow2|bogus)] [--print-xml]
vol-create-as {pool} {vol} {size}
vol-create-as {pool} {vol} {size} [--backing-vol {vol}] [--backing-vol-format raw]
vol-create-from {pool} {volfile} {vol} [--inputpool {pool}] [--reflink]
vol-clone {vol} {vol} {pool} [--print-xml]
vol-delete {vol} {pool} [--delete-snapshots]
vol-delete {vol}
vol-list {pool} [--details]
vol-info {vol} {pool} [--bytes] [--physical]
vol-dumpxml {vol} {pool} [--xpath //path]
vol-path {vol} {pool}
vol-key {vol} {pool}
vol-name {vol} [{pool}]
vol-pool {vol} [--uuid]
vol-resize {vol} {size} {pool} [--shrink] [--delta] [--allocate]
vol-wipe {vol} {pool} [--algorithm {algorithm}]
vol-upload {vol} pool-p1.xml {pool}
vol-download {vol} out.img {pool}
nodedev-list [--tree] [--cap {cap}] [--all] [--inactive] [--persistent] [--transient]
nodedev-dumpxml {dev} [--inactive] [--xpath //name]
nodedev-info {dev}
nodedev-create {devicefile}
nodedev-destroy {dev}
nodedev-detach {dev} [--driver vfio]
nodedev-reattach {dev}
nodedev-reset {dev}
nodedev-define {devicefile}
nodedev-undefine {dev}
nodedev-start {dev}
nodedev-autostart {dev} [--disable]
"""

HOST = """
uri
nodeinfo
nodecpumap [--pretty]
nodecpustats [--cpu {n}] [--percent]
nodememstats [--cell {n}]
nodesuspend mem 60
freecell [--cellno {n}] [--all]
freepages [--cellno {n}] [--pagesize {bytes}] [--all]
allocpages {bytes} {n}
maxvcpus [--type (test|bogus)]
cpu-models (i686|x86_64|bogus)
capabilities [--xpath //arch]
domcapabilities
sysinfo
hypervisor-cpu-models
node-memory-tune
domxml-from-native qemu dom-a.xml
domxml-to-native qemu --xml dom-a.xml
echo [--shell] [--xml] {text}
pwd --bogus
bogus-command
"""

GROUPS = {
    "domain": DOMAINS,
    "moment": MOMENTS,
    "network": NETWORKS,
    "storage": STORAGE,
    "host": HOST,
}
_WEIGHTS = {"domain": 8, "moment": 4, "network": 4, "storage": 6, "host": 1}
# How often what stands in brackets is there.
_OPTIONAL = 0.25
# How often a command is any with any options.
_ANYTHING = 0.3

LINES = {group: [line for line in lines.split("\n") if line] for group, lines in GROUPS.items()}


def sequence(dice: random.Random, length: int, anything: "Callable[[random.Random], str]") -> "list[str]":
    """Return so many commands, most of them of one or two groups, some from `anything`."""
    groups = list(_WEIGHTS)
    weights = list(_WEIGHTS.values())
    favourites = dice.choices(groups, weights, k=2)
    made = []
    for _ in range(length):
        if dice.random() < _ANYTHING:
            made.append(anything(dice))
            continue
        group = dice.choice(favourites) if dice.random() < 0.8 else dice.choices(groups, weights)[0]
        made.append(command(dice, dice.choice(LINES[group])))
    return made


def command(dice: random.Random, line: str) -> str:
    """Return a command that a line of the grammar describes."""
    while (optional := re.search(r"\[([^][]*)\]", line)) is not None:
        kept = optional.group(1) if dice.random() < _OPTIONAL else ""
        line = line[: optional.start()] + kept + line[optional.end() :]
    line = re.sub(r"\(([^()]*)\)", lambda found: dice.choice(found.group(1).split("|")), line)
    line = re.sub(r"\{(\w+)\}", lambda found: dice.choice(VALUES[found.group(1)]), line)
    return " ".join(line.split(" ")).strip()
