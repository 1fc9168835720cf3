"""Text of a server for a terminal.

Names may hold control characters, escape sequences and marks that reverse the direction of text.
A terminal would obey them.
"""


def printable(text: str) -> str:
    r"""The text in one line, with each character that is not visible as `\xNN` or `\uNNNN`."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
        for each in text
    )
