import numpy as np
import pytest
from PIL import Image

from chainrule.errors import DataError, FileError
from chainrule.tables import Column, open_table


@pytest.fixture
def folder(tmp_path):
    def folder(**images):
        for name, array in images.items():
            path = tmp_path / f"{name.replace('__', '/')}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(np.asarray(array)).save(path)
        return tmp_path

    return folder


def grey(value, height=4, width=6):
    return np.full((height, width), value, dtype=np.uint8)


def test_a_folder_for_each_class(folder):
    table = open_table(folder(cat__2=grey(51), cat__1=grey(0), dog__1=grey(255)))
    assert table.columns == (Column("image", "image", (4, 6)), Column("class", "category"))
    assert (table.rows, table.target, table.notes) == (3, "class", ())
    (chunk,) = table.chunks()
    assert chunk["class"].tolist() == ["cat", "cat", "dog"]
    assert chunk["image"].dtype == np.float32
    np.testing.assert_array_equal(chunk["image"][:, 0, 0], np.float32([0, 0.2, 1]))


def test_one_image_in_colour_makes_all_rgb(folder):
    red = np.zeros((4, 6, 3), dtype=np.uint8)
    red[..., 0] = 255
    table = open_table(folder(a__1=red, b__1=grey(255)))
    assert table.columns[0].shape == (4, 6, 3)
    (chunk,) = table.chunks()
    np.testing.assert_array_equal(chunk["image"][:, 0, 0], [[1, 0, 0], [1, 1, 1]])


def test_images_of_another_size_take_that_of_most(folder):
    table = open_table(folder(a__1=grey(9), a__2=grey(9), b__1=grey(9, 3, 3)))
    assert table.columns[0].shape == (4, 6)
    assert table.notes == ("1 images of another size are resized to 4 × 6",)
    (chunk,) = table.chunks()
    np.testing.assert_allclose(chunk["image"], 9 / 255)


def test_images_take_the_size_of_training(folder):
    like = [Column("image", "image", (2, 3, 3))]
    table = open_table(folder(a__1=grey(9)), like=like)
    assert table.columns[0] == like[0]
    assert next(table.chunks())["image"].shape == (1, 2, 3, 3)


def test_sixteen_bits_of_grey_are_scaled_not_cut(folder):
    table = open_table(folder(a__1=np.full((4, 6), 257 * 51, dtype=np.uint16)))
    np.testing.assert_allclose(next(table.chunks())["image"], 0.2)


def test_images_without_classes_have_no_target(folder):
    table = open_table(folder(one=grey(1), two=grey(2)))
    assert [column.name for column in table.columns] == ["image"]
    assert table.target is None


def test_chunks_and_classes_alone(folder):
    table = open_table(folder(a__1=grey(1), a__2=grey(2), b__1=grey(3)))
    assert [len(chunk["image"]) for chunk in table.chunks(rows=2)] == [2, 1]
    (chunk,) = table.chunks(columns=["class"])
    assert {name: values.tolist() for name, values in chunk.items()} == {"class": ["a", "a", "b"]}


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no images; expected a folder for each class"):
        open_table(tmp_path)


@pytest.mark.parametrize("cut", [10, 60])
def test_a_broken_image_is_named(folder, cut):
    path = (
        folder(a__1=np.random.default_rng(0).integers(0, 255, (40, 60), np.uint8)) / "a" / "1.png"
    )
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(FileError, match=r"a.1\.png cannot be read as an image"):
        list(open_table(path.parents[1]).chunks())
