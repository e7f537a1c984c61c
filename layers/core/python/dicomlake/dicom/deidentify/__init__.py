"""De-identification by PS3.15 annex E: `clean_head` makes an object's head that of its de-identified copy."""

from dicomlake.dicom.deidentify.clean import CleanHead, clean_head
from dicomlake.dicom.deidentify.dataset import Dataset, Element, Head, encode_dataset, read_head
from dicomlake.dicom.deidentify.names import KeyedNames, PatientIdentity
from dicomlake.dicom.deidentify.plan import Edit, Subject, apply_edits, plan_edits
from dicomlake.dicom.deidentify.profile import Action, Decision, Profile, profile_for
from dicomlake.dicom.deidentify.refusal import NATIVE_SYNTAXES, TAKEN_SOP_CLASSES, refuse_class, refuse_content

__all__ = [
    "NATIVE_SYNTAXES",
    "TAKEN_SOP_CLASSES",
    "Action",
    "CleanHead",
    "Dataset",
    "Decision",
    "Edit",
    "Element",
    "Head",
    "KeyedNames",
    "PatientIdentity",
    "Profile",
    "Subject",
    "apply_edits",
    "clean_head",
    "encode_dataset",
    "plan_edits",
    "profile_for",
    "read_head",
    "refuse_class",
    "refuse_content",
]
