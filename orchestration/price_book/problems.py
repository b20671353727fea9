"""What is wrong with a reference folder: one record per problem, one remedy per kind of problem.

Belongs here: the problem record, the list of every code with its remedy, and the error that carries
problems. Does not belong here: how a problem is found.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from orchestration.failures import InputError

Severity = Literal["error", "warning"]
_ERRORS_SHOWN: Final = 20

REMEDIES: Final[dict[str, str]] = {
    # Files
    "reference_folder_missing": "Create the folder with `tallyhouse init`, or set "
    "TALLYHOUSE_REFERENCE_DIRECTORY to where it is.",
    "missing_file": "Add the file; docs/reference/price-book.md has an example of each.",
    "unexpected_file": "Rename it to a file that is read here, or move it out of the folder.",
    "file_ignored": "Nothing reads this file. Rename it if it was meant to count.",
    "table_given_twice": "Keep either the CSV or the Parquet file.",
    "unreadable_file": "Make it a regular file that this user may read.",
    "file_too_large": "Split it into several files, or remove what does not belong there.",
    "too_many_files": "Keep only price book files, event contracts and tables in the folder.",
    "not_utf8": "Save the file as UTF-8.",
    # YAML
    "yaml_syntax": "Correct the YAML on this line; indentation and quotes are the usual causes.",
    "yaml_alias": "Write the values out; anchors, aliases and merge keys are not read.",
    "yaml_tag": "Remove the tag; text, numbers, lists and mappings need none.",
    "yaml_too_deep": "Flatten the file; no setting is nested that deeply.",
    "yaml_too_many_nodes": "Split the file into several.",
    "yaml_several_documents": "Keep one document per file, without a --- line.",
    "yaml_key_not_text": "Write each key as a single word.",
    "duplicate_key": "Keep one of the two and remove the other.",
    # Fields
    "unknown_field": "Correct its spelling, or remove it; docs/reference/price-book.md lists all.",
    "unsupported_field": "Remove the field; this version of the engine would not honour it.",
    "missing_field": "Add the field.",
    "wrong_value": "Correct the value; docs/reference/price-book.md gives its form.",
    "wrong_type": "Write the value in the form that docs/reference/price-book.md gives.",
    "bad_id": "Use letters, digits and _ . : - only, beginning with a letter or digit, up to 100.",
    "bad_date": "Write the day as YYYY-MM-DD.",
    "bad_instant": "Write the instant with its offset, such as 2026-01-31T22:00:00Z.",
    "not_a_number": 'Write a plain decimal number, such as "0.0025"; no thousands separators.',
    "percent_sign": 'Leave out the percent sign: a rate is a fraction, "0.029" for 2.9 %, and '
    'percent a number, "10" for 10 %.',
    "too_many_decimals": "Shorten it: prices and rates have up to 12 decimals, quantities 9, and "
    "amounts that are billed as they stand those of their currency.",
    "number_too_large": "Use a larger unit: 38 digits are kept, decimals included.",
    "negative_price": "Use zero or more; a credit is given by a credit grant, not by a price.",
    "not_positive": "Use a number above zero.",
    "unknown_currency": "Use an ISO 4217 code that has a minor unit, such as USD.",
    "unknown_time_zone": "Use a name of the IANA time zone database, such as Europe/Berlin.",
    # Ids
    "duplicate_id": "Give one of the two another id; ids are never shared and never reused.",
    "unknown_meter": "Correct the id, or add the meter under `meters:`.",
    "unknown_product": "Correct the id, or add the product under `products:`.",
    "unknown_plan": "Correct the id, or add the plan under `plans:`.",
    "unknown_charge": "Correct the id, or add the charge to a plan.",
    "unknown_customer": "Correct the id, or add the customer to tables/customers.csv.",
    "unknown_legal_entity": "Correct the id, or add the entity to tables/legal_entities.csv.",
    "unknown_contract": "Correct the id, or add the contract to tables/contracts.csv.",
    "unknown_system": "Add a source of that system to sources.yml, or correct the system.",
    # Meters
    "meter_field_mismatch": "Give the meter exactly the fields that its aggregation reads.",
    "event_type_without_contract": "Add event_contracts/<event type>/1.json, or correct the type.",
    "meter_property_undeclared": "Correct the property, or declare it in the event contract.",
    "meter_property_partly_declared": "Check that events without the property are meant to "
    "count without it; else declare it there too.",
    "meter_property_wrong_kind": "Read a number as a value, and text or a boolean as a filter, "
    "dimension or distinct property.",
    "meter_value_optional": "List the property under `required` in the event contract; an event "
    "without it adds nothing.",
    "filter_value_impossible": "Correct the value; the event contract allows no such value.",
    # Prices
    "charge_field_mismatch": "Give the charge exactly the fields that its model reads.",
    "price_field_mismatch": "Give the price exactly the fields that the charge's model reads.",
    "overlapping_tiers": "Let each tier start exactly where the one before it ends.",
    "gapped_tiers": "Let each tier start exactly where the one before it ends.",
    "last_tier_not_open": "Remove up_to from the last tier, unless usage above it is to be held.",
    "open_tier_not_last": "Give every tier but the last an up_to.",
    "zero_usage_unstated": "Add `zero_usage: charge` or `zero_usage: skip` to the charge.",
    "rate_above_one": "Write the rate as a fraction, such as 0.029 for 2.9 %; a multiple of a cost "
    "is the model cost_plus.",
    "price_terms_conflict": "Keep terms that hold together: free_events or free_amount, and a "
    "minimum up to its maximum.",
    "packages_unstated": "Add `packages: total` or `packages: per_tier` to the charge.",
    "package_bound_not_multiple": "Let tiers end on multiples of package_size, or count packages "
    "per_tier.",
    "ambiguous_match": "Add a price that matches what both name, or let one name another value.",
    "unknown_dimension": "Match dimensions of the meter only, or add the dimension to the meter.",
    "meter_not_for_model": "Give the charge a meter that its model can price; "
    "docs/reference/price-book.md says which.",
    "overlapping_charge_versions": "Give each version of a charge its own effective_from.",
    "dates_out_of_order": "Put the earlier date first.",
    # Terms
    "term_field_mismatch": "Give the term exactly the fields that its kind reads.",
    "term_charge_outside": "Name charges of the plan, or of a plan that the contract is on.",
    "charge_not_for_term": "Name charges that sell units, or give a discount in percent or an "
    "amount.",
    "allowance_units_differ": "Give each unit an allowance of its own.",
    "term_outside_contract": "Move the term into the contract's term, or remove it.",
    "term_currency_mismatch": "Give the amount in the currency of every contract that the term "
    "holds for, and a contract's own term in no other.",
    "commitment_without_end": "End the term or the contract, or commit per period.",
    "overlapping_terms": "End one where the other begins, or let them cover different charges.",
    # Tables
    "csv_malformed": "Write one row per line with as many fields as the header; quote fields "
    "that hold commas or quotes.",
    "csv_header": "Use exactly the columns that docs/reference/price-book.md lists.",
    "formula_in_field": "Remove the leading character; a spreadsheet would run it as a formula.",
    "control_character_in_field": "Remove tabs, line breaks and other control characters.",
    "nul_byte": "Save the file again as plain UTF-8 text, without NUL bytes.",
    "parquet_malformed": "Write the table again with the columns and types that "
    "docs/reference/price-book.md lists.",
    "float_column": "Write the column as a decimal or as text; a float is not exact.",
    "price_json_malformed": "Write a JSON object with the fields of a price, such as "
    '{"unit_price": "0.02"}.',
    # Sources
    "announcement_mismatch": "Say `expected: daily` with expected_from, or leave out "
    "expected_from, expected_to and quiet_days.",
    "measure_not_comparable": "Remove the measure: what arrived of it cannot be told exactly for "
    "this source alone.",
    "quiet_day_not_announced": "Correct the day, or remove it: no usage is expected on it.",
    # Customers, identities, contracts
    "circular_parents": "Remove one of the links, so that every customer has a topmost parent.",
    "overlapping_parents": "End one where the other begins; a customer has one parent at a time.",
    "parent_given_twice": "Leave parent_customer_id in tables/customers.csv empty for a customer "
    "that tables/customer_parents.csv names, and give each of its parents a row there.",
    "overlapping_identities": "End one where the other begins; an external id belongs to one "
    "customer at a time.",
    "overlapping_contracts": "End one where the other begins; usage of a customer belongs to one "
    "contract at a time.",
    "contract_without_plan": "Add a row to tables/contract_versions that starts with the contract.",
    "overlapping_contract_versions": "Give each version of a contract its own first day.",
    "contract_version_outside_contract": "Move the day into the contract's term.",
    "contract_currency_unpriced": "Price a charge of the plan in that currency, or change the "
    "contract's.",
    "charge_unpriced_in_currency": "Price the charge in that currency; its usage would become an "
    "exception.",
    "plan_unpriced_at_start": "Add an earlier price version; usage before it would become an "
    "exception.",
    "charge_unpriced_at_start": "Add an earlier price version, unless the charge joined the plan "
    "on that day.",
    "overlapping_overrides": "End one override where the next begins.",
    "override_currency_mismatch": "Price the override in the contract's currency.",
    "override_never_applies": "Correct the charge or the contract, or remove the override.",
    "grant_currency_mismatch": "Grant the credit in the contract's currency.",
    "grant_measure_ambiguous": "Give the grant a currency_code, or a unit of usage; not both.",
    "grant_unit_not_charged": "Correct the unit to one that a charge of the contract is priced in; "
    "a level has no units to draw.",
    "grant_scope_never_applies": "Correct the scope to charges or terms of the contract.",
    "grant_cost_basis_wrong": "Say what was paid for one of a purchased grant; leave it out for a "
    "promotional one.",
    "grant_reopening_wrong": (
        "Give a grant that expires restores_after_expiry reopen and reopens_for_days; or neither."
    ),
    "grant_product_missing": "Name the product that the purchased credit was sold as.",
    "restatement_unstated": "Say in restates.yml that it is meant, with reason, author and days, "
    "or let the edit begin after the last signed cell.",
    "author_missing": "Name the author, or nobody can sign the first period that uses it.",
}


@dataclass(frozen=True, kw_only=True, order=True)
class Problem:
    """One thing to correct in the reference folder.

    Attributes:
        path: the file, relative to the reference folder, with forward slashes.
        line: 1-based line in a text file, 1-based row in a Parquet file, 1 for a whole file.
        code: stable snake_case kind, a key of REMEDIES.
        message: what is wrong, naming plan, charge and field, or table, row id and column.
        remedy: what to do next.
        severity: an error keeps the reference from being loaded; a warning does not.
    """

    path: str
    line: int
    code: str
    message: str
    remedy: str
    severity: Severity = "error"

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.severity} {self.code}: {self.message} {self.remedy}"


class ProblemList:
    """Collects problems while everything else goes on being checked."""

    def __init__(self) -> None:
        self._found: set[Problem] = set()

    def add(
        self, code: str, path: str, line: int, message: str, *, severity: Severity = "error"
    ) -> None:
        """Add a problem; its remedy is that of its code, and the same problem counts once.

        Raises:
            KeyError: the code is not listed in REMEDIES.
        """
        self._found.add(
            Problem(
                path=path,
                line=line,
                code=code,
                message=message,
                remedy=REMEDIES[code],
                severity=severity,
            )
        )

    def extend(self, problems: Iterable[Problem]) -> None:
        """Add problems that were found elsewhere."""
        self._found.update(problems)

    def sorted(self) -> list[Problem]:
        """All problems, by path, line and code."""
        return sorted(self._found)

    @property
    def has_errors(self) -> bool:
        """Whether any of them keeps the reference from being loaded."""
        return any(problem.severity == "error" for problem in self._found)


class ReferenceInvalidError(InputError):
    """The reference folder has errors, so no version was made of it.

    The version in force is named where there is one that goes on.

    Attributes:
        problems: every problem found, warnings included.
    """

    code = "reference_invalid"

    def __init__(
        self, problems: Iterable[Problem], *, folder: str, in_force: str | None = None
    ) -> None:
        self.problems = tuple(problems)
        count, listed = errors_listed(self.problems)
        outcome = f"version {in_force} stays in force" if in_force else "no version is made of it"
        super().__init__(
            f"Loaded the reference folder {folder}: {count} errors, so {outcome}.\n{listed}\n"
            "Correct them; `tallyhouse validate` lists all."
        )


def errors_listed(problems: Iterable[Problem]) -> tuple[int, str]:
    """How many problems are errors, and the first of them as indented lines of a message."""
    errors = [problem for problem in problems if problem.severity == "error"]
    lines = [f"  {problem}" for problem in errors[:_ERRORS_SHOWN]]
    if len(errors) > _ERRORS_SHOWN:
        lines += [f"  and {len(errors) - _ERRORS_SHOWN} more"]
    return len(errors), "\n".join(lines)
