# make demo: boot a tiny real guest and show it.  make test: all tests.  Both set up what they need.

VENV = .venv
BIN = $(VENV)/bin
GUEST = busybox-static cpio qemu-system-x86 qemu-utils
JUDGES = $(GUEST) dnsmasq-base fish groff-base libsasl2-modules libvirt-clients libvirt-daemon \
	libvirt-daemon-driver-lxc libvirt-daemon-driver-qemu libvirt-daemon-system lxc netcat-openbsd nftables \
	openssh-client openssh-server ovmf passt procps python3-libvirt sasl2-bin shellcheck swtpm systemd tmux \
	virtinst zsh

.PHONY: demo test check bench clean guest-packages judge-packages

demo: $(VENV)/ready guest-packages
	PATH="$(CURDIR)/$(BIN):$$PATH" tests/demo.sh

test: $(VENV)/ready judge-packages check
	$(BIN)/python -m pytest -q

check: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/ready
	$(BIN)/python -m benchmarks

guest-packages:
	tests/packages.sh $(GUEST)

# The virsh that the transcripts were captured from is in Debian 12's backports; PYVIRSH_BACKPORTS=0 does without.
judge-packages: export PYVIRSH_BACKPORTS ?= 1
judge-packages:
	tests/packages.sh $(JUDGES)

$(VENV)/ready: pyproject.toml
	python3 -c 'import ensurepip' 2>/dev/null || tests/packages.sh python3-venv
	python3 -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
