"""The commands that walks are made of, group by group; `grammar` says how lines are read."""

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
domtime {dom} [--pretty] [--time {n}]
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
domcapabilities [--virttype (test|kvm|bogus)] [--arch (i686|x86_64|bogus)] [--xpath //x] [--machine pc]
sysinfo
hypervisor-cpu-models [--virttype test] [--arch x86_64] [--all]
node-memory-tune
domxml-from-native qemu dom-a.xml
domxml-to-native qemu --xml dom-a.xml
echo [--shell] [--xml] {text}
hostname
version [--daemon]
cpu-baseline {cpufile} [--features] [--migratable]
cpu-compare {cpufile} [--error] [--validate]
hypervisor-cpu-baseline {cpufile} [--virttype test] [--arch i686] [--features] [--migratable]
hypervisor-cpu-compare {cpufile} [--virttype test] [--error]
nodesevinfo
freepages [{cell}] [{page}]
freecell {cell}
"""

GUEST = """
blkdeviotune {dom} {disk} [--total-bytes-sec {bytes} --total-bytes-sec-max {bytes}]
blkdeviotune {dom} {disk} [--group-name g] [--{state}]
blkdeviotune {dom} {disk} [--write-iops-sec {n} --write-iops-sec-max {n} --write-iops-sec-max-length {n}]
blkdeviotune {dom} {disk}
domthrottlegroupset {dom} g [--total-bytes-sec {bytes}] [--{state}]
domthrottlegroupdel {dom} g [--{state}]
domthrottlegroupinfo {dom} g
domthrottlegrouplist {dom}
domiftune {dom} {nic} [--inbound {rate}] [--outbound {rate}] [--{state}]
domiftune {dom} {nic}
blkiotune {dom} [--weight {n}] [--device-read-iops-sec /dev/sda,{n}] [--device-write-bytes-sec /dev/sdb,{n}]
blkiotune {dom} --device-weights /dev/sda,{n},/dev/sdb,{n} [--{state}]
blkiotune {dom}
memtune {dom} [--min-guarantee {n}] [--hard-limit {kib}] [--soft-limit {kib}] [--{state}]
memtune {dom}
numatune {dom} [--nodeset {cpus}]
schedinfo {dom} [--weight {n}] [--cap {n}] [--{state}]
setvcpu {dom} {cpus} (--enable|--disable) [--{state}]
setvcpus {dom} {vcpus} [--maximum] --config
vcpucount {dom}
cpu-stats {dom} [--start {n}] [--count {n}] [--total]
perf {dom} --enable {perf} [--{state}]
perf {dom} [--disable {perf}]
iothreadadd {dom} {n} --config
iothreadpin {dom} {n} {cpus}
iothreadset {dom} {n} --poll-max-ns {n} [--poll-grow {n}] [--poll-shrink {n}] [--{state}]
iothreadset {dom} {n} --thread-pool-min {n} [--thread-pool-max {n}] [--{state}]
attach-disk {dom} {source} {target} [--type (cdrom|floppy|lun)] [--mode (readonly|shareable)] --print-xml
attach-disk {dom} {source} {target} [--targetbus (ide|scsi|sata|usb|bogus)] [--config]
attach-disk {dom} {source} {target} [--sourcetype (file|block|network)] [--address {address}] [--config]
attach-disk {dom} {source} {target} [--cache none] [--io native]
attach-disk {dom} {source} {target} [--iothread {n}] [--serial S] [--wwn 5000c50015ea71ad]
attach-disk {dom} {source} {target} [--driver qemu] [--subdriver (raw|qcow2|bogus)] [--alias ua-x] [--rawio]
attach-interface {dom} {nictype} {network} [--mac {mac}] [--model virtio] [--target vnet5] [--{state}]
attach-interface {dom} {nictype} {network} [--inbound {rate}] [--outbound {rate}]
attach-interface {dom} {nictype} {network} [--script /x] [--alias ua-n] [--print-xml]
detach-interface {dom} {nictype} [--mac {mac}] [--{state}]
detach-disk {dom} {disk} [--{state}] [--persistent]
change-media {dom} {disk} [{source}] [--insert] [--update] [--eject] [--block] [--force] [--{state}]
domif-setlink {dom} {nic} (up|down) [--config]
domif-getlink {dom} {nic} [--config]
update-device {dom} {devfile} [--{state}]
update-memory-device {dom} --requested-size {size} [--alias ua-m] [--node {n}] [--print-xml] [--{state}]
detach-device-alias {dom} (ua-x|ua-n|bogus) [--{state}]
domstats [{dom}] [--cpu-total] [--perf] [--iothread] [--memory] [--dirtyrate] [--vm] [--nowait] [--raw]
domstats [--list-active] [--list-inactive] [--list-persistent]
domstats [--list-transient] [--list-running] [--list-shutoff]
domstats {dom} {dom}
domifaddr {dom} [--interface {nic}] [--full]
domblkstat {dom} {disk} [--human]
domblkinfo {dom} {disk} [--human]
domblkinfo {dom} --all [--human]
domblkthreshold {dom} {disk} {size}
domtime {dom} [--now] [--sync] [--time {n}] [--pretty]
dommemstat {dom}
dommemstat {dom} --period {n} [--{state}]
guest-agent-timeout {dom} [{n}]
guestvcpus {dom} [{cpus}] [--enable] [--disable]
guestinfo {dom} [--user] [--os] [--filesystem] [--disk] [--interface] [--load] [--timezone]
set-user-sshkeys {dom} root [dom-a.xml] [--reset] [--remove]
set-user-password {dom} {text} {text} [--encrypted]
send-key {dom} [--codeset {codeset}] {keyname} [{keyname}] [--holdtime {n}]
send-process-signal {dom} {n} {chain}
blockcopy {dom} {disk} /copy [--wait] [--xml bad.xml] [--blockdev] [--pivot] [--shallow] [--bandwidth {n}]
blockpull {dom} {disk} [{n}] [--async] [--base /b] [--keep-relative]
blockcommit {dom} {disk} [--active] [--pivot] [--top /t] [--shallow] [--delete]
blockjob {dom} {disk} [--abort] [--pivot] [--raw] [--bytes] [--bandwidth {n}]
blockresize {dom} {disk} [{size}] [--capacity]
managedsave-define {dom} {domfile} [(--running|--paused)]
managedsave {dom} [--verbose]
save {dom} (saved.img|/nosuch/x) [--xml {domfile}] [--bypass-cache] [--image-format raw]
save-image-define saved.img {domfile} [(--running|--paused)]
save-image-dumpxml (saved.img|core.img|dom-a.xml|nosuch.img) [--security-info] [--xpath {xpath}]
restore (saved.img|saved.img|core.img|dom-a.xml|nosuch.img) [--xml {domfile}] [--bypass-cache] [--paused]
dump {dom} (core.img|/nosuch/x) [--memory-only [--format {dumpformat}]] [--bypass-cache]
screenshot {dom} [(shot.png|/nosuch/x)] [--screen {n}]
qemu-attach {n}
qemu-agent-command {dom} '{}' [--timeout {n}] [--async] [--block] [--pretty]
qemu-monitor-event [{dom}]
lxc-enter-namespace {dom} /bin/true [--noseclabel]
domsetlaunchsecstate {dom} --secrethdr bad.xml --secret bad.xml [--set-address {n}]
domlaunchsecinfo {dom}
dom-fd-associate {dom} --name f --pass-fds 3
domdisplay-reload {dom} [--type vnc]
domdirtyrate-calc {dom} [--seconds {n}] [--mode (page-sampling|dirty-ring|bogus)]
domdisplay {dom} [--include-password] [--type (vnc|spice|bogus)] [--all]
domjobinfo {dom} [--completed] [--keep-completed] [--anystats] [--rawstats]
domjobabort {dom} [--postcopy]
migrate {dom} test:///default [--live] [--offline] [--p2p]
migrate {dom} test:///default [--direct] [--persistent] [--dname z] [--xml {domfile}]
migrate-setmaxdowntime {dom} {n}
migrate-getmaxdowntime {dom}
migrate-compcache {dom} [--size {size}]
migrate-setspeed {dom} {n} [--postcopy]
migrate-postcopy {dom}
console {dom} [--force] [--safe]
backup-begin {dom} [{anyfile}] [{anyfile}] [--reuse-external]
backup-dumpxml {dom} [--xpath {xpath}]
dumpxml {dom} [--xpath {xpath} [--wrap]] [--inactive]
domxml-to-native (qemu-argv|bogus) {dom}
domxml-from-native (qemu-argv|bogus) {anyfile}
inject-nmi {dom}
domhostname {dom} [--source (agent|lease)]
domfsfreeze {dom} [--mountpoint / /boot]
domfsthaw {dom}
domfsinfo {dom}
set-lifecycle-action {dom} (poweroff|reboot|crash) {action} [--{state}]
metadata {dom} {uri} --edit [--key k] [--{state}]
desc {dom} [--title] [--edit] [--{state}]
edit {dom} [--skip-validate]
managedsave-edit {dom} [(--running|--paused)]
save-image-edit saved.img [(--running|--paused)]
list {dom} [--state-running] [--state-other] [--with-managed-save] [--without-checkpoint] [--all]
"""

SECRETS = """
secret-define {anyfile} [--validate]
secret-dumpxml {secret} [--xpath {xpath}]
secret-set-value {secret} [{text}] [--file bad.xml] [--plain] [--interactive]
secret-get-value {secret} [--plain]
secret-undefine {secret}
secret-list [--ephemeral] [--no-ephemeral] [--private] [--no-private]
nwfilter-define {anyfile} [--validate]
nwfilter-dumpxml {nwfilter} [--xpath {xpath}]
nwfilter-edit {nwfilter}
nwfilter-undefine {nwfilter}
nwfilter-list
nwfilter-binding-create {anyfile} [--validate]
nwfilter-binding-delete vnet0
nwfilter-binding-dumpxml vnet0 [--xpath {xpath}]
nwfilter-binding-list
net-port-create {net} {anyfile} [--validate]
net-port-dumpxml default {port} [--xpath {xpath}]
net-port-delete default {port}
net-port-list {net} [--uuid] [--table]
"""

EDITS = """
define {domfile}
edit {dom} [--skip-validate]
edit {dom}
save {dom} saved.img
save-image-edit saved.img
snapshot-create-as {dom} {snap}
snapshot-edit {dom} [{snap}] [--current] [(--rename|--clone)]
snapshot-edit {dom} {snap} [(--rename|--clone)]
checkpoint-create-as {dom} {chk}
checkpoint-edit {dom} {chk}
desc {dom} --edit [--title] [--{state}]
desc {dom} [--title] one
metadata {dom} http://a --key k --set '<one>1</one>'
metadata {dom} http://a --edit [--key k] [--{state}]
net-define {netfile}
net-edit {net}
net-desc {net} --edit [--title]
net-metadata {net} http://a --edit [--key k]
pool-define {poolfile}
pool-edit {pool}
iface-define {iffile}
iface-edit {iface}
nwfilter-edit f
managedsave {dom}
managedsave-edit {dom}
"""

EVENTS = """
event --list
event
event {dom} [--event (lifecycle|reboot|bogus)] --list
event --event bogus
net-event --list
net-event {net} --event (lifecycle|bogus) --list
net-event
pool-event --list
pool-event {pool} --event (lifecycle|refresh|bogus) --list
pool-event
nodedev-event --list
nodedev-event {dev} --event (lifecycle|update|bogus) --list
nodedev-event
secret-event --list
secret-event {secret} --event lifecycle --timeout {n}
qemu-monitor-event --timeout {n}
"""

VIRSH = """
uri
cd
cd /
cd /nosuch
cd .
pwd
echo [--shell] [--xml] [--err] [--prefix p] [--split] {text} {text}
echo {text}
echo --shell --xml {text} {text}
connect {connect} [--readonly]
connect {connect}
list --all
help nosuch
self-test
complete -- {complete}
"""

# What a sequence may begin with: the group that goes on from there, what it then speaks of, the commands.
OPENINGS = """
domain | dom=a disk=vda | define dom-tuned.xml
guest | dom=a disk=vda nic=52:54:00:00:00:01 n=1 | define dom-tuned.xml; start a
guest | dom=a disk=vda nic=testnet0 n=2 | define dom-rich.xml; start a; domif-getlink a testnet0
guest | dom=a disk=hdc target=hdc n=1 | create dom-tuned.xml
domain | dom=b | create dom-b.xml
domain | dom=a | define dom-a.xml; define dom-b.xml; start b
guest | dom=test disk=vdb | attach-device test disk-vdb.xml; attach-device test nic-b.xml
guest | dom=test n=1 vcpus=2 | setvcpus test 4 --maximum --config; iothreadadd test 1; iothreadadd test 2
guest | dom=test n=1 | iothreadadd test 1; iothreadset test 1 --poll-max-ns 7
domain | dom=test | destroy test
domain | dom=test state=config | destroy test; define dom-a.xml
domain | dom=test | save test saved.img
domain | dom=test | managedsave test
domain | dom=test | dump test core.img; save-image-dumpxml core.img
moment | dom=test snap=s1 | snapshot-create-as test s1; snapshot-create-as test s2
moment | dom=a snap=s2 | define dom-tuned.xml; snapshot-create-as a s1; snapshot-create-as a s2
moment | dom=a snap=s2 | create dom-tuned.xml; snapshot-create-as a s1; suspend a; snapshot-create-as a s2
moment | dom=a snap=s1 | define dom-a.xml; snapshot-create a snap-s1.xml; snapshot-create a snap-s2.xml
moment | dom=test chk=c1 | checkpoint-create-as test c1; checkpoint-create-as test c2
moment | dom=a chk=c2 | define dom-tuned.xml; start a; checkpoint-create-as a c1; checkpoint-create-as a c2
network | net=n1 | net-define net-n1.xml
network | net=n1 | net-define net-rich.xml; net-start n1
network | net=n2 | net-create net-n2.xml
network | net=default | net-destroy default
network | iface=eth2 | iface-define if-eth2.xml; iface-define if-br9.xml
network | iface=eth2 | iface-begin; iface-define if-eth2.xml; iface-start eth2
network | iface=eth1 | iface-define if-eth2.xml; iface-begin
storage | pool=p1 vol=v1 | pool-define pool-p1.xml; pool-start p1; vol-create p1 vol-v1.xml
storage | pool=p1 | pool-define pool-p1.xml
storage | pool=default-pool vol=v2 | vol-create default-pool vol-v1.xml; vol-create-as default-pool v2 1G
storage | pool=p1 vol=v1 | pool-create pool-p1.xml; vol-create p1 vol-v1.xml
storage | pool=fc | pool-define pool-fc.xml; pool-define pool-lv.xml; pool-start fc
storage | dev=scsi_host12 | nodedev-create dev-1.xml
storage | dev=scsi_host12 | nodedev-create dev-2.xml; nodedev-create dev-1.xml
edit | dom=test snap=s1 chk=c1 | snapshot-create test snap-s1.xml; desc test one
edit | dom=a net=n1 iface=eth2 pool=p1 | define dom-a.xml; net-define net-n1.xml; iface-define if-eth2.xml
edit | dom=test chk=c1 pool=p1 | checkpoint-create test chk-c2.xml; pool-define pool-p1.xml
"""
