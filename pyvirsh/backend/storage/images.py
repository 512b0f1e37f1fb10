"""What qemu-img is asked to do.  Formats are always stated: it never guesses what an image is."""

import os
import subprocess

from pyvirsh.backend.errors import INTERNAL_ERROR, OPERATION_INVALID, SYSTEM_ERROR, VirError
from pyvirsh.backend.storage import headers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.conf.storagevol import Volume as Model

CHAIN_MAX = 200
# Formats that qemu-img can make here.
CREATABLE = ("qcow2", "qcow", "qed", "vdi", "vmdk", "vpc")


def options_of(model: "Model", *, preallocate: bool) -> "list[str]":
    """Return the -o options for an image; paths are absolute, so none is taken for a protocol."""
    options = []
    backing, target = model.backing, model.target
    if backing is not None:
        options += [f"backing_file={_escaped(backing.path or '')}", f"backing_fmt={backing.format}"]
    if target.format == "qcow2":
        if target.compat is not None:
            options.append(f"compat={target.compat}")
        if target.cluster_size is not None:
            options.append(f"cluster_size={target.cluster_size}")
        if target.features is not None and target.features.lazy_refcounts:
            options.append("lazy_refcounts=on")
        if target.features is not None and target.features.extended_l2:
            options.append("extended_l2=on")
        if preallocate:
            options.append("preallocation=metadata")
    return ["-o", ",".join(options)] if options else []


def _escaped(value: str) -> str:
    return value.replace(",", ",,")


def create_words(model: "Model", path: str, *, preallocate: bool) -> "list[str]":
    """Return the words that make an image."""
    size = [str(model.capacity)] if model.capacity or model.backing is None else []
    options = options_of(model, preallocate=preallocate)
    return ["qemu-img", "create", "-q", "-f", str(model.target.format), *options, path, *size]


def convert_words(source: "tuple[str, str]", model: "Model", path: str, *, preallocate: bool) -> "list[str]":
    """Return the words that copy an image; source: its format and its path."""
    options = options_of(model, preallocate=preallocate)
    return [
        *("qemu-img", "convert", "-q", "-f", source[0], "-O", str(model.target.format)),
        *(*options, source[1], path),
    ]


def resize_words(format: str, path: str, size: int, *, shrink: bool, preallocate: bool) -> "list[str]":
    """Return the words that change an image's size."""
    words = ["qemu-img", "resize", "-q", "-f", format]
    words += ["--shrink"] if shrink else []
    words += ["--preallocation=metadata"] if preallocate else []
    return [*words, path, str(size)]


def run(words: "list[str]", fds: "tuple[int, ...]" = ()) -> None:
    """Run qemu-img, which inherits `fds`.  Errors: SYSTEM_ERROR, INTERNAL_ERROR with what it said."""
    try:
        done = subprocess.run(
            words, pass_fds=fds, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, umask=0o077, check=False,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise VirError(SYSTEM_ERROR, f"Cannot find '{words[0]}' in path: {error.strerror}") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        what = " ".join(words)
        detail = f"Child process ({what}) unexpected exit status {done.returncode}: {said}"
        raise VirError(INTERNAL_ERROR, detail)


def inherited(fd: int) -> str:
    """Return the path by which a child finds a file it inherits."""
    return f"/proc/self/fd/{fd}"


def check_chain(path: str, image: headers.Image, depth: int = 0) -> None:
    """Refuse an image that stands on one whose format is not stated.

    Errors: OPERATION_INVALID; SYSTEM_ERROR if one is missing.
    """
    if image.external_data:
        raise VirError(OPERATION_INVALID, f"image '{path}' keeps its data in another file")
    if image.base is None:
        return
    base = os.path.normpath(os.path.join(os.path.dirname(path), image.base.removeprefix("file:")))
    if ":" in image.base.removeprefix("file:").split("/", 1)[0]:
        raise VirError(OPERATION_INVALID, f"image '{path}' stands on '{image.base}', which is not a file")
    if image.base_format is None:
        raise VirError(OPERATION_INVALID, f"image '{path}' does not state the format of '{base}' below it")
    if depth >= CHAIN_MAX:
        raise VirError(OPERATION_INVALID, f"too many images below '{path}'")
    if image.base_format == "raw":
        return
    try:
        fd = os.open(base, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise VirError(SYSTEM_ERROR, f"Cannot access storage file '{base}': {error.strerror}") from error
    try:
        below = headers.read(fd)
    finally:
        os.close(fd)
    check_chain(base, below, depth + 1)
