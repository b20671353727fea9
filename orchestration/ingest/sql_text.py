"""Composing SQL text: literals and names, quoted in one place.

Belongs here: quoting. Does not belong here: any statement.
"""


def literal(text: str) -> str:
    """Return a text as a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """Return a name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
