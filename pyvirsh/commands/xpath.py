"""XML documents as commands show them: whole, or what ``--xpath`` selects.

Source: measured in `shell-semantics`, section 8.5.
"""

from pyvirsh.errors import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session


def show(ctx: "Session", args: "Args", fetch: "Callable[[], str]") -> None:
    """Write the document that `fetch` gets as the command's ``--xpath`` and ``--wrap`` ask.

    Errors: CommandFailed without a text for an empty expression, before anything is fetched.
    """
    expression = args.values.get("xpath")
    if expression == "":
        raise CommandFailed
    document = fetch()
    if expression is None:
        ctx.out.xml(document)
        return
    from pyvirsh.backend.conf.xml import XPathError, select

    try:
        found = select(document, str(expression), wrap=args.wrap)
    except XPathError as error:
        # As virsh does: libxml2's own words, and no failure.
        ctx.out.progress(str(error))
        found = ["<nodes/>"] if args.wrap else []
    ctx.out.data([node.strip() for node in found], "".join(node + "\n" for node in found))
