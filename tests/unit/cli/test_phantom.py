"""The project's own CT: sound DICOM, the same for the same seed, every slice another."""

import hashlib
import io

import numpy as np
import pydicom

from dicomlake.cli.phantom import Phantom


def test_a_slice_is_a_ct_image_that_pydicom_reads_as_it_was_made() -> None:
    phantom = Phantom(slices=10)

    read = pydicom.dcmread(io.BytesIO(phantom.file(4)))

    assert read.Modality == "CT"
    assert read.SOPInstanceUID == phantom.instance_uid(4)
    assert np.array_equal(read.pixel_array, phantom.pixels(4))
    assert (read.pixel_array[0, 0], read.BitsAllocated) == (-1024, 16)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_study() -> None:
    assert Phantom(seed=7).file(3) == Phantom(seed=7).file(3)
    assert Phantom(seed=7).study_uid != Phantom(seed=8).study_uid
    assert not np.array_equal(Phantom(seed=7).pixels(3), Phantom(seed=8).pixels(3))


def test_every_slice_is_another() -> None:
    phantom = Phantom()

    digests = {hashlib.sha256(phantom.pixels(index).tobytes()).digest() for index in range(0, 300, 7)}

    assert len(digests) == len(range(0, 300, 7))
