"""virsh without libvirt: the virsh command language on drivers inside the program."""

__version__ = "0.1.0"
