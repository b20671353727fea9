"""The published JSON Schemas of everything that a reference folder may say.

Belongs here: which schema is published under which name, and writing them:
`python -m orchestration.price_book.json_schemas`. Does not belong here: event contracts, which are
JSON Schemas that the company writes.
"""

import json
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from orchestration.price_book.models import CurrencyPrice, PriceBookFile
from orchestration.price_book.policy import Policy, SourcesFile
from orchestration.price_book.restatements import RestatesFile
from orchestration.price_book.table_models import TABLE_MODELS
from orchestration.price_book.term_models import ContractTermsFile
from orchestration.settings import PROJECT_ROOT

SCHEMAS_FOLDER: Final = PROJECT_ROOT / "docs" / "reference" / "schemas"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

PUBLISHED: Final[dict[str, type[BaseModel]]] = {
    "price_book": PriceBookFile,
    "contract_terms": ContractTermsFile,
    "override_price": CurrencyPrice,
    "sources": SourcesFile,
    "policy": Policy,
    "restates": RestatesFile,
    **{f"table_{name}": model for name, model in TABLE_MODELS.items()},
}


def schema_texts() -> dict[str, str]:
    """Every published schema as JSON text, by file name."""
    return {
        f"{name}.schema.json": json.dumps(
            {"$schema": DIALECT, **model.model_json_schema(mode="validation")},
            indent=2,
            sort_keys=True,
        )
        + "\n"
        for name, model in PUBLISHED.items()
    }


def write_schemas(folder: Path = SCHEMAS_FOLDER) -> None:
    """Write every published schema into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in schema_texts().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_schemas()
