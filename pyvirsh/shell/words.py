"""Split text into words by virsh's rules: quotes, escapes, comments, ``;`` and newlines.

White space is space and tab only.  Words come one at a time, so that the first fault in reading
order is the one reported, whether the splitter or the binder finds it.

Source: virsh(1); measured in `shell-semantics`, section 2.
"""

from pyvirsh.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_BREAKS = " \t\n;"
_SPECIAL = " \t\n;\\'\""


class Lexer:
    """Reads words from `text`; `line` is the number of the line the last word ended in.

    `word_start` and `at` are where the last word begins and where reading goes on.
    lenient: a dangling backslash and an open quote end quietly, as completion needs it;
    `open_quote` then tells which quote was left open.
    """

    def __init__(self, text: str, *, lenient: bool = False) -> None:
        self._text = text
        self.at = 0
        self._lenient = lenient
        self.line = 1
        self.open_quote = ""
        self.word_start = 0

    def next_word(self) -> "str | None":
        """Return the next word of the current command; None at the command's end."""
        self._skip_blanks()
        text = self._text
        if self.at >= len(text):
            return None
        if text[self.at] == "#":
            end = text.find("\n", self.at)
            self.at = len(text) if end < 0 else end
            return None
        if text[self.at] in ";\n":
            return None
        self.word_start = self.at
        return self._read_word()

    def next_command(self) -> bool:
        """Pass the separator after a command; False at the end of the text."""
        if self.at >= len(self._text):
            return False
        self.line += self._text[self.at] == "\n"
        self.at += 1
        return True

    def _skip_blanks(self) -> None:
        text = self._text
        while self.at < len(text):
            if text[self.at] in " \t":
                self.at += 1
            elif text.startswith("\\\n", self.at):
                self.at += 2
                self.line += 1
            else:
                return

    def _read_word(self) -> str:
        text = self._text
        pieces: list[str] = []
        while self.at < len(text) and text[self.at] not in _BREAKS:
            char = text[self.at]
            if char == "'":
                pieces.append(self._single_quoted())
            elif char == '"':
                pieces.append(self._double_quoted())
            elif char == "\\":
                self.at += 1
                pieces.append(self._escaped())
            else:
                start = self.at
                while self.at < len(text) and text[self.at] not in _SPECIAL:
                    self.at += 1
                pieces.append(text[start : self.at])
        return "".join(pieces)

    def _single_quoted(self) -> str:
        start = self.at + 1
        end = self._text.find("'", start)
        if end < 0:
            self.open_quote = "'"
            self.at = end = len(self._text)
        else:
            self.at = end + 1
        quoted = self._text[start:end]
        self.line += quoted.count("\n")
        return quoted

    def _double_quoted(self) -> str:
        text = self._text
        pieces: list[str] = []
        self.at += 1
        while self.at < len(text):
            char = text[self.at]
            self.at += 1
            if char == '"':
                return "".join(pieces)
            if char == "\\":
                pieces.append(self._escaped())
            else:
                self.line += char == "\n"
                pieces.append(char)
        if not self._lenient:
            raise UsageError('missing "')
        self.open_quote = '"'
        return "".join(pieces)

    def _escaped(self) -> str:
        """Return what the character after a backslash stands for, and pass it."""
        if self.at >= len(self._text):
            if self._lenient:
                return ""
            raise UsageError("dangling \\")
        char = self._text[self.at]
        self.at += 1
        if char == "\n":
            self.line += 1
            return ""
        return char


class ArgvLexer:
    """The words of one command as the system's shell delivered them: nothing is special."""

    line = 1

    def __init__(self, words: "Iterable[str]") -> None:
        self._words = iter(words)

    def next_word(self) -> "str | None":
        """Return the next word; None when there is none."""
        return next(self._words, None)

    def next_command(self) -> bool:
        """There is only one command."""
        return False


def shell_quoted(item: str) -> str:
    """Quote for the system's shell where needed."""
    special = "\r\t\n !\"#$&'()*;<>?[\\]^`{|}~"
    if item and not any(char in special for char in item):
        return item
    return "'" + item.replace("'", "'\\''") + "'"
