"""Backups of a running domain's disks.

Source: virsh(1); texts and calls measured on virsh 11.3.0.
"""

from pyvirsh.backend import constants as c
from pyvirsh.commands import files, xpath
from pyvirsh.commands.options import DOMAIN_ACTIVE, WRAP, XPATH
from pyvirsh.spec import Table, flag, text, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Backup", "backup")

BEGIN_FLAGS = {
    "reuse-external": c.DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL,
    "preserve-domain-on-shutdown": c.DOMAIN_BACKUP_BEGIN_PRESERVE_SHUTDOWN_DOMAIN,
}


@TABLE.command(
    "backup-begin",
    "start a backup of a domain's disks",
    options=(
        DOMAIN_ACTIVE,
        word(
            "backupxml",
            "file that says what goes where; all disks when left out",
            "file-path",
            required=False,
        ),
        text("checkpointxml", "file with a checkpoint to make along with it", "file-path", fills=True),
        flag("reuse-external", "into files that are there already"),
        flag(
            "preserve-domain-on-shutdown", "when the guest shuts down, keep the domain until the backup ends"
        ),
    ),
)
def backup_begin(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    backup = "<domainbackup/>" if args.backupxml is None else files.read(args.backupxml)
    checkpoint = None if args.checkpointxml is None else files.read(args.checkpointxml)
    flags = sum(bit for name, bit in BEGIN_FLAGS.items() if args.given(name))
    ctx.driver.domain_backup_begin(dom, backup, checkpoint, flags)
    ctx.out.data({"domain": dom.name, "backup": "started"}, "Backup started\n")


@TABLE.command(
    "backup-dumpxml",
    "show the backup that runs, as XML",
    options=(DOMAIN_ACTIVE, XPATH, WRAP),
)
def backup_dumpxml(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    xpath.show(ctx, args, lambda: ctx.driver.domain_backup_get_xml_desc(dom))
