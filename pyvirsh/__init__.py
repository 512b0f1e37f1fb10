"""virsh without libvirt: the virsh command language on drivers inside the program."""

__version__ = "0.1.0"

# The libvirt whose commands and answers these are; scripts compare what `--version` says.
LIBVIRT_VERSION = "12.8.0"
