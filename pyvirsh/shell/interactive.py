"""The shell on a terminal: an edited line with completion, colour and history.

Sole owner of prompt_toolkit.  What is read here runs in `loop`.

Source: measured in `shell-semantics`, sections 9 and 10.
"""

import asyncio
import os
from collections.abc import Callable, Iterable

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.application.current import get_app_session
from prompt_toolkit.completion import CompleteEvent, Completer, Completion, get_common_complete_suffix
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import Lexer as Colourer
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.styles import Style

from pyvirsh.commands import INDEX
from pyvirsh.errors import Quit
from pyvirsh.shell import complete, loop
from pyvirsh.shell.history import History
from pyvirsh.shell.session import Session
from pyvirsh.shell.words import Lexer

# A colour, if only the terminal's own, so that the blank at the end of the prompt is written, too:
# programs that drive a shell wait for it.
PROMPT_STYLE = "fg:ansidefault"

STYLE = Style.from_dict(
    {
        "command": "bold",
        "unknown": "ansired",
        "option": "ansicyan",
        "quoted": "ansigreen",
        "comment": "ansibrightblack",
    }
)


def run(session: Session, history: History, *, plain: bool = False) -> None:
    """Read and run lines until the user leaves."""
    editor = make_editor(session, history, plain=plain)
    while True:
        try:
            prompt: StyleAndTextTuples = [(PROMPT_STYLE, loop.prompt(session))]
            line = editor.prompt(prompt, pre_run=lambda: watch_connection(session))
        except KeyboardInterrupt:
            continue
        except EOFError:
            break
        history.add(line)
        try:
            run_line(session, line)
        except Quit:
            session.out.line()
            break
    session.out.flush()


def run_line(session: Session, line: str) -> None:
    """Run one line; ^C ends the command it runs, not the shell.  Errors: Quit."""
    try:
        loop.run_line(session, line)
    except KeyboardInterrupt:
        session.out.line()
        session.interrupted()


def make_editor(session: Session, history: History, *, plain: bool) -> "PromptSession[str]":
    """Make what reads a line.  plain: without colour."""
    past = InMemoryHistory(history.lines)
    colourless = plain or bool(os.environ.get("NO_COLOR"))
    completer = LineCompleter(session)
    output = get_app_session().output
    if isinstance(output, Vt100_Output):
        # Do not ask where the cursor is: what is no real terminal does not answer.
        output.enable_cpr = False
    return PromptSession(
        history=past,
        completer=completer,
        complete_while_typing=False,
        key_bindings=completion_keys(completer),
        lexer=None if colourless else LineColourer(),
        style=None if colourless else STYLE,
        color_depth=ColorDepth.DEPTH_1_BIT if colourless else None,
        include_default_pygments_style=False,
    )


def watch_connection(session: Session) -> None:
    """While the user types, answer the peer and tell at once when the connection ends."""
    fd = session.idle_fileno()
    if fd < 0:
        return
    events = asyncio.get_running_loop()

    def take_in() -> None:
        session.take_in()
        if session.idle_fileno() != fd:
            events.remove_reader(fd)
            run_in_terminal(session.note_loss)

    events.add_reader(fd, take_in)


# -- completion --------------------------------------------------------------------------------------


def completion_keys(completer: Completer) -> KeyBindings:
    """Make the TAB key complete at once what it can, so that keys typed ahead find it done."""
    bindings = KeyBindings()

    @bindings.add("tab")
    def complete_word(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state:
            buffer.complete_next()
            return
        found = list(completer.get_completions(buffer.document, CompleteEvent(completion_requested=True)))
        if len(found) == 1:
            buffer.apply_completion(found[0])
        elif found:
            buffer.insert_text(get_common_complete_suffix(buffer.document, found))
            buffer.start_completion()

    return bindings


class LineCompleter(Completer):
    """Offers what `complete` knows, quoted as the line needs it."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_completions(self, document: Document, event: CompleteEvent) -> Iterable[Completion]:
        """Yield the candidates for the word before the cursor."""
        line = document.text_before_cursor
        word, start, quote = last_word(line)
        try:
            with complete.TimeLimit(complete.SECONDS):
                found = complete.rich(self._session, Lexer(line, lenient=True), word)
        except TimeoutError:
            return
        # Options stay in the order of their declaration, the most used first.
        for candidate in found if word.startswith("-") else sorted(found, key=lambda each: each.text):
            end = " " if len(found) == 1 and candidate.whole else ""
            yield Completion(
                quoted(candidate.text, quote, closed=bool(end)) + end,
                start_position=start - len(line),
                display=candidate.text,
                display_meta=candidate.help,
            )


def last_word(line: str) -> "tuple[str, int, str]":
    """Return the word that `line` ends with, where it begins, and the quote left open in it.

    After a blank or a separator it is an empty word at the end.
    """
    lexer = Lexer(line, lenient=True)
    word, start = "", len(line)
    while True:
        while (next_word := lexer.next_word()) is not None:
            word, start = next_word, lexer.word_start
            end = lexer.at
            if end < len(line):
                word, start = "", len(line)
        if not lexer.next_command():
            return word, start, lexer.open_quote
        word, start = "", len(line)


def quoted(text: str, quote: str, *, closed: bool) -> str:
    """Write `text` as a word of a line: in the quote begun, else with a backslash where one is needed."""
    if quote == "'":
        return "'" + text.replace("'", "'\\''") + ("'" if closed else "")
    special = '\\"' if quote else " \t\\\"';#"
    body = "".join("\\" + char if char in special else char for char in text)
    return quote + body + (quote if closed else "")


# -- colour ------------------------------------------------------------------------------------------


class LineColourer(Colourer):
    """Shows what is a command, an option, a quoted word and a comment."""

    def lex_document(self, document: Document) -> "Callable[[int], StyleAndTextTuples]":
        """Return a function from a line's number to its coloured pieces."""
        return lambda number: coloured(document.lines[number])


def coloured(line: str) -> StyleAndTextTuples:
    """Return a line in pieces with their styles."""
    lexer = Lexer(line, lenient=True)
    pieces: StyleAndTextTuples = []
    done = 0
    while True:
        is_name = True
        while (word := lexer.next_word()) is not None:
            start, end = lexer.word_start, lexer.at
            pieces += [("", line[done:start]), (_style(word, line[start:end], is_name), line[start:end])]
            done, is_name = end, False
        if line[done : lexer.at].lstrip().startswith("#"):
            pieces.append(("class:comment", line[done : lexer.at]))
            done = lexer.at
        if not lexer.next_command():
            return [*pieces, ("", line[done:])]


def _style(word: str, raw: str, is_name: bool) -> str:
    if is_name:
        return "class:command" if word in INDEX else "class:unknown"
    if word.startswith("--"):
        return "class:option"
    return "class:quoted" if raw[:1] in "\"'" else ""
