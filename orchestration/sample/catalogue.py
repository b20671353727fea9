"""What the sample company sells, and how it counts it: meters, products, sources, policy.

Belongs here: the text of those YAML files and of the event contracts, comments for people included.
Does not belong here: the plans' prices, which are plans'; the cast, which is company's.
"""

import json
from datetime import date
from typing import Any, Final

SCHEMA_BASE: Final = "https://schemas.brightloop.example"

METERS: Final = """\
# What is counted. A meter reads events of one or more types and makes one quantity of them.
# A change here recounts every month that is not signed yet: price changes belong in the plans.
meters:
  # Calls that failed on our side are free.
  - id: api_calls
    name: API calls
    unit: call
    event_types: [api.request]
    aggregation: count
    filters:
      - {property: status, not_in: ["429", "500", "503"]}

  # Every call counts here, the failed ones too: the bytes left the building.
  - id: egress_bytes
    name: Egress
    unit: byte
    event_types: [api.request]
    aggregation: sum
    value: response_bytes

  # One line per model on the invoice.
  - id: input_tokens
    name: Input tokens
    unit: token
    event_types: [llm.completion]
    aggregation: sum
    value: input_tokens
    dimensions: [model]

  - id: output_tokens
    name: Output tokens
    unit: token
    event_types: [llm.completion]
    aggregation: sum
    value: output_tokens
    dimensions: [model]

  # Snapshots arrive through the day; what counts is the last one of the period.
  - id: stored_gb
    name: Storage
    unit: GB
    event_types: [storage.snapshot]
    aggregation: latest
    value: gb
    carry_in: zero

  # Each job is raised to whole seconds, at least a minute, times its cores.
  - id: core_seconds
    name: Compute
    unit: core-second
    event_types: [compute.job]
    aggregation: sum
    value:
      - {property: seconds, minimum: 60, round_up_to: 1}
      - {property: cores}

  # The largest job of the period decides how much memory is kept ready.
  - id: peak_memory_gb
    name: Reserved memory
    unit: GB
    event_types: [compute.job]
    aggregation: max
    value: memory_gb

  # Whoever only reads does not take a seat.
  - id: seats
    name: Seats
    unit: seat
    event_types: [seat.active]
    aggregation: unique_count
    distinct: user_id
    filters:
      - {property: role, not_in: [viewer]}
    carry_in: zero
"""

PRODUCTS: Final = """\
# What a charge is booked as: the item on the ERP document, and the revenue account behind it.
products:
  - {id: platform, name: Brightloop platform, erp_item: BL-PLATFORM, revenue_account: "4000"}
  - {id: support, name: Premium support, erp_item: BL-SUPPORT, revenue_account: "4050"}
  - {id: api, name: API, erp_item: BL-API, revenue_account: "4100"}
  - {id: egress, name: Data transfer, erp_item: BL-EGRESS, revenue_account: "4110"}
  - {id: models, name: Language models, erp_item: BL-MODELS, revenue_account: "4200"}
  - {id: storage, name: Storage, erp_item: BL-STORAGE, revenue_account: "4300"}
  - {id: compute, name: Compute, erp_item: BL-COMPUTE, revenue_account: "4400"}
  - {id: seats, name: Seats, erp_item: BL-SEATS, revenue_account: "4500"}
"""

_SOURCES: Final = """\
# Which product system an event's source belongs to; the longest matching prefix wins.
# The system decides under which identity the event's subject is looked up.
sources:
  # Somebody calls the API every day. A day without a call is an incomplete load: it turns red
  # when its grace is over, until its usage arrives or it stands here under quiet_days. The sample
  # ends with its last month, and so does the announcement.
  - prefix: /gateway/
    system: gateway
    expected: daily
    expected_from: {first_day}
    expected_to: {end_day}
    grace_hours: 36
  # These report when something happens.
  - {{prefix: /platform/, system: platform}}
  - {{prefix: /workspace/, system: workspace}}
"""

POLICY: Final = """\
# Who may sign a period, for which entities, and up to which sum of its documents' amounts.
sign_off:
  approvers:
    - name: dana.finch@brightloop.example
      legal_entities: all
      up_to_amount: {USD: "1000000", EUR: "1000000", JPY: "150000000"}
    # The identity that `make demo` signs with. Remove it in an installation of your own.
    - name: local demo
      legal_entities: all
      up_to_amount: {USD: "1000000", EUR: "1000000", JPY: "150000000"}
    - name: jonas.weil@brightloop.example
      legal_entities: [de_gmbh]
      up_to_amount: {EUR: "250000"}
  # The demo's signer is nobody's but the machine's word.
  accepts_self_declared: true
  # Nobody signs what they priced, contracted or mapped themselves.
  four_eyes: true
"""

_TEXT: Final[dict[str, Any]] = {"type": "string", "minLength": 1}
_COUNT: Final[dict[str, Any]] = {"type": "integer", "minimum": 0}
_MODEL: Final[dict[str, Any]] = {"enum": ["atlas-large", "atlas-small"], "type": "string"}
_STATUS: Final[dict[str, Any]] = {"pattern": "^[1-5][0-9][0-9]$", "type": "string"}

_API_REQUEST: Final[dict[str, Any]] = {
    "region": _TEXT,
    "response_bytes": _COUNT,
    "route": _TEXT,
    "status": _STATUS,
}

# Event type and version to its title, its properties, and which of them may be absent.
_CONTRACTS: Final[dict[tuple[str, str], tuple[str, dict[str, Any], tuple[str, ...]]]] = {
    ("api.request", "1"): ("One call of the API", _API_REQUEST, ()),
    ("api.request", "2"): (
        "One call of the API, with whether the answer came from the cache",
        {**_API_REQUEST, "is_cached": {"type": "boolean"}},
        (),
    ),
    ("llm.completion", "1"): (
        "One batch of documents read by a language model",
        {"input_tokens": _COUNT, "model": _MODEL, "output_tokens": _COUNT},
        (),
    ),
    ("storage.snapshot", "1"): (
        "How much an account stores at an instant",
        {"gb": {"minimum": 0, "type": "number"}},
        (),
    ),
    ("compute.job", "1"): (
        "One job that ended",
        {
            "cores": {"maximum": 256, "minimum": 1, "type": "integer"},
            "machine": _TEXT,
            "memory_gb": {"exclusiveMinimum": 0, "type": "number"},
            "seconds": {"minimum": 0, "type": "number"},
        },
        ("machine",),
    ),
    ("seat.active", "1"): (
        "A person used a workspace",
        {
            "role": {"enum": ["admin", "editor", "viewer"], "type": "string"},
            "user_id": _TEXT,
        },
        (),
    ),
}


def schema_id(event_type: str, version: str) -> str:
    """The $id of an event contract: what an event's dataschema says to be read by it."""
    return f"{SCHEMA_BASE}/{event_type}/{version}"


def sources(first_day: date, end_day: date) -> str:
    """sources.yml: the gateways are announced daily, from the first day to before the end."""
    return _SOURCES.format(first_day=first_day, end_day=end_day)


def event_contracts() -> dict[tuple[str, str], str]:
    """Every event contract as JSON text, keyed by event type and version."""
    return {
        (event_type, version): json.dumps(
            {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "$id": schema_id(event_type, version),
                "title": title,
                "type": "object",
                "properties": properties,
                "required": sorted(set(properties) - set(optional)),
                "additionalProperties": False,
            },
            indent=2,
        )
        + "\n"
        for (event_type, version), (title, properties, optional) in _CONTRACTS.items()
    }
