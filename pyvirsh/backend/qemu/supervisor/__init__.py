"""The parent of a guest's QEMU: a small process that imports little and outlives every command."""
