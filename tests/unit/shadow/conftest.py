"""Reading a file of invoice lines as a test writes it. Does not belong here: an expected figure."""

import pytest
from shadow_files import HEADER, MAPPING

from orchestration.shadow.invoice_lines import read_invoice_lines
from orchestration.shadow.mapping import read_mapping


@pytest.fixture
def read():
    """Read lines below a header by a mapping, as rows."""

    def rows(*lines, header=HEADER, mapping=MAPPING):
        content = "\n".join([header, *lines, ""]).encode()
        return read_invoice_lines(
            "invoices.csv",
            content,
            read_mapping("mapping.yml", mapping.encode()),
            billing_period="2026-09",
            load_number=1,
        ).to_pylist()

    return rows
