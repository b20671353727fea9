"""From the files of a reference folder to records, with every problem met on the way.

Belongs here: which record stands where in which file; one wrong record never hides another.
Does not belong here: rules between records (the checks).
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from orchestration.price_book.event_contracts import EventContract, read_event_contracts
from orchestration.price_book.field_types import FrozenModel
from orchestration.price_book.models import (
    Charge,
    CurrencyPrice,
    Meter,
    Plan,
    PlanHead,
    PriceBookFile,
    Product,
)
from orchestration.price_book.nearest_names import or_nearest
from orchestration.price_book.policy import Policy, SourcesFile
from orchestration.price_book.price_faults import ChargeTerms
from orchestration.price_book.problems import Problem, ProblemList
from orchestration.price_book.reference_data import (
    Located,
    OwnedTerm,
    PlacedPrice,
    PriceBook,
    ReferenceData,
    Row,
    Tables,
)
from orchestration.price_book.reference_folder import FolderSnapshot
from orchestration.price_book.refusals import add_row_refusals, add_yaml_refusals, subject
from orchestration.price_book.restatements import RestatesFile
from orchestration.price_book.table_models import (
    ROW_KEYS,
    TABLE_MODELS,
    Override,
    columns_of,
    optional_columns_of,
)
from orchestration.price_book.table_reader import decode_text, read_csv, read_parquet
from orchestration.price_book.term_models import (
    TERM_FIELDS,
    TERM_MODELS,
    ContractTerms,
    ContractTermsFile,
    ContractTermsHead,
    TermOfNoKind,
    term_fields,
)
from orchestration.price_book.yaml_reader import Location, YamlDocument, read_yaml

Model = TypeVar("Model", bound=FrozenModel)

EVENT_CONTRACTS_FOLDER = "event_contracts"
_KINDS = {
    "meters": "meter",
    "products": "product",
    "plans": "plan",
    "charges": "charge",
    "terms": "term",
    "contract_terms": "contract",
}

# Models of a part of a record that is read piece by piece, and the whole of it.
_WHOLE: Mapping[type[FrozenModel], type[FrozenModel]] = {
    PlanHead: Plan,
    ContractTermsHead: ContractTerms,
}


def read_reference(snapshot: FolderSnapshot, problems: ProblemList) -> ReferenceData:
    """Read every file of a snapshot; what cannot be read is added to the problems."""
    contracts, contract_event_types = _event_contracts(snapshot, problems)
    return ReferenceData(
        book=_price_book(snapshot, problems),
        tables=_tables(snapshot, problems),
        event_contracts=contracts,
        contract_event_types=contract_event_types,
        sources=_single_file(snapshot, "sources.yml", SourcesFile, problems),
        policy=_single_file(snapshot, "policy.yml", Policy, problems),
        restates=_single_file(snapshot, "restates.yml", RestatesFile, problems),
    )


def _event_contracts(
    snapshot: FolderSnapshot, problems: ProblemList
) -> tuple[tuple[EventContract, ...], frozenset[str]]:
    files = snapshot.under(EVENT_CONTRACTS_FOLDER)
    with tempfile.TemporaryDirectory(prefix="tallyhouse-contracts-") as scratch:
        folder = Path(scratch)
        FolderSnapshot(files).write(folder)
        contracts, found = read_event_contracts(folder / EVENT_CONTRACTS_FOLDER)
        problems.extend(
            Problem(
                path=problem.path.relative_to(folder).as_posix(),
                line=problem.line,
                code=problem.code,
                message=problem.message.replace(str(folder), ""),
                remedy=problem.remedy,
            )
            for problem in found
        )
    return contracts, frozenset(path.split("/")[1] for path in files)


def _single_file(
    snapshot: FolderSnapshot, path: str, model: type[Model], problems: ProblemList
) -> Located[Model] | None:
    if path not in snapshot.files:
        return None
    text = decode_text(path, snapshot.files[path], problems)
    if text is None:
        return None
    document = read_yaml(path, text, problems)
    if not document.is_read:
        return None
    return _record(document, (), document.content or {}, model, problems)


def _record(
    document: YamlDocument,
    location: Location,
    content: Any,
    model: type[Model],
    problems: ProblemList | None,
) -> Located[Model] | None:
    try:
        return Located(model.model_validate(content), document, location)
    except ValidationError as error:
        if problems is not None:
            add_yaml_refusals(error, document, location, _WHOLE.get(model, model), problems)
        return None


def _price_book(snapshot: FolderSnapshot, problems: ProblemList) -> PriceBook:
    book = PriceBook()
    for path in snapshot.under("price_book"):
        text = decode_text(path, snapshot.files[path], problems)
        document = read_yaml(path, text, problems) if text is not None else None
        if document is None or not document.is_read:
            book.is_whole = False
        elif document.content is not None:
            _read_price_book_file(document, book, problems)
    for path in snapshot.under("contract_terms"):
        text = decode_text(path, snapshot.files[path], problems)
        document = read_yaml(path, text, problems) if text is not None else None
        if document is None or not document.is_read:
            book.has_all_terms = False
        elif document.content is not None:
            _read_contract_terms_file(document, book, problems)
    return book


def _read_price_book_file(document: YamlDocument, book: PriceBook, problems: ProblemList) -> None:
    is_mapping = isinstance(document.content, dict)
    book.is_whole = _has_sections(document, PriceBookFile, problems) and book.is_whole
    if not is_mapping:
        return
    for location, entry in _entries(document, ("meters",), book, problems):
        meter = _record(document, location, entry, Meter, problems)
        book.meters += [meter] if meter else []
    for location, entry in _entries(document, ("products",), book, problems):
        product = _record(document, location, entry, Product, problems)
        book.products += [product] if product else []
    for location, entry in _entries(document, ("plans",), book, problems):
        _read_plan(document, location, entry, book, problems)


def _has_sections(
    document: YamlDocument, file_model: type[FrozenModel], problems: ProblemList
) -> bool:
    """Whether a file is a mapping of nothing but its sections; each other key is a problem."""
    sections = tuple(file_model.model_fields)
    if not isinstance(document.content, dict):
        listed = " or ".join(sections).replace(" or ", ", ", len(sections) - 2)
        problems.add("wrong_type", document.path, 1, f"The file must hold {listed}.")
        return False
    foreign = [key for key in document.content if key not in sections]
    for key in foreign:
        allowed = f"none of {', '.join(sections)}" if len(sections) > 1 else f"not {sections[0]}"
        problems.add(
            "unknown_field",
            document.path,
            document.line((key,)),
            f"The file: {key!r:.60} is {allowed}{or_nearest(key, sections)}.",
        )
    return not foreign


def _read_contract_terms_file(
    document: YamlDocument, book: PriceBook, problems: ProblemList
) -> None:
    if not _has_sections(document, ContractTermsFile, problems):
        book.has_all_terms = False
    if not isinstance(document.content, dict):
        return
    for location, entry in _entries(document, ("contract_terms",), book, problems):
        head: Any = entry
        if isinstance(entry, dict):
            head = {key: value for key, value in entry.items() if key != "terms"}
        owner = _record(document, location, head, ContractTermsHead, problems)
        if not isinstance(entry, dict):
            continue
        _refuse_empty(document, location, entry, "terms", problems)
        contract_id = owner.item.contract if owner else None
        _read_terms(document, location, book, problems, contract_id=contract_id)


def _read_terms(
    document: YamlDocument,
    location: Location,
    book: PriceBook,
    problems: ProblemList,
    *,
    plan_id: str | None = None,
    contract_id: str | None = None,
) -> None:
    """Read the terms of a plan or contract; neither is given where the owner has no sound id."""
    for place, entry in _entries(document, (*location, "terms"), book, problems):
        term = _term(document, place, entry, problems)
        if term and (plan_id or contract_id):
            book.terms.append(OwnedTerm(term, plan_id, contract_id))


def _term(
    document: YamlDocument, place: Location, entry: Any, problems: ProblemList
) -> Located[Any] | None:
    kind = entry.get("kind") if isinstance(entry, dict) else None
    model = TERM_MODELS.get(kind) if isinstance(kind, str) else None
    if model is None:
        _record(document, place, entry, TermOfNoKind, problems)
        return None
    foreign = TERM_FIELDS.intersection(entry) - term_fields(model)
    for name in sorted(foreign):
        problems.add(
            "term_field_mismatch",
            document.path,
            document.line((*place, name)),
            f"{subject(document.content, (*place, name))}: a term of kind {kind} has no such "
            "field.",
        )
    own = {name: value for name, value in entry.items() if name not in foreign}
    return _record(document, place, own, model, problems)


def _read_plan(
    document: YamlDocument,
    location: Location,
    entry: Any,
    book: PriceBook,
    problems: ProblemList,
) -> None:
    if not isinstance(entry, dict):
        _record(document, location, entry, PlanHead, problems)
        return
    head = {key: value for key, value in entry.items() if key not in ("charges", "terms")}
    plan = _record(document, location, head, PlanHead, problems)
    book.plans += [plan] if plan else []
    _refuse_empty(document, location, entry, "charges", problems)
    book.is_whole = book.is_whole and "charges" in entry
    for place, given in _entries(document, (*location, "charges"), book, problems):
        charge = _record(document, place, given, Charge, problems)
        if charge and plan:
            book.charges.append((plan.item.id, charge))
        book.prices.extend(_prices(document, place, given))
    _read_terms(document, location, book, problems, plan_id=plan.item.id if plan else None)


def _refuse_empty(
    document: YamlDocument,
    location: Location,
    entry: Mapping[str, Any],
    name: str,
    problems: ProblemList,
) -> None:
    if not entry.get(name):
        problems.add(
            "missing_field",
            document.path,
            document.line(location),
            f"{subject(document.content, location)}, field {name}: is required.",
        )


def _entries(
    document: YamlDocument, location: Location, book: PriceBook, problems: ProblemList
) -> Iterator[tuple[Location, Any]]:
    """The entries of a list that holds records with ids; repeated ids are reported."""
    entries = _at(document.content, location)
    if entries is None:
        return
    if not isinstance(entries, list):
        named = subject(document.content, location)
        problems.add(
            "wrong_type", document.path, document.line(location), f"{named}: must be a list."
        )
        book.is_whole = False
        return
    kind = _KINDS[str(location[-1])]
    declared = book.declared.setdefault(kind, {})
    for index, entry in enumerate(entries):
        place = (*location, index)
        record_id = entry.get("id") if isinstance(entry, dict) else None
        if isinstance(record_id, str):
            line = document.line((*place, "id"))
            first_path, first_line = declared.setdefault(record_id, (document.path, line))
            if (first_path, first_line) != (document.path, line):
                problems.add(
                    "duplicate_id",
                    document.path,
                    line,
                    f"{subject(document.content, place)}: the id stands at "
                    f"{first_path}:{first_line} already.",
                )
        elif kind != "contract":
            book.is_whole = False
        yield place, entry


def _prices(document: YamlDocument, location: Location, charge: Any) -> Iterator[PlacedPrice]:
    if not isinstance(charge, dict):
        return
    versions = charge.get("versions")
    for index, version in enumerate(versions if isinstance(versions, list) else ()):
        prices = version.get("prices") if isinstance(version, dict) else None
        for currency, price in prices.items() if isinstance(prices, dict) else ():
            place = (*location, "versions", index, "prices", currency)
            found = _record(document, place, price, CurrencyPrice, None)
            if found:
                terms = ChargeTerms(
                    charge.get("model"), "zero_usage" in charge, charge.get("packages")
                )
                yield PlacedPrice(found, terms)


def _at(content: Any, location: Location) -> Any:
    for step in location:
        content = content.get(step) if isinstance(content, dict) else content[step]
    return content


def _tables(snapshot: FolderSnapshot, problems: ProblemList) -> Tables:
    tables = Tables()
    for path, content in snapshot.under("tables").items():
        table = Path(path).stem
        read = read_csv if path.endswith(".csv") else read_parquet
        raw = read(path, content, columns_of(table), problems, optional_columns_of(table))
        if raw is None:
            continue
        model = TABLE_MODELS[table]
        id_column = columns_of(table)[0]
        if raw.is_whole:
            tables.declared[table] = {str(row.cells[id_column]) for row in raw.rows}
        rows: list[Row[FrozenModel]] = []
        for row in raw.rows:
            given = {name: cell for name, cell in row.cells.items() if cell is not None}
            try:
                rows.append(Row(model.model_validate(given), path, row.line))
            except ValidationError as error:
                key = " ".join(str(row.cells[column]) for column in ROW_KEYS[table])
                row_name = f"{table} row {key}"
                add_row_refusals(error, path, row.line, row_name, problems, model=model)
        tables.put(table, rows)
    for override in tables.overrides:
        price = _override_price(override, problems)
        if price is not None:
            tables.override_prices[override.item.override_id] = price
    return tables


def _override_price(row: Row[Override], problems: ProblemList) -> CurrencyPrice | None:
    named = f"overrides row {row.item.override_id}, column price_json"
    try:
        given = json.loads(
            row.item.price_json,
            parse_float=Decimal,
            parse_constant=str,
            object_pairs_hook=_without_duplicates,
        )
    except (ValueError, RecursionError) as error:
        problems.add("price_json_malformed", row.path, row.line, f"{named}: {error}.")
        return None
    try:
        return CurrencyPrice.model_validate(given)
    except ValidationError as error:
        row_name = f"overrides row {row.item.override_id}"
        add_row_refusals(
            error,
            row.path,
            row.line,
            row_name,
            problems,
            model=CurrencyPrice,
            column="price_json",
        )
        return None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {repeated!r} occurs twice in one object")
    return found
