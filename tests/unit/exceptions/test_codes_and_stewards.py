"""The codes that a policy may limit are those that dbt gives."""

import re

from orchestration.dbt import DBT_PROJECT_DIR
from orchestration.price_book.exception_codes import EXCEPTION_CODES, STEWARDS

GUIDES = (DBT_PROJECT_DIR / "macros" / "billing" / "exception_guides.sql").read_text("utf-8")
_GUIDE = re.compile(r"^        \('(\w+)', '(\w+)',$", re.MULTILINE)


def test_every_code_of_a_guide_can_be_limited_and_no_other() -> None:
    assert [code for code, _ in _GUIDE.findall(GUIDES)] == list(EXCEPTION_CODES)


def test_every_steward_of_a_guide_is_known_and_none_is_without_a_code() -> None:
    assert {steward for _, steward in _GUIDE.findall(GUIDES)} == set(STEWARDS)
