"""Pictures in files: a user's own folder, and the faces of CelebA."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import functional

from ablation.datasets import Dataset
from ablation.factories import make
from ablation.fingerprint import folder_fingerprint
from ablation.spec import Part

PartOf = Callable[..., Part]
# A folder of the user's own pictures.

COLOURS = {"apples": (220, 30, 30), "pears": (40, 200, 60)}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Write twenty red and twenty green pictures of odd sizes, in two classes."""
    folder = tmp_path / "fruit"
    for kind, colour in COLOURS.items():
        (folder / kind).mkdir(parents=True)
        for number in range(20):
            picture = Image.new("RGB", (40 + number, 30), colour)
            picture.save(folder / kind / f"{number:02}.{'png' if number % 2 else 'bmp'}")
    (folder / "notes.txt").write_text("no picture")
    return folder


def own(part: PartOf, root: Path, *, size: int = 8, channels: int = 3, mark: str = "") -> Dataset:
    settings = {"root": str(root), "size": size, "channels": channels}
    mark = mark or folder_fingerprint(root)
    return make(part("dataset", "image_folder", **settings, fingerprint=mark), Dataset)


def test_own_pictures_have_the_labels_of_their_folders(pictures: Path, part: PartOf) -> None:
    data = own(part, pictures)
    assert [len(samples) for _, samples, _ in data.splits()] == [32, 4, 4]
    assert (data.shape, data.classes) == ((3, 8, 8), 2)
    for _, images, labels in data.splits():
        assert labels is not None
        assert labels.unique().tolist() == [0, 1]
        for image, label in zip(images, labels, strict=True):
            colour = torch.tensor([*COLOURS.values()][int(label)], dtype=torch.uint8)
            assert torch.equal(image, colour[:, None, None].expand(3, 8, 8))


def test_of_every_ten_own_pictures_the_ninth_selects_and_the_tenth_tests(
    tmp_path: Path, part: PartOf
) -> None:
    for number in range(40):
        Image.new("L", (8, 8), 5 * number).save(tmp_path / f"{number:02}.png")
    data = own(part, tmp_path, channels=1)
    numbers = {name: (samples[:, 0, 0, 0] // 5).tolist() for name, samples, _ in data.splits()}
    assert numbers["selection"] == [8, 18, 28, 38]
    assert numbers["test"] == [9, 19, 29, 39]
    assert numbers["train"] == [n for n in range(40) if n % 10 < 8]


def test_own_pictures_may_be_grey_and_of_any_size(pictures: Path, part: PartOf) -> None:
    data = own(part, pictures, size=16, channels=1)
    assert data.shape == (1, 16, 16)
    luma = round(0.299 * 220 + 0.587 * 30 + 0.114 * 30)
    assert abs(int(data.train[0, 0, 0, 0]) - luma) <= 1


def test_own_pictures_without_folders_have_no_labels(pictures: Path, part: PartOf) -> None:
    for path in (pictures / "pears").iterdir():
        path.rename(pictures / "apples" / f"more-{path.name}")
    data = own(part, pictures / "apples")
    assert (data.train_labels, data.test_labels, data.classes) == (None, None, 0)
    assert len(data.train) == 32


def test_own_pictures_are_cropped_in_the_centre(tmp_path: Path, part: PartOf) -> None:
    array = np.zeros((20, 60, 3), np.uint8)
    array[:, 20:40] = 255
    for number in range(32):
        Image.fromarray(array).save(tmp_path / f"{number}.png")
    data = own(part, tmp_path, size=20)
    assert data.train.unique().tolist() == [255]


@pytest.mark.slow
def test_a_picture_that_cannot_be_read_is_named(pictures: Path, part: PartOf) -> None:
    path = pictures / "pears" / "07.png"
    whole = path.read_bytes()
    for damaged in (b"", b"not a picture", whole[: len(whole) // 2], whole[:60], b"P5 4 4 x"):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"07\.png cannot be read as a picture"):
            own(part, pictures)


def test_changed_pictures_are_noticed_and_a_moved_folder_is_not(
    pictures: Path, part: PartOf
) -> None:
    mark = folder_fingerprint(pictures)
    moved = pictures.rename(pictures.with_name("moved"))
    assert len(own(part, moved, mark=mark).train) == 32
    (moved / "notes.txt").write_text("more notes")
    assert folder_fingerprint(moved) == mark

    one = moved / "pears" / "03.png"
    Image.new("RGB", (40, 40), (40, 200, 61)).save(one)
    with pytest.raises(ValueError, match="its pictures have changed since the trial was planned"):
        own(part, moved, mark=mark)
    changed = folder_fingerprint(moved)
    (moved / "apples" / "19.png").rename(
        moved / "pears" / "!.png"
    )  # the same bytes in the same order
    assert len({mark, changed, folder_fingerprint(moved)}) == 3  # but another label


def test_folders_that_hold_too_little_are_named(pictures: Path, part: PartOf) -> None:
    with pytest.raises(ValueError, match=r"holds 20 pictures; 32 are the least"):
        own(part, pictures / "pears")
    for name, value in (("size", 3), ("channels", 2), ("size", 0)):
        with pytest.raises(ValueError, match=rf"dataset\.{name} is {value}; it"):
            own(part, pictures, **{name: value})
    (pictures / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no pictures"):
        own(part, pictures / "empty")
    with pytest.raises(ValueError, match="is not a folder"):
        own(part, pictures / "nowhere", mark="x")


# The faces of CelebA.

PARTS = [0, 0, 1, 2, 0, 1, 2, 0]


@pytest.fixture
def faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write eight pictures of the size of aligned faces and their partition."""
    monkeypatch.setenv("ABLATION_CACHE", str(tmp_path / "cache"))
    folder, random = tmp_path / "celeba", np.random.default_rng(0)
    (folder / "img_align_celeba").mkdir(parents=True)
    for number in range(len(PARTS)):
        coarse = Image.fromarray(random.integers(0, 256, (11, 9, 3), dtype=np.uint8))
        path = folder / "img_align_celeba" / f"{number + 1:06}.jpg"
        coarse.resize((178, 218)).save(path)
    lines = [f"{number:06}.jpg {part}\n" for number, part in enumerate(PARTS, 1)]
    (folder / "list_eval_partition.txt").write_text("".join(lines))
    return folder


def celeba(part: PartOf, root: Path, size: int = 64) -> Dataset:
    row = part("dataset", "celeba", root=str(root), size=size, download=False)
    return make(row, Dataset)


@pytest.mark.parametrize("size", [64, 32, 178])
def test_faces_are_cropped_and_scaled_as_torchvision_does(
    size: int, faces: Path, part: PartOf
) -> None:
    data = celeba(part, faces, size)
    assert (data.shape, data.train.dtype, data.classes) == ((3, size, size), torch.uint8, 0)
    assert data.fingerprint == celeba(part, faces.parent, size).fingerprint
    for wanted, (_, samples, _) in enumerate(data.splits()):
        numbers = [number for number, part in enumerate(PARTS, 1) if part == wanted]
        for number, sample in zip(numbers, samples, strict=True):
            with Image.open(faces / "img_align_celeba" / f"{number:06}.jpg") as picture:
                square = functional.resize(functional.center_crop(picture, 178), [size, size])
            assert torch.equal(sample, functional.pil_to_tensor(square))


def test_faces_are_decoded_once_until_a_picture_changes(faces: Path, part: PartOf) -> None:
    first = celeba(part, faces, 16)
    (kept,) = (faces.parent / "cache" / "decoded").glob("*.npy")
    before = kept.stat().st_mtime_ns
    again = celeba(part, faces, 16)
    assert again.fingerprint == first.fingerprint
    assert kept.stat().st_mtime_ns == before
    again.train.fill_(0)  # what is read is a copy
    assert celeba(part, faces, 16).fingerprint == first.fingerprint

    Image.new("RGB", (178, 218), "red").save(faces / "img_align_celeba" / "000001.jpg")
    assert celeba(part, faces, 16).fingerprint != first.fingerprint
    for path in kept.parent.glob("*.npy"):
        path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match=r"\.npy is damaged .*; remove it and it is made again"):
        celeba(part, faces, 16)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("000003.jpg 3", "line 3: .* is not a picture's name and 0, 1 or 2"),
        ("000003.jpg", "line 3: .* is not a picture's name and 0, 1 or 2"),
        ("000003.jpg 0 1", "line 3: .* is not a picture's name and 0, 1 or 2"),
        ("../000003.jpg 1", "line 3: .* is not a picture's name and 0, 1 or 2"),
        ("\0\1\2", "line 3: .* is not a picture's name and 0, 1 or 2"),
        ("000001.jpg 1", "line 3: .* is there twice"),
    ],
)
def test_a_damaged_partition_is_named_by_its_line(
    line: str, said: str, faces: Path, part: PartOf
) -> None:
    path = faces / "list_eval_partition.txt"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], line, *lines[3:]]))
    with pytest.raises(ValueError, match=rf"^{path}, {said}$"):
        celeba(part, faces)


def test_a_partition_that_lacks_a_part_is_named(faces: Path, part: PartOf) -> None:
    path = faces / "list_eval_partition.txt"
    for text, lacking in (("", 0), ("000001.jpg 0\n000002.jpg 1\n", 2)):
        path.write_text(text)
        with pytest.raises(ValueError, match=rf"^{path} names no picture of part {lacking}"):
            celeba(part, faces)
    path.unlink()
    with pytest.raises(ValueError, match=rf"^{path} is missing$"):
        celeba(part, faces)
    path.mkdir()
    with pytest.raises(ValueError, match=rf"^{path} is a folder; a file belongs there$"):
        celeba(part, faces)


def test_a_face_that_is_missing_or_damaged_is_named(faces: Path, part: PartOf) -> None:
    path = faces / "img_align_celeba" / "000004.jpg"
    whole = path.read_bytes()
    for damaged in (b"", b"<html>", whole[:30], whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=rf"^{path} cannot be read as a picture: "):
            celeba(part, faces)
    Image.new("RGB", (218, 178)).save(path)
    with pytest.raises(ValueError, match=rf"^{path} is 218 x 178; an aligned face is 178 x 218$"):
        celeba(part, faces)
    path.unlink()
    with pytest.raises(ValueError, match=rf"^{path} is missing$"):
        celeba(part, faces)
    path.mkdir()
    with pytest.raises(ValueError, match=rf"^{path} cannot be read as a picture: "):
        celeba(part, faces)
    pictures = faces / "img_align_celeba"
    pictures.rename(faces / "elsewhere")
    with pytest.raises(ValueError, match=rf"^{pictures} is missing$"):
        celeba(part, faces)
    pictures.touch()
    with pytest.raises(ValueError, match=rf"^{pictures} is no folder$"):
        celeba(part, faces)
