"""Keys in the codes of different tables, as numbers that QEMU's send-key takes.

One row for each key: Linux, QEMU, AT set 2, AT set 3, USB, Windows, macOS; 0 where a table has no
code (-1 in macOS's, whose 0 is a key).  AT set 1 and XT codes are QEMU's, those of extended keys
with 0xe0 in front.

Source: Linux's input-event-codes.h; the USB HID usage tables; the PC/AT scan code sets; Microsoft's
list of virtual-key codes; QEMU's QKeyCode and its numbers.
"""

from pyvirsh.backend import constants as c
from pyvirsh.backend.errors import INTERNAL_ERROR, VirError

_ROWS = """
1 01 76 08 29 1b 35|2 02 16 16 1e 31 12|3 03 1e 1e 1f 32 13|4 04 26 26 20 33 14|5 05 25 25 21 34 15
6 06 2e 2e 22 35 17|7 07 36 36 23 36 16|8 08 3d 3d 24 37 1a|9 09 3e 3e 25 38 1c|10 0a 46 46 26 39 19
11 0b 45 45 27 30 1d|12 0c 4e 4e 2d bd 1b|13 0d 55 55 2e bb 18|14 0e 66 66 2a 08 33|15 0f 0d 0d 2b 09 30
16 10 15 15 14 51 0c|17 11 1d 1d 1a 57 0d|18 12 24 24 08 45 0e|19 13 2d 2d 15 52 0f|20 14 2c 2c 17 54 11
21 15 35 35 1c 59 10|22 16 3c 3c 18 55 20|23 17 43 43 0c 49 22|24 18 44 44 12 4f 1f|25 19 4d 4d 13 50 23
26 1a 54 54 2f db 21|27 1b 5b 5b 30 dd 1e|28 1c 5a 5a 28 0d 24|29 1d 14 11 e0 a2 3b|30 1e 1c 1c 04 41 00
31 1f 1b 1b 16 53 01|32 20 23 23 07 44 02|33 21 2b 2b 09 46 03|34 22 34 34 0a 47 05|35 23 33 33 0b 48 04
36 24 3b 3b 0d 4a 26|37 25 42 42 0e 4b 28|38 26 4b 4b 0f 4c 25|39 27 4c 4c 33 ba 29|40 28 52 52 34 de 27
41 29 0e 0e 35 c0 32|42 2a 12 12 e1 a0 38|43 2b 5d 5c 31 dc 2a|44 2c 1a 1a 1d 5a 06|45 2d 22 22 1b 58 07
46 2e 21 21 06 43 08|47 2f 2a 2a 19 56 09|48 30 32 32 05 42 0b|49 31 31 31 11 4e 2d|50 32 3a 3a 10 4d 2e
51 33 41 41 36 bc 2b|52 34 49 49 37 be 2f|53 35 4a 4a 38 bf 2c|54 36 59 59 e5 a1 3c|55 37 7c 7e 55 6a 43
56 38 11 19 e2 a4 3a|57 39 29 29 2c 20 31|58 3a 58 14 39 14 39|59 3b 05 07 3a 70 7a|60 3c 06 0f 3b 71 78
61 3d 04 17 3c 72 63|62 3e 0c 1f 3d 73 76|63 3f 03 27 3e 74 60|64 40 0b 2f 3f 75 61|65 41 83 37 40 76 62
66 42 0a 3f 41 77 64|67 43 01 47 42 78 65|68 44 09 4f 43 79 6d|69 45 77 76 53 90 47|70 46 7e 5f 47 91 -1
71 47 6c 6c 5f 67 59|72 48 75 75 60 68 5b|73 49 7d 7d 61 69 5c|74 4a 7b 84 56 6d 4e|75 4b 6b 6b 5c 64 56
76 4c 73 73 5d 65 57|77 4d 74 74 5e 66 58|78 4e 79 7c 57 6b 45|79 4f 69 69 59 61 53|80 50 72 72 5a 62 54
81 51 7a 7a 5b 63 55|82 52 70 70 62 60 52|83 53 71 71 63 6e 41|86 56 61 13 64 e2 0a|87 57 78 56 44 7a 67
88 58 07 5e 45 7b 6f|96 9c e05a 79 58 00 4c|97 9d e014 58 e4 a3 3e|98 b5 e04a 77 54 6f 4b|99 54 7f 57 46 2c -1
100 b8 e011 39 e6 a5 3d|102 c7 e06c 6e 4a 24 73|103 c8 e075 63 52 26 7e|104 c9 e07d 6f 4b 21 74
105 cb e06b 61 50 25 7b|106 cd e074 6a 4f 27 7c|107 cf e069 65 4d 23 77|108 d0 e072 60 51 28 7d
109 d1 e07a 6d 4e 22 79|110 d2 e070 67 49 2d 72|111 d3 e071 64 4c 2e 75|113 a0 e023 9c 7f ad 4a
114 ae e021 9d 81 ae 49|115 b0 e032 95 80 af 48|116 de e037 00 66 00 -1|117 59 0f 00 67 00 51
119 c6 e077 62 48 13 -1|125 db e01f 8b e3 5b 37|126 dc e027 8c e7 5c 36|127 dd e02f 8d 65 5d 6e
142 df e03f 00 00 5f -1|143 e3 e05e 00 00 00 -1|163 99 e04d 93 00 b0 -1|164 a2 e034 00 00 b3 -1
165 90 e015 94 00 b1 -1|166 a4 e03b 98 00 b2 -1|183 5d 08 7f 68 7c 69|184 5e 10 80 69 7d 6b
185 5f 18 81 6a 7e 71
"""
_COLUMNS = ("linux", "qnum", "atset2", "atset3", "usb", "win32", "osx")
_SETS = {
    c.KEYCODE_SET_LINUX: "linux",
    c.KEYCODE_SET_XT: "xt",
    c.KEYCODE_SET_ATSET1: "atset1",
    c.KEYCODE_SET_ATSET2: "atset2",
    c.KEYCODE_SET_ATSET3: "atset3",
    c.KEYCODE_SET_OSX: "os_x",
    c.KEYCODE_SET_XT_KBD: "xt_kbd",
    c.KEYCODE_SET_USB: "usb",
    c.KEYCODE_SET_WIN32: "win32",
    c.KEYCODE_SET_QNUM: "qnum",
}


def _table(column: str) -> "dict[int, int]":
    """Return the codes of a column with QEMU's numbers."""
    at = _COLUMNS.index(column)
    found: dict[int, int] = {}
    for row in _ROWS.replace("\n", "|").split("|"):
        if row:
            first, *codes = row.split()
            numbers = [int(first), *(int(code, 16) for code in codes)]
            if numbers[at] > 0 or numbers[at] == 0 and column == "osx":
                found.setdefault(numbers[at], numbers[1])
    return found


def to_qnum(codeset: int, code: int) -> int:
    """Return QEMU's number of a key.  Errors: INTERNAL_ERROR for a key that is none."""
    name = _SETS.get(codeset, "")
    if name == "qnum":
        return code
    if name in ("xt", "atset1", "xt_kbd"):
        known = set(_table("linux").values())
        number = code & 0x7F | 0x80 if code >> 8 == 0xE0 else code
        found = number if number in known else None
    else:
        found = _table("osx" if name == "os_x" else name).get(code) if name else None
    if found is None:
        raise VirError(INTERNAL_ERROR, f"cannot translate keycode {code} of {name} codeset to qnum keycode")
    return found
