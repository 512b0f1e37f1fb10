"""Run a command line on a driver of the test's own; what tests of commands share."""

import tempfile

from pyvirsh.shell import dispatch
from pyvirsh.shell.output import Output
from pyvirsh.shell.session import Session


def run(line, driver, **settings):
    """Return status, standard output and standard error; `settings` are of the Output."""
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        out = Output(stdout=stdout.fileno(), stderr=stderr.fileno(), quiet=True)
        for name, value in settings.items():
            setattr(out, name, value)
        session = Session(out)
        session._driver = driver
        status = dispatch.run_text(session, line)
        out.flush()
        stdout.seek(0)
        stderr.seek(0)
        return status, stdout.read().decode(), stderr.read().decode()
