"""What a command raises when it cannot do its work.  Drivers raise `backend.errors.VirError`."""


class UsageError(Exception):
    """The words typed do not fit the command's declaration; nothing ran.

    `text` is shown after ``error: ``; `line` is where in its text the fault is, counted from 1.
    Raised by the shell's parser only.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text
        self.line = 1


class CommandFailed(Exception):
    """A command could not do what was asked: status 1.

    Each line of `texts` is shown after ``error: ``; none at all means that the command has
    already said what there is to say.
    """

    def __init__(self, *texts: str) -> None:
        super().__init__(*texts)
        self.texts = texts


class Quit(Exception):
    """`quit` and `exit`: end the sequence or the shell with success."""
