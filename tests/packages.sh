#!/bin/sh
# packages.sh PACKAGE...: install what is missing of these Debian packages, if root; else say what is missing.
#
# With PYVIRSH_BACKPORTS=1 libvirt and QEMU come from the release's backports suite; its source is derived from
# the machine's own and used for this call only: no file under /etc changes.
set -eu

missing=
for package; do
    case "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" in
        *"ok installed") ;;
        *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "missing packages, to be installed by root: apt-get install$missing" >&2
    exit "${PYVIRSH_MISSING_STATUS:-0}"
fi

export DEBIAN_FRONTEND=noninteractive
apt() { apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"; }
# A machine without init must not have its services started by packages: the tests start their own.
if ! [ -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
apt update >/dev/null

suite=
if [ "${PYVIRSH_BACKPORTS:-0}" = 1 ]; then
    # shellcheck source=/dev/null
    release=$(. /etc/os-release && echo "$VERSION_CODENAME")
    uri=$(apt-get indextargets --format '$(SITE)' "Created-By: Packages" "Codename: $release" | head -n 1)
    if [ -n "$uri" ]; then
        suite=$release-backports
        scratch=$(mktemp -d)
        trap 'rm -rf "$scratch"; rm -f /usr/sbin/policy-rc.d' EXIT
        mkdir -p "$scratch/lists/partial"
        cp -r /etc/apt/sources.list.d "$scratch/parts"
        [ ! -e /etc/apt/sources.list ] || cp /etc/apt/sources.list "$scratch/parts/own.list"
        printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' \
            "$uri" "$suite" /usr/share/keyrings/debian-archive-keyring.gpg >"$scratch/parts/backports.sources"
        set -- -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$scratch/parts" -o Dir::State::Lists="$scratch/lists"
        apt "$@" update >/dev/null
        # shellcheck disable=SC2086
        apt "$@" install --no-install-recommends -t "$suite" \
            $(for package in $missing; do case $package in libvirt*|qemu*|python3-libvirt) echo "$package" ;; esac; done)
    fi
fi
# shellcheck disable=SC2086
apt install --no-install-recommends $missing
