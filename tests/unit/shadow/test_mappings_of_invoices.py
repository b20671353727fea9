"""A mapping says all of what it must, or each problem is told with its line."""

import pytest
from shadow_files import MAPPING

from orchestration.shadow.mapping import InvoiceMappingError, read_mapping


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("service_end: last_day\n", "", "field service_end"),
        ("service_end: last_day", "service_end: maybe", "mapping.yml:12:"),
        ("by: erp_item", "by: name", "mapping.yml:17:"),
        ("by: erp_customer_number", "by: identity", "must name a `system`"),
        ("{charge: api_calls}", "{charge: api, product: p}", "must name one of"),
        ("{charge: api_calls}", "{}", "must name one of"),
        ("{charge: api_calls}", '{charge: a, quantity_factor: "0"}', "quantity_factor"),
        ("default: usage", "default: sale", "mapping.yml:21:"),
        ("  amount: Amount\n", "", "field columns.amount"),
        ("  amount: Amount\n", "  amount: Amount\n  total: Total\n", "field columns.total"),
        ("{Acme: cus_1}", "{Acme: 'no id'}", "bad_id"),
        ("{Acme: cus_1}", "&a {Acme: cus_1}", "yaml_alias"),
    ],
)
def test_a_mapping_with_a_problem_is_refused_with_its_place(before, after, told):
    assert before in MAPPING
    with pytest.raises(InvoiceMappingError) as caught:
        read_mapping("mapping.yml", MAPPING.replace(before, after, 1).encode())

    assert told in str(caught.value)


def test_a_mapping_that_is_no_utf_8_is_refused():
    with pytest.raises(InvoiceMappingError, match="not_utf8"):
        read_mapping("mapping.yml", b"\xff")
