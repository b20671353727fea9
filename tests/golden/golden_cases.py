"""Golden cases as people write them: files of sentences with prices, usage and what is due.

Belongs here: the format of tests/golden/*.yml, its defaults, and what a case says that lines are.
Does not belong here: the reference folder and usage files that a case becomes (golden_tenant.py);
any figure.

Every scalar is read as text, so that a number keeps its digits.
"""

import os
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent
FOLDERS_VARIABLE = "GOLDEN_FOLDERS"
"""Folders, or single files, to take cases from instead; separated as PATH is."""

CASE_FIELDS = {
    "name",
    "meter",
    "meters",
    "charge",
    "charges",
    "terms",
    "contract",
    "contracts",
    "customers",
    "overrides",
    "grants",
    "plans",
    "events",
    "why",
    "lines",
    "draws",
    "left",
    "breakage",
    "exceptions",
    "rejected",
}
DEFAULT_FIELDS = {"meter", "charge", "contract"}
METER = {"unit": "unit", "aggregation": "sum", "value": "value"}
CHARGE = {"model": "per_unit"}
CONTRACT = {
    "customer": "u",
    "entity": "us",
    "currency": "USD",
    "zone": "UTC",
    "cadence": "monthly",
    "anchor": "1",
    "start": "2026-01-01",
    "end": "2026-02-01",
    "tax_profile": "standard",
}
# What a line is found by; everything else that a case says of it is compared.
KEY_FIELDS = ("contract", "charge", "kind", "customer", "dimensions", "days")
FIGURES = ("quantity", "priced", "unrounded", "amount")
PARTIES = ("entity", "bill_to", "tax_profile")
DRAW_FIELDS = {"grant", "contract", "charge", "cell", "amount", "quantity"}
LINE_FIELDS = {*KEY_FIELDS, *FIGURES, *PARTIES, *["exception", "events", "cell", "time", "tiers"]}


@dataclass(frozen=True)
class Case:
    """One case, defaults filled in.

    Attributes:
        prefix: what every id of its tenant begins with, unique over all files.
        path: its file. fields: everything else that it says, by field; meters, charges,
            contracts, customers, overrides, events and lines are always lists or mappings.
    """

    prefix: str
    name: str
    path: Path
    fields: dict

    @property
    def test_id(self):
        return f"{self.path.stem}: {self.name}"


class CaseError(ValueError):
    """A golden file is not written in the format of golden files."""


def golden_files():
    """Every file of cases, in order of its name."""
    places = os.environ.get(FOLDERS_VARIABLE)
    found = [Path(place) for place in places.split(os.pathsep)] if places else [FOLDER]
    return [
        path
        for place in found
        for path in ([place] if place.is_file() else sorted(place.glob("*.yml")))
    ]


def read_cases():
    """Every case of every file.

    Raises:
        CaseError: a file has no case, a field that is not read, or a case says too little.
    """
    cases = [case for path in golden_files() for case in _cases_of(path)]
    prefixes = [case.prefix for case in cases]
    if len(set(prefixes)) < len(prefixes):
        raise CaseError("Two golden files have one name. Rename one of them.")
    if not cases:
        raise CaseError(f"There is no case under {FOLDER}, nor where {FOLDERS_VARIABLE} says.")
    return cases


def _cases_of(path):
    content = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 — texts only
    _refuse_unknown(path, content, {"about", "defaults", "cases"})
    defaults = content.get("defaults", {})
    _refuse_unknown(path, defaults, DEFAULT_FIELDS)
    names = [given.get("name") for given in content["cases"]]
    for name in names:
        if names.count(name) > 1:
            raise CaseError(f"{path.name}: two cases are called {name!r}.")
    return [
        _case(path, f"{path.stem}-{number:03d}", given, defaults)
        for number, given in enumerate(content["cases"], start=1)
    ]


def _case(path, prefix, given, defaults):
    where = f"{path.name}, {given.get('name')!r}"
    _refuse_unknown(where, given, CASE_FIELDS)
    for field in ("name", "why", "lines"):
        if field not in given:
            raise CaseError(f"{where}: the field {field} is missing.")
    fields = filled_fields(given, defaults)
    fields["lines"] = [_line(where, line, fields) for line in given["lines"]]
    fields["draws"] = [_draw(where, draw, fields) for draw in given.get("draws", ())]
    for field in ("left", "breakage"):
        fields[field] = {name: plain(each) for name, each in given.get(field, {}).items()}
    return Case(prefix, given["name"], path, fields)


def filled_fields(given, defaults):
    """The fields of a case with what it leaves out: a meter, a charge, a contract, empty lists."""
    fields = dict(given)
    fields["meters"] = _filled(given, "meter", "meters", [METER, defaults.get("meter", {})], "m")
    fields["charges"] = _filled(
        given, "charge", "charges", [CHARGE, defaults.get("charge", {})], "c"
    )
    fields["contracts"] = _filled(
        given, "contract", "contracts", [CONTRACT, defaults.get("contract", {})], "k"
    )
    fields["customers"] = given.get("customers", {})
    for field in ("terms", "overrides", "grants", "events", "exceptions", "rejected"):
        fields[field] = given.get(field, [])
    return fields


def _filled(given, one, several, defaults, usual_id):
    """The entries of a case, each over the defaults; a field left empty takes a default away."""
    entries = given.get(several, [given.get(one, {})])
    filled = []
    for entry in entries:
        merged = {"id": usual_id}
        for layer in [*defaults, entry]:
            merged |= layer
        filled.append({name: value for name, value in merged.items() if value != ""})
    return filled


def _line(where, given, fields):
    _refuse_unknown(where, given, LINE_FIELDS)
    if ("amount" in given) == ("exception" in given):
        raise CaseError(f"{where}: a line has either an amount or an exception.")
    if "quantity" not in given:
        raise CaseError(f"{where}: a line says its quantity.")
    contract = _entry(where, fields["contracts"], given.get("contract"))
    charge_id = given.get("charge") or _entry(where, fields["charges"], None)["id"]
    model = {charge["id"]: charge["model"] for charge in fields["charges"]}.get(charge_id)
    return {
        "contract": contract["id"],
        "charge": charge_id,
        "kind": "fee" if model == "flat" else "usage",
        "customer": contract["customer"],
        "days": f"{contract['start']}/{contract.get('end', '')}",
        "exception": None,
        **given,
        "dimensions": {
            name: None if value == "null" else value
            for name, value in given.get("dimensions", {}).items()
        },
        **{name: plain(given[name]) for name in FIGURES if name in given},
        **(
            {"tiers": [[plain(each) for each in tier] for tier in given["tiers"]]}
            if "tiers" in given
            else {}
        ),
    }


def _draw(where, given, fields):
    _refuse_unknown(where, given, DRAW_FIELDS)
    contract = _entry(where, fields["contracts"], given.get("contract"))
    return {
        "contract": contract["id"],
        "charge": given.get("charge") or _entry(where, fields["charges"], None)["id"],
        "cell": f"{contract['start']}/{contract.get('end', '')}",
        "quantity": "1",
        **given,
        **{name: plain(given[name]) for name in ("amount", "quantity") if name in given},
    }


def _entry(where, entries, wanted_id):
    found = [entry for entry in entries if wanted_id in (None, entry["id"])]
    if len(found) != 1:
        raise CaseError(f"{where}: a line names which of {len(entries)} entries it is for.")
    return found[0]


def _refuse_unknown(where, given, known):
    unknown = sorted(set(given) - known)
    if unknown:
        raise CaseError(f"{where}: nothing reads {', '.join(unknown)}; known are {sorted(known)}.")


def plain(number):
    """A number as text without trailing zeros or exponent, so that equal numbers are equal."""
    if number is None:
        return None
    text = f"{Decimal(number):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text
