"""Text into words.  Each case: the text, and the commands it holds, each a list of words."""

import pytest

from pyvirsh.errors import UsageError
from pyvirsh.shell.words import ArgvLexer, Lexer


def split(text, *, lenient=False):
    lexer = Lexer(text, lenient=lenient)
    commands = []
    while True:
        words = []
        while (word := lexer.next_word()) is not None:
            words.append(word)
        commands.append(words)
        if not lexer.next_command():
            return [words for words in commands if words]


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("", []),
        (" \t ;;\n;", []),
        ("echo a \t b", [["echo", "a", "b"]]),
        ("echo a;echo b\necho c", [["echo", "a"], ["echo", "b"], ["echo", "c"]]),
        ("a#b", [["a#b"]]),
        ("a # b; c\\\nd", [["a"], ["d"]]),
        ("# text", []),
        ("'a\\b;\n#c'", [["a\\b;\n#c"]]),
        ("'open; echo d", [["open; echo d"]]),
        ('"\\n\\$\\\nx\ny"', [["n$x\ny"]]),
        ("a\\ \\;b\\\nc \\\n d", [["a ;bc", "d"]]),
        ("a\"b\"c'd'e", [["abcde"]]),
        ("x '' \"\"", [["x", "", ""]]),
        ("'it'\\''s'", [["it's"]]),
        ("a\rb\x0bc\xa0d $e `f` *", [["a\rb\x0bc\xa0d", "$e", "`f`", "*"]]),
        ('--dom\\ain "--x"', [["--domain", "--x"]]),
    ],
)
def test_split(text, commands):
    assert split(text) == commands


@pytest.mark.parametrize(
    ("text", "fault"), [('a "b', 'missing "'), ("a\\", "dangling \\"), ('"a\\', "dangling \\")]
)
def test_faults(text, fault):
    with pytest.raises(UsageError) as error:
        split(text)
    assert error.value.text == fault


def test_lenient_takes_what_is_unfinished():
    assert split('a "b c', lenient=True) == [["a", "b c"]]
    assert split("a b\\", lenient=True) == [["a", "b"]]


@pytest.mark.parametrize(("text", "quote"), [('a "b', '"'), ("a 'b", "'"), ('a "b"', ""), ("'a' b", "")])
def test_open_quote(text, quote):
    lexer = Lexer(text, lenient=True)
    while lexer.next_word() is not None:
        pass
    assert lexer.open_quote == quote


def test_lines_and_places():
    lexer = Lexer("a 'b\nc'\n  d\\\n e")
    seen = []
    while True:
        while (word := lexer.next_word()) is not None:
            seen.append((word, lexer.line, lexer.word_start, lexer.at))
        if not lexer.next_command():
            break
    assert seen == [("a", 1, 0, 1), ("b\nc", 2, 2, 7), ("d", 4, 10, 13), ("e", 4, 14, 15)]


def test_words_of_the_system_shell_are_taken_as_they_are():
    lexer = ArgvLexer(["a;b", "#c", "'", ""])
    assert [lexer.next_word() for _ in range(5)] == ["a;b", "#c", "'", "", None]
    assert not lexer.next_command()
