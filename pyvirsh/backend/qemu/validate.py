"""Refuse what cannot be honoured, with the element and the remedy, before anything is kept or started."""

from pyvirsh.backend.conf.domain import Domain, checks
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, INVALID_ARG, NO_NAME, XML_ERROR, VirError
from pyvirsh.backend.qemu.checks import devices, features, general, memory, storage
from pyvirsh.backend.qemu.facts import Facts, Host

NAME_MAX = 255
__all__ = ["check", "check_name"]


def check(domain: Domain, facts: Facts, host: Host, *, for_start: bool) -> None:
    """Check a completed definition.

    for_start: whether the guest is about to start, so that this host and this QEMU must be able to run it;
    a definition may be kept on a host that cannot.

    Errors: XML_ERROR for contradictions, CONFIG_UNSUPPORTED for what cannot be done here.
    """
    check_name(domain.name)
    general.check(domain, facts)
    features.check(domain)
    memory.check(domain, facts)
    checks.check_shared(domain)
    storage.check(domain, facts)
    devices.check(domain, facts)
    if for_start:
        general.check_host(domain, facts, host)
        devices.check_host(domain, facts, host)
        storage.check_start(domain, facts)


def check_name(name: "str | None") -> None:
    """Refuse names that cannot be files' names, or that terminals and commands would misread."""
    if not name:
        raise VirError(NO_NAME)
    shown = name.encode("unicode_escape").decode()
    if name.isspace():
        raise VirError(XML_ERROR, "name must contain at least one non-whitespace character")
    if "/" in name:
        raise VirError(XML_ERROR, f"name {shown} cannot contain '/'")
    if name in (".", ".."):
        raise VirError(XML_ERROR, f"name {shown} is invalid")
    if len(name.encode("utf-8", "surrogateescape")) > NAME_MAX:
        raise VirError(XML_ERROR, f"name is longer than {NAME_MAX} bytes: choose a shorter one")
    if "\n" in name:
        raise VirError(XML_ERROR, f"name {shown} cannot contain '\\n'")
    if any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in name):
        raise VirError(XML_ERROR, f"name {shown} cannot contain control characters")
    if name.startswith("-"):
        raise VirError(INVALID_ARG, f"name {shown} cannot begin with '-', which commands take for an option")


def unsupported(detail: str) -> VirError:
    """Make the error for what this driver does not do."""
    return VirError(CONFIG_UNSUPPORTED, detail)
