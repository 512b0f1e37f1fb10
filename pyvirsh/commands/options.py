"""Options that three or more commands share."""

from pyvirsh.spec import Opt, flag, word


def domain(state: str = "", *, required: bool = True) -> Opt:
    """Make the domain option; `state` narrows what completion offers ("active", "shutoff", ...)."""
    completes = f"domain:{state}" if state else "domain"
    return word("domain", "name, id or UUID of the domain", completes, required=required)


DOMAIN = domain()
DOMAIN_ACTIVE = domain("active")

CONFIG = flag("config", "change the definition, for the next boot")
LIVE = flag("live", "change the running domain")
CURRENT = flag("current", "change the domain as it is now, running or not")

FILE = word("file", "file with the XML description", "file-path")

XPATH = Opt("xpath", "string", "show only what this XPath expression selects", completes="")
WRAP = flag("wrap", "put what --xpath selects into one root element")
