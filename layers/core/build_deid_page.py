"""Write the conformance table of docs/deidentification.md: a row per clause and option, and the tests that show it.

    python layers/core/build_deid_page.py

The table stands between two marks; what is around it is written by hand.
"""

import sys
from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).parents[2] / "docs/deidentification.md"
BEGIN, END = "<!-- table: layers/core/build_deid_page.py -->", "<!-- end of table -->"


class Row(NamedTuple):
    """A clause, what is done, and the tests that fail if it stops being done; none: it is not done, and `what` says
    what happens instead."""

    clause: str
    what: str
    tests: tuple[str, ...] = ()


PLANTED = "test_nothing_planted_is_left_and_the_table_is_followed"
OPTION = "test_every_row_of_an_options_column_is_followed"
NO_LEAK = "test_an_option_lets_no_name_or_number_through"
ROWS: tuple[Row, ...] = (
    Row(
        "PS3.15 E.1-1",
        "all 656 rows of the Basic Profile column, edition 2026c",
        (
            "test_every_row_of_the_table_is_there",
            "test_the_committed_table_is_what_the_script_makes",
            PLANTED,
        ),
    ),
    Row(
        "PS3.15 E.1-1a",
        "X/Z, X/D, X/Z/D, Z/D, and X of what is required, by the attribute's Type in this object's IOD and modules",
        (
            "test_types_are_of_the_iod",
            "test_an_optional_module_counts_where_its_type_1_attributes_are_there",
            "test_every_attribute_that_the_iod_requires_a_value_for_keeps_one",
            "test_what_the_profile_removes_but_the_iod_requires_is_emptied_or_a_dummy",
            "test_no_object_breaks_its_iod_more_than_before",
        ),
    ),
    Row(
        "PS3.15 E.1-1a",
        "X/Z/U*: references to images stay, remapped",
        ("test_references_inside_unlisted_sequences_follow_the_instances_they_name",),
    ),
    Row(
        "PS3.15 E.1-1a",
        "D: a dummy valid for its VR; a sequence keeps its shape",
        (
            "test_every_vr_has_a_dummy_of_its_own_form",
            "test_a_sequence_that_needs_a_value_keeps_its_shape_with_dummies",
        ),
    ),
    Row(
        "PS3.15 E.1-1",
        "U: one map for all objects, injective, stable, RFC 9562 version 8; UIDs of the standard stay",
        (
            "test_the_uid_map_is_injective_and_stable",
            "test_a_mapped_uid_is_a_valid_version_8_uuid",
            "test_uids_of_the_standard_stay",
        ),
    ),
    Row(
        "PS3.15 E.1.1",
        "every sequence is entered, listed or not",
        ("test_an_unlisted_sequence_is_entered_at_every_depth",),
    ),
    Row(
        "PS3.15 E.1-1",
        "private attributes and groups 50xx and 60xx are removed, nested ones too",
        ("test_private_groups_overlays_and_curves_go_whole", "test_nothing_marked_survives_in_any_encoding"),
    ),
    Row(
        "beyond the table",
        "names, dates, times, addresses, AE titles, unreadable elements that it leaves out go; their UIDs are mapped",
        (
            "test_names_dates_and_addresses_that_the_table_leaves_out_go_too",
            "test_uids_that_the_table_leaves_out_are_mapped_but_classes_and_coding_schemes_stay",
        ),
    ),
    Row(
        "beyond the table",
        "value pass: what is left is searched for what identifies the patient, in every spelling and character set",
        (PLANTED, "test_the_scorer_finds_what_was_not_cleaned"),
    ),
    Row(
        "PS3.15 E.1.1",
        "(0012,0062), (0012,0063), (0012,0064) with codes of CID 7050, (0028,0301), (0028,0302), (0028,0303)",
        (
            "test_the_codes_of_what_was_done_are_said",
            "test_a_clean_object_says_what_was_done_and_that_it_is_not_cleared",
        ),
    ),
    Row(
        "PS3.10 7.1",
        "preamble and file meta are new; what follows the pixels is dropped",
        ("test_preamble_file_meta_and_what_follows_the_pixels_are_new",),
    ),
    Row(
        "PS3.5 A",
        "implicit, explicit, big-endian and deflated sources; compressed frames stay as they are",
        ("test_every_encoding_gives_the_same_clean_head", "test_pixels_are_the_same_in_every_transfer_syntax"),
    ),
    Row(
        "PS3.15 E.3.1",
        "Clean Pixel Data: all text, or what identifies, filled over, looked for again; ultrasound outside its regions",
        (
            "test_text_is_filled_over_and_nothing_else_changes",
            "test_text_in_one_frame_of_a_film_goes_from_all",
            "test_sensitive_text_goes",
            "test_what_measures_stays",
            "test_what_is_read_again_and_again_is_refused",
            "test_a_name_in_an_ultrasound_image_is_gone_and_its_index_is_still_there",
            "test_without_a_reader_what_may_carry_text_is_refused",
        ),
    ),
    Row(
        "PS3.15 E.3.1",
        "Clean Pixel Data by device masks, a table that its users keep",
        (
            "test_a_mask_is_filled_over_in_images_of_its_device_alone",
            "test_a_table_that_is_wrong_is_refused_with_its_row",
        ),
    ),
    Row(
        "PS3.15 E.3.2",
        "Clean Recognizable Visual Features: refused, or taken at a person's risk",
        (
            "test_heads_are_refused_unless_the_risk_is_taken",
            "test_a_face_is_told_by_what_is_shown_said_and_how_large_it_is",
        ),
    ),
    Row("PS3.15 E.3.2", "Clean Recognizable Visual Features by masking: `mask` refuses as `refuse` does"),
    Row("PS3.15 E.3.3", "Clean Graphics: texts of graphic annotations cleaned, shapes kept", (OPTION, NO_LEAK)),
    Row("PS3.15 E.3.3", "Clean Graphics of overlays and curves: removed under the option too"),
    Row("PS3.15 E.3.4", "Clean Structured Content: texts cleaned, persons and dates by the table", (OPTION, NO_LEAK)),
    Row("PS3.15 E.3.4", "Clean Structured Content by concept (Table E.3.4-1)"),
    Row(
        "PS3.15 E.3.5",
        "Clean Descriptors",
        (OPTION, NO_LEAK, "test_a_description_is_kept_but_for_what_identifies"),
    ),
    Row(
        "PS3.15 E.3.6",
        "Retain Longitudinal Temporal Information, Full Dates",
        (OPTION, "test_dates_move_by_the_patients_days_and_times_stay"),
    ),
    Row(
        "PS3.15 E.3.6",
        "Retain Longitudinal Temporal Information, Modified Dates: one number of days a patient",
        (
            OPTION,
            "test_one_patients_dates_move_by_one_number_of_days",
            "test_dates_move_in_every_form",
            "test_one_patient_has_one_number_of_days_and_strangers_have_their_own",
        ),
    ),
    Row(
        "PS3.15 E.3.7",
        "Retain Patient Characteristics; ages above 89 are one age",
        (OPTION, NO_LEAK, "test_ages_above_89_are_one_age"),
    ),
    Row(
        "PS3.15 E.3.8",
        "Retain Device Identity",
        (OPTION, NO_LEAK, "test_uids_institutions_and_devices_stay_where_asked"),
    ),
    Row("PS3.15 E.3.9", "Retain UIDs", (OPTION, "test_uids_institutions_and_devices_stay_where_asked")),
    Row(
        "PS3.15 E.3.10",
        "Retain Safe Private: the 479 rows of Table E.3.10-1, texts cleaned",
        (NO_LEAK, "test_safe_private_attributes_stay_with_their_creator_and_get_their_vr"),
    ),
    Row(
        "PS3.15 E.3.11", "Retain Institution Identity", (OPTION, "test_uids_institutions_and_devices_stay_where_asked")
    ),
    Row(
        "kinds",
        "documents become an empty page, structure sets' regions ROI-n; texts of colour profiles and code streams go",
        (
            "test_a_document_becomes_an_empty_page_and_its_length_that_pages",
            "test_regions_of_a_structure_set_are_named_by_their_number",
            "test_a_colour_profile_keeps_its_colours_and_no_word",
            "test_code_streams_keep_their_length_and_no_comment",
        ),
    ),
    Row(
        "kinds",
        "slides' labels, unknown kinds of pixels, overlays among the pixels' bits are refused",
        ("test_what_cannot_be_made_safe_is_refused", "test_burned_in_text_is_not_passed_where_nobody_looks"),
    ),
    Row(
        "policies",
        "rules for single attributes, a schema, a dry run",
        (
            "test_each_action_does_what_it_says",
            "test_the_first_rule_that_matches_counts",
            "test_what_is_wrong_is_said_with_its_place",
            "test_the_schema_names_what_the_reader_knows",
            "test_a_dry_run_prints_edits_and_writes_nothing",
        ),
    ),
    Row(
        "evidence",
        "a signed, chained report; mappings as CSV; nothing of the originals in the report",
        ("test_mappings_and_a_signed_report_are_left_apart_from_the_copies",),
    ),
    Row(
        "the stage",
        "twice is once: no effect of a second delivery, a second pass, a death half-way",
        (
            "test_the_same_command_twice_copies_once_and_reads_nothing_again",
            "test_a_second_pass_changes_nothing",
            "test_a_run_that_dies_anywhere_is_completed_by_the_next",
        ),
    ),
    Row("the stage", "late arrivals add only what is new", ("test_late_arrivals_add_only_what_is_new",)),
    Row(
        "the stage",
        "every instance of the source is stored or refused in the target's ledger",
        ("test_what_is_refused_is_counted_with_its_reason_and_nothing_of_its_own",),
    ),
    Row(
        "the stage",
        "pixels are equal, frame ids are not; no original UID, name, date or ID anywhere in the target",
        (
            "test_frames_are_copied_as_they_are_under_other_ids",
            "test_a_copy_restores_to_an_object_that_opens_with_the_same_pixels",
            "test_no_planted_identifier_survives_in_any_byte_of_the_target",
        ),
    ),
    Row("the stage", "policies, options and other kinds of objects than CT, MR and PET: so far only `dicomlake deid`"),
    Row("the stage", "deletes, corrections and replacements of the source follow in the target"),
)


def table() -> str:
    """Return the table's Markdown."""
    lines = ["| clause | what | | test |", "|---|---|---|---|"]
    for row in ROWS:
        tests = ", ".join(f"`{test}`" for test in row.tests)
        lines.append(f"| {row.clause} | {row.what} | {'Y' if row.tests else 'N'} | {tests} |")
    return "\n".join(lines)


def rewritten(page: str) -> str:
    """Return the page with the table as it is now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main() -> int:
    """Rewrite the page."""
    PAGE.write_text(rewritten(PAGE.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
