#!/bin/sh
# demo.sh: boot a tiny real guest with pyvirsh, show it, and shut it down.  Leaves demo.png in this directory.
set -eu

guest=$("$(dirname "$0")/../.venv/bin/python" "$(dirname "$0")/guest.py")
root=$(mktemp -d)
uri="qemu:///embed?root=$root"
shot=$PWD/demo.png

run() {
    printf '$ pyvirsh %s\n' "$*"
    pyvirsh -c "$uri" "$@"
}

clean_up() {
    pyvirsh -q -c "$uri" destroy demo >/dev/null 2>&1 || true
    rm -rf "$root"
}
trap clean_up EXIT

cat >"$root/demo.xml" <<XML
<domain type='qemu'>
  <name>demo</name>
  <memory unit='MiB'>192</memory>
  <vcpu>1</vcpu>
  <os>
    <type machine='q35'>hvm</type>
    <kernel>$guest/vmlinuz</kernel>
    <initrd>$guest/initrd</initrd>
    <cmdline>console=ttyS0</cmdline>
  </os>
  <features><acpi/></features>
  <devices>
    <console type='pty'/>
    <graphics type='vnc' port='-1'/>
    <video><model type='vga'/></video>
  </devices>
</domain>
XML

run define "$root/demo.xml"
run start demo
run list
run dominfo demo
printf '$ pyvirsh console demo      # until the guest says it is up\n'
mkfifo "$root/keys"
exec 3<>"$root/keys" # held open: nobody types, and the console goes on
pyvirsh -q -c "$uri" console demo <"$root/keys" | sed '/tiny guest is up/q' | tail -n 12
exec 3>&-
echo
run -o json domstate demo --reason
run screenshot demo "$shot"
run shutdown demo
run await demo --condition domain-inactive --timeout 30
run domstate demo --reason
run undefine demo
