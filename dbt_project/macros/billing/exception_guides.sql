{#-
    What each exception code means for people: whose it is, and the next step that clears it.

    Belongs here: the list of codes. A code is stable and is never reused. Does not belong here:
    finding exceptions, which is fct_exceptions' and the models' that it reads.
-#}

{% macro exception_guides() -%}
    {%- set guides = [
        ('unmapped_source', 'integration',
         'Add the source prefix to sources.yml with its system, then run again.'),
        ('unmapped_subject', 'identity',
         'Map the subject to a customer in identities.csv, then run again.'),
        ('ambiguous_identity', 'identity',
         'Two customers claim the subject at once: end one of the identities, then run again.'),
        ('no_contract', 'contract',
         'Load the contract that was in force for this customer, then run again.'),
        ('ambiguous_contract', 'contract',
         'Two contracts charge this meter at once: end one of them or change a plan, then run again.'),
        ('unpriced_usage', 'catalog',
         'Add a charge for the meter to the plan, or an earlier price where its charge begins later, or stop sending the usage.'),
        ('unvalued_usage', 'integration',
         'Events lack the property that the meter sums: have the source send it, then replay.'),
        ('missing_price', 'pricing',
         'Add a price in the currency of the contract to the charge, then run again.'),
        ('unpriced_dimension', 'pricing',
         'Add a price that matches these dimension values, or a default, then run again.'),
        ('quantity_beyond_tiers', 'pricing',
         'Add a tier for the quantity, or take up_to off the last one, then run again.'),
        ('unknown_currency', 'pricing',
         'Correct the currency of the contract to a code of ISO 4217, then run again.'),
        ('negative_quantity', 'pricing',
         'Correct the usage, or allow negative quantities on the meter, where the charge model prices them.'),
        ('amount_overflow', 'pricing',
         'Check the quantity and the price: their product is beyond what an amount can hold.'),
        ('conflicting_events', 'integration',
         'One event id came with different content: ask its source which is right, compare the '
         ~ 'contents in fct_conflicting_events, then record a decision to pick one or drop them all.'),
        ('depends_on_held', 'finance',
         'Clear what holds the lines that this amount depends on, then run again.'),
        ('credit_to_restore', 'finance',
         'Credit paid for what is no longer due, and its grant is gone or changed: restore its row in '
         ~ 'credit_grants.csv, so that the credit can go back.'),
        ('grant_missing', 'finance',
         'Signed documents drew on this grant: restore its row in credit_grants.csv.'),
        ('grant_in_another_currency', 'finance',
         'Grant the open credit anew in the currency that is billed now, and end this grant.'),
        ('grant_changed', 'finance',
         'Signed documents drew on this grant in another unit, currency or contract: restore its '
         ~ 'row in credit_grants.csv, and grant anew what shall differ.'),
        ('grant_below_draws', 'finance',
         'More was drawn than the grant holds now: restore its amount in credit_grants.csv.'),
        ('billed_key_not_rated', 'finance',
         'Billed before and not rated now: restore the contract or the charge that is missing.'),
        ('cell_moved', 'contract',
         'The cell overlaps one that was billed: restore the cadence and the anchor day.'),
        ('missing_source_day', 'integration',
         'Load the usage of the day, or list it under quiet_days of its source, then run again.'),
        ('control_total_differs', 'integration',
         'Another quantity arrived than the source says that it sent: have the missing files delivered, '
         ~ 'repair rejected lines, or have the source correct its total, then run again.'),
        ('control_total_missing', 'integration',
         'Load the control total of the day, or list the day under quiet_days of its source, then run again.'),
        ('rejected_lines', 'integration',
         'Have the lines corrected, or the event contract extended, then replay the rejects.'),
        ('file_refused', 'integration',
         'Deliver the file again, complete and readable.'),
        ('changed_file', 'integration',
         'Another content came under a name that was loaded before: confirm that both count.'),
        ('posting_rejected', 'finance',
         'Correct what the ERP names, then post again.'),
        ('posting_abandoned', 'finance',
         'Record the release of the document, so that what it bills can be billed again.'),
        ('posting_unknown', 'integration',
         'Wait for the look-up in the ERP; if it stays unknown, look for the key there by hand.'),
    ] -%}
    {{ return(guides) }}
{%- endmacro %}
