"""Words to options, and options to values, by virsh's rules."""

import pytest

from pyvirsh.errors import CommandFailed, UsageError
from pyvirsh.shell.binding import Args, Binder, ScaleError, check_rules, parse_integer, parse_scaled
from pyvirsh.shell.words import ArgvLexer
from pyvirsh.spec import Table, alias, either, exclusive, flag, number, requires, text, word, words

TABLE = Table("Tests", "tests")


@TABLE.command(
    "try",
    "take options of every kind",
    options=(
        word("domain", "a word"),
        number("count", "a number", fills=True),
        text("mode", "a string"),
        text("empty", "may be empty", allow_empty=True),
        flag("now", "a flag"),
        alias("shareable", "mode", "shared"),
        alias("kind", "mode"),
        words("rest", "the rest"),
    ),
    rules=(exclusive("now", "mode"), requires("mode", "count"), either("now", "count")),
)
def handler(ctx, args):
    raise AssertionError("it only declares")


TRY = TABLE.commands["try"]


def bind(line, **options):
    return Binder(TRY, ArgvLexer(line.split(" ") if line else []), **options)


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("a", {"domain": "a"}),
        ("--domain a", {"domain": "a"}),
        ("--domain=a=b", {"domain": "a=b"}),
        ("--domain --now", {"domain": "--now"}),
        ("--domain --", {"domain": "--"}),
        ("-- --now", {"domain": "--now"}),
        ("-- -- 2", {"domain": "--", "count": "2"}),
        ("a 2 b c", {"domain": "a", "count": "2", "rest": ["b", "c"]}),
        ("--count 2 a b", {"count": "2", "domain": "a", "rest": ["b"]}),
        ("a --now", {"domain": "a", "now": True}),
        ("a --shareable", {"domain": "a", "mode": "shared"}),
        ("a --kind=x", {"domain": "a", "mode": "x"}),
        ("a --rest b --rest= --rest=c", {"domain": "a", "rest": ["b", "", "c"]}),
        ("a --", {"domain": "a"}),
        ("-x", {"domain": "-x"}),
        ("a --mode=", {"domain": "a", "mode": ""}),
    ],
)
def test_bind(line, values):
    assert bind(line).bind().values == values


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("", "command 'try' requires <domain> option"),
        ("a --bogus=3", "command 'try' doesn't support option --bogus"),
        ("a --=x", "command 'try' doesn't support option --"),
        ("a --now=", "invalid '=' after option --now"),
        ("a --shareable=x", "invalid '=' after option --shareable"),
        ("a --domain b", "option --domain already seen"),
        ("a --shareable --mode x", "option --mode already seen"),
        ("a --kind x --mode y", "option --mode already seen"),
        ("a --count", "expected syntax: --count <number>"),
        ("a --kind", "expected syntax: --mode <string>"),
        ("a --rest", "expected syntax: --rest <string>"),
        ("a --output", "expected syntax: --output <string>"),
        ("a --output=xls", "unknown output format 'xls': it can be table, json, yaml, csv or name"),
    ],
)
def test_faults(line, fault):
    with pytest.raises(UsageError) as error:
        bind(line).bind()
    assert error.value.text == fault


def test_help_asks_for_no_options():
    binder = bind("--help=x --now")
    binder.bind()
    assert binder.wants_help
    with pytest.raises(UsageError, match="--bogus"):
        bind("--bogus --help").bind()


def test_output_is_no_option_of_the_command():
    binder = bind("a --output json")
    assert binder.bind().values == {"domain": "a"}
    assert binder.output == "json"


@pytest.mark.parametrize(
    ("line", "last", "failed", "values"),
    [
        ("a --count", "count", False, {"domain": "a", "count": ""}),
        ("--rest", "rest", False, {"rest": [""]}),
        ("a --bogus --now", None, True, {"domain": "a"}),
    ],
)
def test_lenient(line, last, failed, values):
    binder = bind(line, lenient=True)
    assert binder.bind().values == values
    assert (binder.last.name if binder.last else None) == last
    assert binder.failed is failed


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"now": True, "mode": "x"}, "Options --now and --mode are mutually exclusive"),
        ({"mode": "x"}, "Option --count is required by option --mode"),
        ({}, "Either --now or --count must be provided"),
        ({"now": True}, None),
    ],
)
def test_rules(values, fault):
    if fault is None:
        check_rules(Args(TRY, values))
        return
    with pytest.raises(CommandFailed) as error:
        check_rules(Args(TRY, values))
    assert error.value.texts == (fault,)


def test_reading():
    args = Args(TRY, {"mode": "", "empty": "", "rest": ["a"]})
    assert (args.domain, args.now, args.rest, args.empty) == (None, False, ["a"], "")
    assert args.given("mode") and not args.given("domain")
    with pytest.raises(CommandFailed, match="Failed to get option 'mode': Option argument is empty"):
        args["mode"]
    with pytest.raises(AttributeError):
        _ = args.nothing


@pytest.mark.parametrize(
    ("given", "number"),
    [
        (" 2", 2),
        ("+2", 2),
        ("02", 2),
        ("-1", -1),
        ("2 ", None),
        ("0x2", None),
        ("", None),
        ("1e1", None),
        ("٢", None),
    ],
)
def test_integers(given, number):
    assert parse_integer(given) == number


def malformed(kind, given):
    return f"{kind} value '{given}' for <count> option is malformed or out of range"


@pytest.mark.parametrize("given", ["two", "4294967296", "-1", ""])
def test_unsigned_out_of_range(given):
    with pytest.raises(CommandFailed) as error:
        Args(TRY, {"count": given}).unsigned("count")
    assert error.value.texts == (malformed("Numeric", given),)


def test_numbers_within_bounds():
    assert Args(TRY, {"count": "7"}).integer("count", low=0, high=7) == 7
    assert Args(TRY, {}).unsigned("count", 5) == 5
    assert Args(TRY, {"count": "-1"}).unsigned("count", high=2**64 - 1, wrap=True) == 2**64 - 1
    with pytest.raises(CommandFailed):
        Args(TRY, {"count": "8"}).integer("count", low=0, high=7)


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ("3", 3 * 1024),
        ("3b", 3),
        ("3Bytes", 3),
        ("2k", 2048),
        ("2KiB", 2048),
        ("2kB", 2000),
        ("1M", 2**20),
        ("1gb", 10**9),
        (" +1E", 2**60),
    ],
)
def test_sizes(given, size):
    assert parse_scaled(given, 1024) == size


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        ("abc", ()),
        ("-1", ()),
        ("", ()),
        ("99999999999999999999", ()),
        ("12x", ("invalid argument: unknown suffix 'x'",)),
        ("1.5G", ("invalid argument: unknown suffix '.5G'",)),
        ("1 G", ("invalid argument: unknown suffix ' G'",)),
        ("16E", ("numerical overflow: value too large: 16E",)),
        ("18446744073709551615", ("numerical overflow: value too large: 18446744073709551615",)),
    ],
)
def test_size_faults(given, texts):
    with pytest.raises(ScaleError) as error:
        parse_scaled(given, 1024)
    assert error.value.texts == texts
    with pytest.raises(CommandFailed) as failure:
        Args(TRY, {"count": given}).scaled("count", unit=1024)
    assert failure.value.texts == (malformed("Scaled numeric", given), *texts)
