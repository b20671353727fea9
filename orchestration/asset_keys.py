"""The key of every asset that Python makes, and of every dbt model: always [stage, name].

Belongs here: keys and group names, so that code refers to an asset by key and never by importing
it (a second import registers it twice). Does not belong here: what an asset does.
"""

from collections.abc import Mapping
from typing import Any, Final

import dagster as dg

REFERENCE_VERSION: Final = dg.AssetKey(["ingestion", "reference_version"])
USAGE_EVENTS: Final = dg.AssetKey(["ingestion", "usage_events"])
REPLAYED_REJECTS: Final = dg.AssetKey(["ingestion", "replayed_rejects"])

MANIFEST_INPUTS: Final = dg.AssetKey(["inputs", "ingestion_manifest"])
REFERENCE_INPUTS: Final = dg.AssetKey(["inputs", "reference_tables"])
REGISTER_INPUTS: Final = dg.AssetKey(["inputs", "register_entries"])
OPERATIONS_INPUTS: Final = dg.AssetKey(["inputs", "operations_records"])

FROZEN_REVISIONS: Final = dg.AssetKey(["sign_off", "frozen_revisions"])
PERIOD_SIGN_OFF: Final = dg.AssetKey(["sign_off", "period_sign_off"])

ERP_DOCUMENTS: Final = dg.AssetKey(["posting", "erp_documents"])
ERP_STATUSES: Final = dg.AssetKey(["posting", "erp_statuses"])

PUBLISHED_MARTS: Final = dg.AssetKey(["publishing", "published_marts"])
CRM_SIGNALS: Final = dg.AssetKey(["signals", "crm_signals"])

RATED_LINES: Final = dg.AssetKey(["rating", "fct_rated_lines"])
INVOICE_CANDIDATES: Final = dg.AssetKey(["billing", "fct_invoice_candidates"])
INVOICE_CANDIDATE_LINES: Final = dg.AssetKey(["billing", "fct_invoice_candidate_lines"])
EXCEPTIONS: Final = dg.AssetKey(["billing", "fct_exceptions"])
CONSERVATION: Final = dg.AssetKey(["reconciliation", "fct_conservation"])
SHADOW_DIFFERENCES: Final = dg.AssetKey(["shadow", "fct_shadow_differences"])
CHECKPOINTS: Final = dg.AssetKey(["reconciliation", "fct_checkpoints"])

_INPUT_OF_SOURCE: Final[Mapping[str, dg.AssetKey]] = {
    "operations": OPERATIONS_INPUTS,
    "audit": OPERATIONS_INPUTS,
    "register": REGISTER_INPUTS,
    "rerating": REGISTER_INPUTS,
    "reference": REFERENCE_INPUTS,
    "price_book": REFERENCE_INPUTS,
    "policy": REFERENCE_INPUTS,
    "shadow": OPERATIONS_INPUTS,
}
_MANIFEST_TABLES: Final = ("ingestion_batches", "ingestion_files", "raw_parts", "rejects")


def stage_of(resource: Mapping[str, Any]) -> str:
    """Return the stage of a dbt resource: the folder right under models/, or 'seeds'.

    Args:
        resource: the resource's entry in dbt's manifest.
    """
    if resource["resource_type"] == "seed":
        return "seeds"
    if resource["resource_type"] == "snapshot":
        return "snapshots"
    return str(resource["fqn"][1])


def dbt_asset_key(resource: Mapping[str, Any]) -> dg.AssetKey:
    """Return [stage, name] of a dbt resource, independent of its schema and subfolders.

    A dbt source is no asset of its own: it maps to the asset that writes its Parquet file.

    Args:
        resource: the resource's entry in dbt's manifest.

    Raises:
        KeyError: a source of a name that no asset writes.
    """
    if resource["resource_type"] != "source":
        return dg.AssetKey([stage_of(resource), str(resource["name"])])
    if resource["name"] in _MANIFEST_TABLES:
        return MANIFEST_INPUTS
    return _INPUT_OF_SOURCE[str(resource["source_name"])]
