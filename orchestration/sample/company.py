"""Who the sample company is and whom it bills: entities, customers, identities, contracts.

Belongs here: the fixed cast, the same for every seed, and what its members are called where.
Does not belong here: the tables that say so, which are company_tables'; usage, which is usage's.
"""

from typing import Final, NamedTuple


class Entity(NamedTuple):
    """A company of the group that sends invoices."""

    legal_entity_id: str
    name: str
    country_code: str
    currency_code: str
    time_zone: str
    tax_profile: str
    region: str


class Customer(NamedTuple):
    """One customer and how much it uses.

    Attributes:
        weight: share of the usage that it makes, relative to the others.
        start_date, end_date: of its contract; end_date is exclusive, "" is open.
        time_zone: of its contract; "" is that of the entity.
        parent_id, bill_to_id: "" is none, and itself.
    """

    slug: str
    name: str
    legal_entity_id: str
    plan_id: str
    segment: str
    weight: int
    start_date: str = "2026-09-01"
    end_date: str = ""
    time_zone: str = ""
    cadence: str = "monthly"
    anchor_day: int = 1
    parent_slug: str = ""
    is_billed_to_parent: bool = False


class Amendment(NamedTuple):
    """A contract changes its plan at 00:00 of a day in its own time zone."""

    slug: str
    effective_from_date: str
    plan_id: str


ENTITIES: Final = (
    Entity("us_inc", "Brightloop Inc.", "US", "USD", "America/New_York", "us_sales_tax", "us-east"),
    Entity(
        "de_gmbh", "Brightloop GmbH", "DE", "EUR", "Europe/Berlin", "de_vat_standard", "eu-central"
    ),
    Entity("jp_kk", "Brightloop KK", "JP", "JPY", "Asia/Tokyo", "jp_consumption_tax", "ap-tokyo"),
)

CUSTOMERS: Final = (
    Customer("alder-peak", "Alder Peak Analytics", "us_inc", "enterprise", "enterprise", 34),
    Customer("blue-heron", "Blue Heron Logistics", "us_inc", "growth", "mid_market", 11),
    Customer("cedarline", "Cedarline Insurance Group", "us_inc", "enterprise", "enterprise", 41),
    Customer("copper-canyon", "Copper Canyon Robotics", "us_inc", "growth", "mid_market", 14),
    Customer("driftwood", "Driftwood Media", "us_inc", "starter", "small_business", 3),
    Customer("eastgate", "Eastgate Health Partners", "us_inc", "enterprise", "enterprise", 27),
    Customer("fairwater", "Fairwater Energy", "us_inc", "growth", "mid_market", 9),
    Customer(
        "granite-harbor",
        "Granite Harbor Bank",
        "us_inc",
        "enterprise",
        "enterprise",
        38,
        cadence="quarterly",
    ),
    Customer("hollis-crane", "Hollis & Crane LLP", "us_inc", "starter", "small_business", 2),
    Customer("ironbridge", "Ironbridge Freight", "us_inc", "growth", "mid_market", 8),
    Customer("juniper-bay", "Juniper Bay Foods, Inc.", "us_inc", "starter", "small_business", 4),
    Customer(
        "kestrel",
        "Kestrel Avionics",
        "us_inc",
        "growth",
        "mid_market",
        13,
        start_date="2026-09-12",
    ),
    Customer(
        "lakeshore",
        "Lakeshore Learning",
        "us_inc",
        "starter",
        "small_business",
        3,
        cadence="annual",
    ),
    Customer("monarch", "Monarch Biolabs", "us_inc", "enterprise", "enterprise", 45),
    Customer("northfork", "Northfork Outfitters", "us_inc", "starter", "small_business", 2),
    Customer(
        "oakmont",
        "Oakmont Title",
        "us_inc",
        "growth",
        "mid_market",
        7,
        end_date="2026-10-20",
    ),
    Customer("prairie-wind", "Prairie Wind Cooperative", "us_inc", "growth", "mid_market", 6),
    Customer("quarry-street", "Quarry Street Games", "us_inc", "starter", "small_business", 9),
    Customer(
        "sahyadri",
        "Sahyadri Software Services",
        "us_inc",
        "growth",
        "mid_market",
        16,
        time_zone="Asia/Kolkata",
    ),
    Customer("adlerhof", "Adlerhof Maschinenbau", "de_gmbh", "growth", "mid_market", 12),
    Customer("bergwald", "Bergwald Versicherung", "de_gmbh", "enterprise", "enterprise", 30),
    Customer("donaublick", "Donaublick Logistik", "de_gmbh", "growth", "mid_market", 8),
    Customer("elbtal", "Elbtal Medizintechnik", "de_gmbh", "enterprise", "enterprise", 25),
    Customer("falkenstein", "Falkenstein Chemie", "de_gmbh", "growth", "mid_market", 10),
    Customer("gruenewald", "Grünewald Druck", "de_gmbh", "starter", "small_business", 3),
    Customer(
        "hafenkontor",
        "Hafenkontor Handel",
        "de_gmbh",
        "growth",
        "mid_market",
        7,
        start_date="2026-09-15",
        anchor_day=15,
    ),
    Customer("isarwerk", "Isarwerk Energie", "de_gmbh", "enterprise", "enterprise", 32),
    Customer(
        "isarwerk-netze",
        "Isarwerk Netze",
        "de_gmbh",
        "enterprise",
        "enterprise",
        12,
        parent_slug="isarwerk",
        is_billed_to_parent=True,
    ),
    Customer("kranich", "Kranich Mobilität", "de_gmbh", "growth", "mid_market", 11),
    Customer("lindenau", "Lindenau Verlag", "de_gmbh", "starter", "small_business", 2),
    Customer("maerkische", "Märkische Textil", "de_gmbh", "starter", "small_business", 3),
    Customer("nordlicht", "Nordlicht Systeme", "de_gmbh", "growth", "mid_market", 18),
    Customer("aozora", "Aozora Shokuhin", "jp_kk", "growth", "mid_market", 9),
    Customer("fujimori", "Fujimori Seiki", "jp_kk", "growth", "mid_market", 13),
    Customer("hayabusa", "Hayabusa Butsuryu", "jp_kk", "growth", "mid_market", 10),
    Customer("kaede", "Kaede Iryo", "jp_kk", "starter", "small_business", 3),
    Customer("minato", "Minato Denki", "jp_kk", "enterprise", "enterprise", 36),
    Customer(
        "minato-kyushu",
        "Minato Denki Kyushu",
        "jp_kk",
        "growth",
        "mid_market",
        8,
        parent_slug="minato",
        is_billed_to_parent=True,
    ),
    Customer("sakuragi", "Sakuragi Shuppan", "jp_kk", "starter", "small_business", 2),
    Customer(
        "tsukimi",
        "Tsukimi Games",
        "jp_kk",
        "growth",
        "mid_market",
        15,
        start_date="2026-09-30",
        anchor_day=31,
    ),
    Customer("yamabuki", "Yamabuki Kagaku", "jp_kk", "enterprise", "enterprise", 22),
)

AMENDMENTS: Final = (
    Amendment("nordlicht", "2026-09-15", "enterprise"),
    Amendment("quarry-street", "2026-10-16", "growth"),
)

# Customers whose product systems sent some events again with other figures.
CONFLICTED_SLUGS: Final = ("blue-heron", "prairie-wind", "donaublick", "hayabusa")

# One workspace moves from the daughter to the mother at midnight in Berlin.
MOVED_WORKSPACE: Final = ("isarwerk-netze", "isarwerk", "2026-10-09T22:00:00Z")

ENTITY_BY_ID: Final = {entity.legal_entity_id: entity for entity in ENTITIES}
CUSTOMER_BY_SLUG: Final = {customer.slug: customer for customer in CUSTOMERS}
SYSTEMS: Final = ("gateway", "platform", "workspace")


def number_of(slug: str) -> int:
    """The customer's place in the list, from 1: the stem of its ids."""
    return CUSTOMERS.index(CUSTOMER_BY_SLUG[slug]) + 1


def customer_id(slug: str) -> str:
    """The customer's id in Tallyhouse, for example cus_001."""
    return f"cus_{number_of(slug):03d}"


def contract_id(slug: str) -> str:
    """The id of the customer's contract, for example con_001."""
    return f"con_{number_of(slug):03d}"


def external_id(system_id: str, slug: str) -> str:
    """The name by which a product system knows the customer.

    The gateway has tenants, the platform has numbered accounts, the workspace has workspaces.
    """
    return {
        "gateway": f"tenant-{slug}",
        "platform": f"acct-{100200 + 7 * number_of(slug)}",
        "workspace": f"ws-{slug}",
    }[system_id]


def contract_zone(customer: Customer) -> str:
    """The IANA name of the time zone that the customer's contract is billed in."""
    return customer.time_zone or ENTITY_BY_ID[customer.legal_entity_id].time_zone
