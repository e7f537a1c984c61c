"""Rendered images and thumbnails (PS3.18 10.4.1.1.3, 10.4.1.1.4) and WADO-URI (9)."""

import io
import os

import numpy as np
import pytest
import requests
from PIL import Image

from tests.conformance.made_study import COLUMNS, ROWS, MadeStudy, uid
from tests.conformance.service import Service, media_type, parts_of

WHOLE = (COLUMNS, ROWS)


def shown(answer: requests.Response) -> Image.Image:
    """The picture of an answer, alone or as its only part."""
    assert answer.status_code == 200, f"answered {answer.status_code}"
    alone = media_type(answer.headers["Content-Type"]).startswith("image/")
    return Image.open(io.BytesIO(answer.content if alone else parts_of(answer)[0].body))


@pytest.mark.clause("10.4.1.1.3")
@pytest.mark.parametrize(("accept", "kind"), [("image/jpeg", "JPEG"), ("image/png", "PNG"), ("*/*", "JPEG")])
def test_an_instance_is_rendered(service: Service, made: MadeStudy, accept: str, kind: str) -> None:
    picture = shown(service.get(f"{made.place(1)}/rendered", accept))

    assert (picture.format, picture.size) == (kind, WHOLE)


@pytest.mark.clause("10.4.1.1.3")
def test_a_rendered_image_has_the_values_of_its_window(service: Service, made: MadeStudy) -> None:
    picture = shown(service.get(f"{made.place(1)}/rendered", "image/png"))

    stored = np.frombuffer(made.pixels(1), "<u2").reshape(ROWS, COLUMNS) / 4095 * 255
    assert np.abs(np.asarray(picture.convert("L"), dtype=float) - stored).max() <= 1.5


@pytest.mark.clause("10.4.1.1.3")
def test_a_frame_is_rendered(service: Service, made: MadeStudy) -> None:
    first, last = (shown(service.get(f"{made.place(4)}/frames/{frame}/rendered", "image/png")) for frame in (1, 3))

    assert first.size == WHOLE
    assert first.tobytes() != last.tobytes()


@pytest.mark.clause("10.4.1.1.3")
@pytest.mark.parametrize("path", ["studies/{0.study}", "studies/{0.study}/series/{0.slices}"], ids=["study", "series"])
def test_a_study_and_a_series_are_rendered(service: Service, made: MadeStudy, path: str) -> None:
    answer = service.get(f"{path.format(made)}/rendered", "*/*")

    assert shown(answer).format == "JPEG"


@pytest.mark.clause("8.3.5.1.2")
def test_quality_makes_a_smaller_jpeg(service: Service, made: MadeStudy) -> None:
    low, high = (
        service.get(f"{made.place(1)}/rendered", "image/jpeg", quality=quality).content for quality in ("10", "95")
    )

    assert len(low) < len(high)


@pytest.mark.clause("8.3.5.1.3")
def test_viewport_sets_the_size(service: Service, made: MadeStudy) -> None:
    assert shown(service.get(f"{made.place(1)}/rendered", "image/png", viewport="16,12")).size == (16, 12)


@pytest.mark.clause("8.3.5.1.4")
@pytest.mark.parametrize("function", ["linear", "linear-exact", "sigmoid"])
def test_window_sets_the_contrast(service: Service, made: MadeStudy, function: str) -> None:
    narrow = shown(service.get(f"{made.place(1)}/rendered", "image/png", window=f"100,50,{function}"))

    bright = np.asarray(narrow.convert("L"))[np.frombuffer(made.pixels(1), "<u2").reshape(ROWS, COLUMNS) > 400]
    assert bright.min() >= 250


@pytest.mark.clause("10.4.3")
@pytest.mark.parametrize(("name", "value"), [("viewport", "wide"), ("window", "1"), ("quality", "1000")])
def test_malformed_rendering_parameters_are_a_400(service: Service, made: MadeStudy, name: str, value: str) -> None:
    answer = service.get(f"{made.place(1)}/rendered", "image/jpeg", **{name: value})

    assert answer.status_code == 400, f"answered {answer.status_code}"


@pytest.mark.clause("10.4.1.1.4")
@pytest.mark.parametrize("level", ["study", "series", "instance", "frame"])
def test_everything_has_a_thumbnail(service: Service, made: MadeStudy, level: str) -> None:
    instance = made.place(4)
    places = {"study": f"studies/{made.study}", "series": made.series_place(4), "instance": instance}

    picture = shown(service.get(f"{places.get(level, f'{instance}/frames/2')}/thumbnail", "image/jpeg"))

    assert picture.format == "JPEG"


@pytest.fixture
def wado(service: Service, made: MadeStudy) -> str:
    """Where WADO-URI is, which the standard leaves to the service."""
    url = os.environ.get("CONFORMANCE_WADO") or f"{service.base}/wado"
    if service.get(url, **named(made, 1)).status_code == 404:
        pytest.skip("no WADO-URI at /wado below the base URL; name it by --wado")
    return url


def named(made: MadeStudy, number: int) -> dict[str, str]:
    """The parameters that name an instance."""
    series = made.film if number == 4 else made.slices
    names = {"studyUID": made.study, "seriesUID": series, "objectUID": made.instances[number - 1]}
    return {"requestType": "WADO", **names}


@pytest.mark.clause("9.4")
def test_wado_uri_gives_a_file(service: Service, made: MadeStudy, wado: str) -> None:
    answer = service.get(wado, **named(made, 1), contentType="application/dicom")

    assert media_type(answer.headers["Content-Type"]) == "application/dicom"
    assert answer.content[128:132] == b"DICM"


@pytest.mark.clause("9.5")
@pytest.mark.parametrize(("kind", "form"), [("image/jpeg", "JPEG"), ("image/png", "PNG")])
def test_wado_uri_gives_a_picture(service: Service, made: MadeStudy, wado: str, kind: str, form: str) -> None:
    assert shown(service.get(wado, **named(made, 1), contentType=kind)).format == form


@pytest.mark.clause("9.5")
def test_wado_uri_gives_a_jpeg_by_itself(service: Service, made: MadeStudy, wado: str) -> None:
    assert shown(service.get(wado, **named(made, 1))).format == "JPEG"


@pytest.mark.clause("9")
def test_wado_uri_of_an_unknown_instance_is_a_404(service: Service, made: MadeStudy, wado: str) -> None:
    assert service.get(wado, **(named(made, 1) | {"objectUID": uid()})).status_code == 404


@pytest.mark.clause("9")
@pytest.mark.parametrize("without", ["studyUID", "seriesUID", "objectUID", "requestType"])
def test_wado_uri_without_a_mandatory_parameter_is_a_400(
    service: Service, made: MadeStudy, wado: str, without: str
) -> None:
    asked = {name: value for name, value in named(made, 1).items() if name != without}

    answer = service.get(wado, **asked)

    assert answer.status_code == 400, f"answered {answer.status_code}"
