"""The catalogue of tables, good and bad, as data: what a file holds, and the answer to it (rows BF01 to BF51)."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from thalweg.errors import DataError, LimitError, ThalwegError


@dataclass(frozen=True)
class Refused:
    """A file that is not read: what it holds, and the answer."""

    row: str
    content: bytes | str
    code: str
    kind: type[ThalwegError] = DataError
    where: str = ""
    says: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    name: str = "train.csv"


def rows(count: int, row: str = "1,2,3\n") -> str:
    return row * count


REFUSED = [
    Refused("BF01", b"", "FILE-EMPTY", says=("no bytes",)),
    Refused("BF01-gzip", gzip.compress(b""), "FILE-EMPTY", says=("no bytes",), name="train.csv.gz"),
    Refused("BF01-blank", "\n\n \n", "FILE-EMPTY", says=("only blank lines",)),
    Refused("BF02", b"\xef\xbb\xbf", "FILE-EMPTY", says=("only a byte-order mark",)),
    Refused("BF03", "a,b,y\n", "FILE-NO-ROWS", says=("3 columns, 0 rows",)),
    Refused("BF04", "a,b,y\n1,2,3\n1,2\n4,5,6\n", "FILE-RAGGED", where="line 3", says=("2 fields, expected 3",)),
    Refused("BF05", "a,b,y\n1,2,3\n1,2,3,4\n4,5,6\n", "FILE-RAGGED", where="line 3", says=("4 fields, expected 3",)),
    Refused(
        "BF06",
        "a,b,y\n" + rows(5, "1,2,3,9\n"),
        "FILE-RAGGED",
        where="line 2",
        says=("4 fields under a 3-name header", "All 5 rows looked at agree", "name column 4"),
    ),
    Refused(
        "BF07-values",
        "a,b,y,\n1,2,3,\n1,2,3,7\n",
        "FILE-EMPTY-NAME",
        where="line 1, column 4",
        says=("a value in line 3: '7'",),
    ),
    Refused(
        "BF08",
        "a;b;y\n" + rows(99, "1;2;3\n"),
        "FILE-DELIMITER",
        says=("looks like ';' (3 fields in 100 of 100 lines)", "--delimiter ';'"),
    ),
    Refused("BF08-commas-in-text", "a;b\n1;x, y\n2;z, w\n", "FILE-DELIMITER", says=("--delimiter ';'",)),
    Refused("BF08-below-comment", "# made\na;b;y\n1;2;3\n", "FILE-DELIMITER", says=("--delimiter ';'",)),
    Refused("BF09", "a\tb\ty\n" + rows(9, "1\t2\t3\n"), "FILE-DELIMITER", says=("looks like tab", "--delimiter tab")),
    Refused("BF09-reverse", "a,b\n1,2\n", "FILE-DELIMITER", says=("looks like ','",), name="train.tsv"),
    Refused(
        "BF09-spaces", "1 2 3\n4 5 6\n", "FILE-DELIMITER", says=("spaces",), name="a.dat", options={"header": False}
    ),
    Refused("BF10", "a;b\n1,5;2,5\n", "FILE-DECIMAL-COMMA", says=("--delimiter ';'", "--decimal ','")),
    Refused(
        "BF10-quoted", 'a,b\n"1,5","2,5"\n', "FILE-DECIMAL-COMMA", where="line 2, column a", says=("--decimal ','",)
    ),
    Refused(
        "BF10-delimiter-given",
        "a;b\n1,5;2,5\n",
        "FILE-DECIMAL-COMMA",
        where="line 2, column a",
        says=("--decimal ','",),
        options={"delimiter": ";"},
    ),
    Refused("BF10-no-header", "1,5;2,5\n3,5;4,5\n", "FILE-DECIMAL-COMMA", where="line 1", options={"header": False}),
    Refused("BF12", "a,b\n1,2\n".encode("utf-16"), "FILE-ENCODING", says=("UTF-16 found", "--encoding utf-16")),
    Refused("BF12-UTF-32", "a,b\n1,2\n".encode("utf-32"), "FILE-ENCODING", says=("UTF-32 found",)),
    Refused("BF12-no-mark", "a,b\n1,2\n".encode("utf-16-le"), "FILE-NUL", where="line 1", says=("UTF-16",)),
    Refused("BF12-unmarked", "a,b\n1,2\n", "FILE-ENCODING", says=("not UTF-16",), options={"encoding": "utf-16"}),
    Refused(
        "BF12-broken",
        "a,b\n1,2\n".encode("utf-16") + b"\x00\xdc",
        "FILE-ENCODING",
        where="line 3",
        says=("byte 19 of the file",),
        options={"encoding": "utf-16"},
    ),
    Refused("BF13", b"a,b,y\n1,\xe9,2\n", "FILE-ENCODING", where="line 2", says=("byte 9 of the file, 0xE9",)),
    Refused("BF13-late", b"a,b\r\n" + b"1,2\r\n" * 70_000 + b"1,\xff\r\n", "FILE-ENCODING", where="line 70002"),
    Refused("BF13-cut", b"a,b\n1,\xc3", "FILE-ENCODING", where="line 2", says=("byte 7 of the file, 0xC3",)),
    Refused("BF14", b"a,b\n1,\x002\n", "FILE-NUL", where="line 2"),
    Refused("BF15", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "FILE-NOT-TEXT", says=("starts like a PNG picture",)),
    Refused("BF15-zip", b"PK\x03\x04\0\0a.csv", "FILE-NOT-TEXT", says=("zip archive",)),
    Refused("BF15-pickle", b"\x80\x04\x95\0\0", "FILE-NOT-TEXT", says=("pickle",)),
    Refused("BF16", "\n <!DOCTYPE html>\n<html>", "FILE-NOT-TABLE", says=("starts like HTML", "failed download?")),
    Refused("BF16-JSON", '{"a": 1}', "FILE-NOT-TABLE", says=("starts like JSON",)),
    Refused("BF17", "# made by x\na,b,y\n1,2,3\n", "FILE-RAGGED", where="line 1", says=("1 field", "--comment '#'")),
    Refused("BF17-below", "a,b,y\n1,2,3\n# end\n", "FILE-RAGGED", where="line 3", says=("1 field", "--comment '#'")),
    Refused(
        "BF19",
        'a,b,y\n1,"x\ny",3\n4,z,no\n7,w,8\n',
        "FILE-NOT-NUMBER",
        where="line 4, column y",
        says=("'no' is not a number",),
    ),
    Refused("BF20", 'a,b,y\n1,2,"3\n4,5,6\n', "FILE-QUOTE", where="line 2, column 3", says=("never closed",)),
    Refused("BF20-later", 'a,b\n1,"2\n3,"4"\n', "FILE-QUOTE", where="line 3, column 2", says=("opened in line 2",)),
    Refused("BF21", 'a,b,y\n1,2"3,3\n', "FILE-QUOTE", where="line 2, column 2", says=("'2\"3'",)),
    Refused("BF21-behind", 'a,b,y\n1,"2"3,3\n', "FILE-QUOTE", where="line 2, column 2", says=("after the closing",)),
    Refused("BF21-space", 'a,b\nx, "y"\n', "FILE-QUOTE", where="line 2, column 2", says=("no space before",)),
    Refused("BF23", "a,a,y\n1,2,3\n", "FILE-DUP-COLUMN", where="line 1", says=("'a' at columns 1 and 2",)),
    Refused("BF23-spaces", "a, a,y\n1,2,3\n", "FILE-DUP-COLUMN", says=("'a' at columns 1 and 2",)),
    Refused("BF24", "a,,y\n1,2,3\n", "FILE-EMPTY-NAME", where="line 1, column 2"),
    Refused("BF24-index", ",a\n0,1\n", "FILE-EMPTY-NAME", where="line 1, column 1", says=("index=False",)),
    Refused("BF24-numbers", "1,2,3\n4,5,6\n", "FILE-NO-HEADER", where="line 1", says=("--no-header",)),
    Refused("BF24-first-row", "5.1,3.5,iris\n4.9,3.0,iris\n", "FILE-NO-HEADER", where="line 1", says=("'5.1'",)),
    Refused(
        "BF25",
        "a,b,Y\n1,2,3\n",
        "FILE-NO-TARGET",
        says=("no column 'y'", "has a, b, Y", "Did you mean 'Y'?"),
        options={"target": "y"},
    ),
    Refused("BF25-drop", "a,b\n1,2\n", "DATA-COLUMN-MISSING", says=("no column 'A'", "'a'?"), options={"drop": ["A"]}),
    Refused(
        "BF26",
        "a,b\n" + rows(200_000, "1,2\n") + "oops,2\n",
        "FILE-NOT-NUMBER",
        where="line 200002, column a",
        says=("'oops'", "--text a"),
    ),
    Refused(
        "BF27",
        "a,b\nNA,1\nnull,2\n?,3\n-,4\n,5\n6,7\n",
        "FILE-MISSING",
        where="line 2, column a",
        says=("5 missing in column a", "--missing drop", "mean"),
    ),
    Refused("BF27-text", "a,b\nx,1\ny,2\n,3\nz,4\n", "FILE-MISSING", where="line 4, column a", says=("1 missing",)),
    Refused(
        "BF27-columns",
        "a,b,c,d,e\n1,,2,3,4\n,,,,\n",
        "FILE-MISSING",
        where="line 2, column b",
        says=("1 missing in column a, 2 missing in column b, 1 missing in column c, and in 2 more columns",),
    ),
    Refused(
        "BF27-mean-of-text",
        "a,b\nx,1\ny,2\n,3\nz,4\n",
        "FILE-MISSING",
        where="column a",
        says=("Text has no mean",),
        options={"missing": "mean"},
    ),
    Refused(
        "BF27-mean-of-target",
        "a,y\n1,1\n2,\n",
        "FILE-MISSING",
        where="line 3, column y",
        says=("target is not filled in",),
        options={"missing": "mean", "target": "y"},
    ),
    Refused("BF27-mean-of-nothing", "a,y\n,1\n,2\n", "FILE-MISSING", where="column a", options={"missing": "mean"}),
    Refused("BF27-drop-all", "a,y\n,1\n2,\n", "FILE-MISSING", says=("Every row",), options={"missing": "drop"}),
    *(
        Refused(
            f"BF28-{cell}", f"a,b\n{cell},1\n2,3\n", "FILE-NONFINITE", where="line 2, column a", says=(f"'{cell}'",)
        )
        for cell in ("inf", "-Infinity", "nan", "NaN", "+inf")
    ),
    Refused("BF29", "a,b\n1e400,1\n", "FILE-OVERFLOW", where="line 2, column a", says=("not representable",)),
    Refused(
        "BF31",
        'a,b\n"1,234",1\n',
        "FILE-NOT-NUMBER",
        where="line 2, column a",
        says=("--thousands ',' reads it as 1234", "--decimal ',' as 1.234"),
    ),
    Refused("BF31-spaces", "a,b\n1 234,1\n", "FILE-NOT-NUMBER", where="line 2, column a", says=('--thousands " "',)),
    Refused(
        "BF31-point",
        'a,b\n"1.234,5",1\n',
        "FILE-NOT-NUMBER",
        where="line 2, column a",
        says=("--thousands '.' --decimal ','",),
    ),
    *(
        Refused(f"BF32-{cell}", f"a,b\n{cell},1\n", "FILE-NOT-NUMBER", where="line 2, column a", says=(f"'{cell}'",))
        for cell in ("1_000", "0x1F", "0b11", "5%", "$3", "1.5_5")
    ),
    *(
        Refused(
            f"BF33-U+{ord(sign):04X}", f"a,b\n{cell},1\n", "FILE-NOT-NUMBER", where="line 2, column a", says=(name,)
        )
        for cell, sign, name in (
            ("\u22121.5", "\u2212", "U+2212 MINUS SIGN"),
            ("\uff11\uff12", "\uff11", "U+FF11 FULLWIDTH DIGIT ONE"),
            ("1\u00a0234", "\u00a0", "U+00A0 NO-BREAK SPACE"),
            ("\u0663", "\u0663", "U+0663 ARABIC-INDIC DIGIT THREE"),
            ("\u200b7", "\u200b", "U+200B ZERO WIDTH SPACE"),
        )
    ),
    *(
        Refused(
            f"BF34-{cell}",
            f"a,b\n{cell},1\n{cell},1\n",
            "FILE-NOT-NUMBER",
            where="line 2, column a",
            says=("looks like a date", "--drop a"),
        )
        for cell in ("2020-01-31", "31.01.2020", "1/31/20", "2020-01-31T10:00:00Z", "12:30", "3 Jan 2020", "2020-01")
    ),
    Refused(
        "BF39", gzip.compress(b"a,b\n" + bytes(range(64)).hex().encode())[:-9], "FILE-TRUNCATED", name="train.csv.gz"
    ),
    Refused("BF39-damaged", gzip.compress(b"a,b\n1,2\n")[:-8] + b"\0" * 8, "FILE-DAMAGED", name="train.csv.gz"),
    Refused("BF39-tail", gzip.compress(b"a,b\n1,2\n") + b"rubbish", "FILE-DAMAGED", name="train.csv.gz"),
    Refused("BF39-plain", "a,b\n1,2\n", "FILE-FORMAT", says=("not compressed with gzip",), name="train.csv.gz"),
    Refused(
        "BF45",
        ",".join(f"c{k}" for k in range(1_000_000)),
        "FILE-TOO-WIDE",
        LimitError,
        says=("1000000", "10000", "--max-columns"),
    ),
    Refused("BF46", b"1" * (17 << 20), "FILE-LONG-LINE", LimitError, where="line 1", says=("16 MiB",)),
    Refused(
        "BF46-quoted",
        b'a,b\n1,"' + (b"x" * 1000 + b"\n") * (17 << 10),
        "FILE-QUOTE",
        where="line 2, column 2",
        says=("16 MiB",),
    ),
    Refused("BF51", b"PK\x03\x04\0\0xl/workbook", "FILE-FORMAT", says=("spreadsheet", "CSV"), name="train.xlsx"),
    Refused("BF51-renamed", b"PK\x03\x04\0\0xl/workbook", "FILE-FORMAT", says=("spreadsheet",)),
    Refused("BF51-old", b"\xd0\xcf\x11\xe0\xa1\xb1", "FILE-FORMAT", says=("spreadsheet",), name="train.dat"),
    Refused("BF51-unknown", "a,b\n1,2\n", "FILE-FORMAT", says=("'.log'", ".csv", "--delimiter"), name="train.log"),
]


@dataclass(frozen=True)
class Accepted:
    """A file that is read: its columns, and what is noted."""

    row: str
    content: bytes | str
    columns: dict[str, list[Any]]
    warnings: tuple[str, ...] = ()
    delimiter: str = ","
    options: dict[str, Any] = field(default_factory=dict)
    name: str = "train.csv"


ACCEPTED = [
    Accepted(
        "BF07",
        "a,b,y,\n1,2,3,\n4,5,6, \n",
        {"a": [1, 4], "b": [2, 5], "y": [3, 6]},
        ("FILE-TRAILING: column 4 has no name and no values; left out",),
    ),
    Accepted("BF08-asked", "a;b\n1;2\n", {"a": [1], "b": [2]}, delimiter=";", options={"delimiter": ";"}),
    Accepted(
        "BF08-asked-wrongly",
        "a;b\n1;2\n",
        {"a;b": ["1;2"]},
        ("FILE-DELIMITER: looks like ';' (2 fields in 2 of 2 lines), not ','",),
        options={"delimiter": ","},
    ),
    Accepted("BF08-found", "a;b\n1;2\n", {"a": [1], "b": [2]}, delimiter=";", name="train.txt"),
    Accepted("BF09-found", "a\tb\n1\t2\n", {"a": [1], "b": [2]}, delimiter="\t", name="train"),
    Accepted("BF09-tsv", "a\tb\n1\t2\n", {"a": [1], "b": [2]}, delimiter="\t", name="train.tsv"),
    Accepted("BF09-word", "a\tb\n1\t2\n", {"a": [1], "b": [2]}, delimiter="\t", options={"delimiter": "tab"}),
    Accepted("BF09-text", 'a,b\nx;y,1\n"z,w",2\n', {"a": ["x;y", "z,w"], "b": [1, 2]}),
    Accepted("BF10-asked", "a;b\n1,5;-2,5e3\n", {"a": [1.5], "b": [-2500]}, delimiter=";", options={"decimal": ","}),
    Accepted("BF11", b"\xef\xbb\xbfa,b\n1,2\n", {"a": [1], "b": [2]}),
    Accepted("BF12-asked", "a,b\n1,2\n".encode("utf-16"), {"a": [1], "b": [2]}, options={"encoding": "utf-16"}),
    Accepted("BF13-asked", b"a,b\n\xe9t\xe9,2\n", {"a": ["été"], "b": [2]}, options={"encoding": "latin-1"}),
    Accepted("BF17-asked", "# x\na,b\n#y\n1,2\n", {"a": [1], "b": [2]}, options={"comment": "#"}),
    Accepted("BF18", "a,b\r1,2\r3,4\r", {"a": [1, 3], "b": [2, 4]}),
    Accepted("BF18-CRLF", "a,b\r\n1,2\r\n3,4", {"a": [1, 3], "b": [2, 4]}),
    Accepted("BF19-text", 'a,b\n"x\r\n""y""",1\n', {"a": ['x\r\n"y"'], "b": [1]}),
    Accepted("BF22", "a,b\n1,2\n\n \n3,4\n", {"a": [1, 3], "b": [2, 4]}, ("FILE-BLANK: 2 blank lines skipped",)),
    Accepted("BF22-one", "a,b\n1,2\n\n", {"a": [1], "b": [2]}, ("FILE-BLANK: 1 blank line skipped",)),
    Accepted("BF24-no-header", "1,2\n3,4\n", {"c1": [1, 3], "c2": [2, 4]}, options={"header": False}),
    Accepted("BF24-names", "1,2\n3,4\n", {"u": [1, 3], "v": [2, 4]}, options={"header": False, "names": ["u", "v"]}),
    Accepted("BF26-text", "a,b\nred,1\n7,2\nblue,3\n", {"a": ["red", "7", "blue"], "b": [1, 2, 3]}),
    Accepted(
        "BF27-drop",
        "a,b\n1,x\n,y\n3,\n4,z\n",
        {"a": [1, 4], "b": ["x", "z"]},
        ("FILE-MISSING: 2 rows with missing cells left out",),
        options={"missing": "drop"},
    ),
    Accepted(
        "BF27-mean",
        "a,b\n1,1\n?,2\n3,3\n",
        {"a": [1, 2, 3], "b": [1, 2, 3]},
        ("FILE-MISSING: 1 missing in column a filled with its mean 2",),
        options={"missing": "mean"},
    ),
    Accepted(
        "BF27-keep",
        "a,b\n1,x\n,y\n3,\n4,z\n",
        {"a": [1, np.nan, 3, 4], "b": ["x", "y", "", "z"]},
        ("FILE-MISSING: 1 missing in column a kept", "FILE-MISSING: 1 missing in column b kept"),
        options={"missing": "keep"},
    ),
    Accepted("BF27-literal", "a,b\nNA,1\n,2\n", {"a": ["NA", ""], "b": [1, 2]}, options={"kinds": {"a": "text"}}),
    Accepted(
        "BF30",
        "a,b\n9007199254740993,1\n9007199254740992,2\n-9007199254740995,3\n1e300,4\n",
        {"a": [2.0**53, 2.0**53, -(2.0**53) - 4, 1e300], "b": [1, 2, 3, 4]},
        ("FILE-DIGITS: digits of 2 values are lost in column a, first in line 2: above 2^53; is it an id?",),
    ),
    Accepted("BF31-asked", 'a,b\n"1,234.5",1\n12,2\n', {"a": [1234.5, 12], "b": [1, 2]}, options={"thousands": ","}),
    Accepted("BF34-drop", "a,b\n2020-01-31,1\n", {"b": [1]}, options={"drop": ["a"]}),
    Accepted("BF34-text", "a,b\n2020-01-31,1\n", {"a": ["2020-01-31"], "b": [1]}, options={"kinds": {"a": "text"}}),
    Accepted("BF39-whole", gzip.compress(b"a,b\n1,2\n"), {"a": [1], "b": [2]}, name="train.csv.gz"),
    Accepted(
        "BF50", '\x1b[2J,<script>,\u202e"\n1,2,3\n'.replace('"', ""), {"\x1b[2J": [1], "<script>": [2], "\u202e": [3]}
    ),
    Accepted("BF51-asked", "a,b\n1,2\n", {"a": [1], "b": [2]}, name="train.log", options={"delimiter": ","}),
]
