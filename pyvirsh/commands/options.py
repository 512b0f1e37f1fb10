"""Options that three or more commands share."""

from pyvirsh.spec import Opt, exclusive, flag, number, text, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.shell.binding import Args


def domain(state: str = "", *, required: bool = True) -> Opt:
    """Make the domain option; `state` narrows what completion offers ("active", "shutoff", ...)."""
    completes = f"domain:{state}" if state else "domain"
    return word("domain", "name, id or UUID of the domain", completes, required=required)


DOMAIN = domain()
DOMAIN_ACTIVE = domain("active")

CONFIG = flag("config", "change the definition, for the next boot")
LIVE = flag("live", "change the running domain")
CURRENT = flag("current", "change the domain as it is now, running or not")

# What a change affects: the three options, what excludes what, and the flags they stand for.
AFFECTED = (CONFIG, LIVE, CURRENT)
AFFECTED_RULES = (exclusive("current", "live"), exclusive("current", "config"))


def affected(args: "Args") -> int:
    """Return the flags (virDomainModificationImpact) that --config, --live and --current stand for."""
    from pyvirsh.backend.constants import DOMAIN_AFFECT_CONFIG, DOMAIN_AFFECT_LIVE

    return (DOMAIN_AFFECT_CONFIG if args.config else 0) | (DOMAIN_AFFECT_LIVE if args.live else 0)


FILE = word("file", "file with the XML description", "file-path")

VALIDATE = flag("validate", "check the XML against its schema first")

XPATH = text("xpath", "show only what this XPath expression selects", "none")
WRAP = flag("wrap", "put what --xpath selects into one root element")

# What every command that waits for events takes beside the object and the event.
WATCH = (
    flag("loop", "go on after the first event, until the time is over or ^C"),
    number("timeout", "seconds to wait at the most", fills=True),
    flag("list", "list the types of events"),
    flag("timestamp", "write the time in front of each event"),
)
