"""Reading YAML that people write, without surprises: every value with its line, every number exact.

Belongs here: YAML text to plain values and line numbers, and the refusal of what YAML offers beyond
text, numbers, lists and mappings. Does not belong here: what a key means (models.py).

Anchors, aliases, merge keys and tags are refused, so a file of n bytes never becomes more than n
values. Numbers are made from their text, so 2.50 is Decimal("2.50"). yes, no, on, off and days stay
text; true, false, null and plain integers are what they look like.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import yaml

from orchestration.price_book.problems import ProblemList

MAX_DEPTH: Final = 24
MAX_NODES: Final = 1_000_000
MAX_NUMBER_LENGTH: Final = 100

Location = tuple[str | int, ...]

_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)", re.ASCII)
_DECIMAL: Final = re.compile(
    r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]{1,3})?", re.ASCII
)
_WORDS: Final[dict[str, bool | None]] = {
    "": None,
    "~": None,
    "null": None,
    "true": True,
    "false": False,
}
_HAS_COLON: Final = re.compile(r":(\s|$)")
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class YamlDocument:
    """The content of one YAML file.

    Attributes:
        path: relative to the reference folder.
        content: dicts, lists, str, int, Decimal, bool and None; None when nothing could be read.
        lines: the 1-based line of every value; a mapping's entry stands where its key stands.
        is_read: False when the file was refused as a whole.
    """

    path: str
    content: Any
    lines: Mapping[Location, int] = field(repr=False)
    is_read: bool = True

    def line(self, location: Location) -> int:
        """The line of a value, or of the innermost value around it that the file holds."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)


class _RefusedYamlError(Exception):
    """Carries the reason for which a file is read no further."""

    def __init__(self, code: str, line: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.line = line


def read_yaml(path: str, text: str, problems: ProblemList) -> YamlDocument:
    """Read one YAML file; what cannot be read is added to the problems.

    A duplicate key is reported and its first value kept, so that the rest is checked too. Anything
    else that is refused ends the reading of this file, whose content is then None.
    """
    reader = _Reader(path, problems)
    try:
        content = reader.read(text)
    except _RefusedYamlError as refusal:
        problems.add(refusal.code, path, refusal.line, str(refusal))
        return YamlDocument(path, None, {}, is_read=False)
    except yaml.MarkedYAMLError as error:
        line, reason = _syntax_fault(error, text.splitlines())
        problems.add("yaml_syntax", path, line, f"The YAML cannot be read: {reason}.")
        return YamlDocument(path, None, {}, is_read=False)
    except (yaml.YAMLError, UnicodeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        problems.add("yaml_syntax", path, 1, f"The YAML cannot be read: {reason}.")
        return YamlDocument(path, None, {}, is_read=False)
    return YamlDocument(path, content, reader.lines)


class _Reader:
    """Builds plain values from the parser's events, one at a time."""

    def __init__(self, path: str, problems: ProblemList) -> None:
        self.lines: dict[Location, int] = {}
        self._path = path
        self._problems = problems
        self._nodes = 0

    def read(self, text: str) -> Any:
        events = self._checked(yaml.parse(text, Loader=_LOADER))
        content: Any = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _RefusedYamlError(
                        "yaml_several_documents", _line(event), "A second document begins here."
                    )
                content = self._value(next(events), events, ())
        return content

    def _checked(self, events: Iterator[yaml.Event]) -> Iterator[yaml.Event]:
        for event in events:
            if isinstance(event, yaml.NodeEvent):
                self._check(event)
            yield event

    def _check(self, event: yaml.NodeEvent) -> None:
        self._nodes += 1
        if isinstance(event, yaml.AliasEvent):
            raise _RefusedYamlError("yaml_alias", _line(event), f"*{event.anchor} is an alias.")
        if event.anchor is not None:
            raise _RefusedYamlError("yaml_alias", _line(event), f"&{event.anchor} is an anchor.")
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise _RefusedYamlError("yaml_tag", _line(event), f"The value has the tag {tag}.")
        if self._nodes > MAX_NODES:
            raise _RefusedYamlError(
                "yaml_too_many_nodes", _line(event), f"The file has over {MAX_NODES} values."
            )

    def _value(self, event: yaml.Event, events: Iterator[yaml.Event], at: Location) -> Any:
        self.lines.setdefault(at, _line(event))
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if len(at) >= MAX_DEPTH:
            raise _RefusedYamlError(
                "yaml_too_deep", _line(event), f"Values are nested over {MAX_DEPTH} levels deep."
            )
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Any] = []
            while not isinstance(event := next(events), yaml.SequenceEndEvent):
                items.append(self._value(event, events, (*at, len(items))))
            return items
        return self._mapping(events, at)

    def _mapping(self, events: Iterator[yaml.Event], at: Location) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise _RefusedYamlError(
                    "yaml_key_not_text", _line(event), "A list or mapping stands as a key."
                )
            key = event.value
            if key == "<<" and event.implicit[0]:
                raise _RefusedYamlError("yaml_alias", _line(event), "<< is a merge key.")
            if key in entries:
                first = self.lines[(*at, key)]
                self._problems.add(
                    "duplicate_key",
                    self._path,
                    _line(event),
                    f"The key {key!r} stood on line {first} already.",
                )
                self._skip(next(events), events)
                continue
            self.lines[(*at, key)] = _line(event)
            entries[key] = self._value(next(events), events, (*at, key))
        return entries

    def _skip(self, event: yaml.Event, events: Iterator[yaml.Event]) -> None:
        depth = 0
        while True:
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth == 0:
                return
            event = next(events)


def _syntax_fault(error: yaml.MarkedYAMLError, lines: Sequence[str]) -> tuple[int, str]:
    """The line that is to be corrected, and why, in plain words for the usual mistakes."""
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    at_fault = lines[line - 1] if line <= len(lines) else ""
    if "\t" in at_fault[: len(at_fault) - len(at_fault.lstrip())]:
        return line, "the line begins with a tab; indent with blanks"
    no_colon = "a colon is missing between a key and its value"
    if error.problem == "could not find expected ':'" and error.context_mark:
        return error.context_mark.line + 1, no_colon
    if str(error.problem).startswith("mapping values are not allowed"):
        before = next((number for number in range(line - 1, 0, -1) if lines[number - 1].strip()), 0)
        if before and not _HAS_COLON.search(lines[before - 1]):
            return before, no_colon
    return line, " ".join(part for part in (error.context, error.problem) if part)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _scalar(event: yaml.ScalarEvent) -> str | int | Decimal | bool | None:
    text = str(event.value)
    if not event.implicit[0]:  # quoted or block text is text, whatever it looks like
        return text
    if text.lower() in _WORDS and text in {text.lower(), text.title(), text.upper()}:
        return _WORDS[text.lower()]
    if len(text) > MAX_NUMBER_LENGTH:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text) and not re.fullmatch(r"[-+]?[0-9]+", text):
        return Decimal(text)
    return text
