"""A Dockerfile's layout is followed without Docker."""

import json
from pathlib import Path

import pytest

from dicomlake.local.enginehost.images import ImageCatalog, UnknownImageError, instructions

DOCKERFILE = """\
# comment
FROM python:3.13-slim
WORKDIR /task
COPY main.py ./
COPY shared/package \\
     /task/package
RUN pip install nothing
ENV MODE=task PYTHONPATH=/task/package
ENTRYPOINT ["python", "/task/main.py"]
CMD ["--default"]
"""


@pytest.fixture
def catalog(tmp_path: Path) -> ImageCatalog:
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "image" / "main.py").write_text("pass")
    (tmp_path / "shared" / "package").mkdir(parents=True)
    (tmp_path / "shared" / "package" / "inner.py").write_text("pass")
    (tmp_path / "library").mkdir()
    written = {
        "root": str(tmp_path),
        "images": {"tag-1": str(tmp_path / "image")},
        "libraries": [str(tmp_path / "library"), str(tmp_path / "absent")],
    }
    (tmp_path / "images.json").write_text(json.dumps(written))
    return ImageCatalog(tmp_path / "images.json", tmp_path / "cache", "/venv/python")


def test_files_land_where_copy_says_from_the_directory_or_the_repository(catalog: ImageCatalog) -> None:
    image = catalog.find("000000000000.dkr.ecr.us-east-1.amazonaws.com/assets:tag-1")

    assert (image.root / "task" / "main.py").is_file()
    assert (image.root / "task" / "package" / "inner.py").is_file()
    assert image.workdir == image.root / "task"


def test_environment_names_paths_of_the_host_and_the_layers_stand_in_for_pip(
    catalog: ImageCatalog, tmp_path: Path
) -> None:
    image = catalog.find("repository:tag-1")

    assert image.environment["MODE"] == "task"
    assert image.environment["PYTHONPATH"] == f"{image.root / 'task' / 'package'}:{tmp_path / 'library'}"


def test_the_entry_point_runs_by_the_handlers_interpreter_with_cmd_or_the_override(catalog: ImageCatalog) -> None:
    image = catalog.find("repository:tag-1")
    main = str(image.root / "task" / "main.py")

    assert catalog.argv(image, None) == ["/venv/python", main, "--default"]
    assert catalog.argv(image, ["--other"]) == ["/venv/python", main, "--other"]


def test_an_image_that_was_not_deployed_is_named(catalog: ImageCatalog) -> None:
    with pytest.raises(UnknownImageError, match="tag-2"):
        catalog.find("repository:tag-2")


def test_continued_lines_are_one_instruction() -> None:
    assert instructions("RUN a \\\n  b\n# no\nENV x=1") == [("RUN", "a    b"), ("ENV", "x=1")]


def test_an_image_is_laid_out_once_and_removed_at_the_end(catalog: ImageCatalog) -> None:
    image = catalog.find("repository:tag-1")

    assert catalog.find("other/repository:tag-1").root == image.root
    catalog.close()
    assert not image.root.exists()
