"""ONNX files that are hostile, damaged or of no use end in one sentence; nothing runs."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import tiny_onnx
from onnx import helper

from napari_tally.core.errors import FileError, InputError, ModelError, TallyError
from napari_tally.models.importing.importing import propose
from napari_tally.models.importing.proposal import ImportSettings
from napari_tally.network.runtimes.onnx_session import OnnxSession

HERE = (1, 1, 64, 64)


def refusal(path, **settings) -> str:
    with pytest.raises((ModelError, FileError, InputError)) as caught:
        propose(path, ImportSettings(**settings))
    text = str(caught.value)
    assert "\n" not in text and "Traceback" not in text and "onnxruntime_src" not in text
    return text


def written(path, nodes, constants=None, inputs=None, outputs=None, **options):
    inputs, outputs = inputs or {"x": HERE}, outputs or {"y": HERE}
    return tiny_onnx.graph(path, nodes, inputs, outputs, constants, **options)


@pytest.mark.parametrize("content", [b"", b"no model", b"\x80\x04\x95pickle", b"\x08\x07" * 500])
def test_another_kind_of_file(tmp_path, content) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(content)
    assert "a.onnx" in refusal(path)


def test_cut_files(tmp_path) -> None:
    whole = tiny_onnx.bright(tmp_path / "a.onnx").read_bytes()
    for length in range(1, len(whole), 7):
        (tmp_path / "b.onnx").write_bytes(whole[:length])
        try:
            propose(tmp_path / "b.onnx", ImportSettings())
        except TallyError as error:
            assert "b.onnx" in str(error)


def test_custom_operators_are_code(tmp_path) -> None:
    node = helper.make_node("Run", ["x"], ["y"], domain="evil.corp")
    path = written(tmp_path / "a.onnx", [node], opsets=(("", 17), ("evil.corp", 1)))
    text = refusal(path)
    assert "evil.corp:Run" in text and "is code" in text


def test_custom_operators_in_a_branch_are_found(tmp_path) -> None:
    inner = helper.make_node("Run", ["x"], ["z"], domain="evil.corp")
    value = helper.make_tensor_value_info("z", 1, HERE)
    branch = helper.make_graph([inner], "inner", [], [value])
    node = helper.make_node("If", ["yes"], ["y"], then_branch=branch, else_branch=branch)
    opsets = (("", 17), ("evil.corp", 1))
    path = written(tmp_path / "a.onnx", [node], {"yes": np.array(True)}, opsets=opsets)
    assert "evil.corp:Run" in refusal(path)


def test_operators_that_do_not_exist(tmp_path) -> None:
    path = written(tmp_path / "a.onnx", [helper.make_node("Nonsense", ["x"], ["y"])])
    assert "Nonsense" in refusal(path)


@pytest.mark.parametrize("operator", ["ConstantOfShape", "Expand", "Tile", "Range", "Pad"])
def test_a_million_million_numbers(tmp_path, operator) -> None:
    many = np.array([10**12], np.int64)
    inputs = {
        "ConstantOfShape": ["many"],
        "Expand": ["one", "many"],
        "Tile": ["one", "many"],
        "Range": ["start", "end", "step"],
        "Pad": ["one", "both"],
    }[operator]
    nodes = [
        helper.make_node(operator, inputs, ["c"]),
        helper.make_node("ReduceSum", ["c"], ["sum"], keepdims=0),
        helper.make_node("Add", ["x", "sum"], ["y"]),
    ]
    constants = {
        "many": many,
        "one": np.ones(1, np.float32),
        "both": np.array([0, 10**12], np.int64),
        "start": np.float32(0),
        "end": np.float32(1e12),
        "step": np.float32(1),
    }
    text = refusal(written(tmp_path / "a.onnx", nodes, constants))
    assert "a.onnx" in text and ("asks" in text or "more than" in text)


def test_a_size_that_the_image_decides_is_limited_too(tmp_path) -> None:
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Mul", ["shape", "factor"], ["large"]),
        helper.make_node("ConstantOfShape", ["large"], ["c"]),
        helper.make_node("ReduceSum", ["c"], ["sum"], keepdims=0),
        helper.make_node("Add", ["x", "sum"], ["y"]),
    ]
    free = (1, 1, "h", "w")
    path = written(
        tmp_path / "a.onnx", nodes, {"factor": np.array([1, 1, 30000, 30000], np.int64)},
        {"x": free}, {"y": free},
    )  # fmt: skip
    assert "which this machine does not have" in refusal(path)


@pytest.mark.parametrize("shape", [HERE, (1, 1, "h", "w")])
def test_a_loop_without_end_is_stopped_once(tmp_path, monkeypatch, shape) -> None:
    monkeypatch.setattr("napari_tally.models.importing.onnx_trial._SECONDS", 0.5)
    value_of = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["again"]),
            helper.make_node("Add", ["v", "v"], ["w"]),
        ],
        "body",
        [value_of("i", 7, []), value_of("go", 9, []), value_of("v", 1, shape)],
        [value_of("again", 9, []), value_of("w", 1, shape)],
    )
    node = helper.make_node("Loop", ["times", "yes", "x"], ["y"], body=body)
    constants = {"times": np.array(2**60, np.int64), "yes": np.array(True)}
    path = written(tmp_path / "a.onnx", [node], constants, {"x": shape}, {"y": shape})
    runs, run = [], OnnxSession.run
    monkeypatch.setattr(OnnxSession, "run", lambda *args: runs.append(1) or run(*args))
    assert "ran for more than 0.5 s" in refusal(path)
    assert len(runs) <= 2


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "sub/x", "..\\x", "missing.bin"])
def test_weights_elsewhere_are_not_read(tmp_path, location) -> None:
    (tmp_path / "secret").write_bytes(b"\0" * 64)
    folder = tmp_path / "model"
    folder.mkdir()
    arrays = {"map": np.ones(HERE, np.float32)}
    path = tiny_onnx.constant(folder / "a.onnx", arrays, HERE)
    proto = onnx.load(path)
    for tensor in proto.graph.initializer:
        if tensor.name == "map_values":
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value=location)
    path.write_bytes(proto.SerializeToString())
    text = refusal(path)
    assert "takes weights from" in text


def test_a_link_to_weights_is_not_followed(tmp_path) -> None:
    path = tiny_onnx.constant(tmp_path / "a.onnx", {"map": np.ones(HERE, np.float32)}, HERE)
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="a.data",
              size_threshold=100)  # fmt: skip
    (tmp_path / "a.data").rename(tmp_path / "b.data")
    (tmp_path / "a.data").symlink_to(tmp_path / "b.data")
    assert "which is not beside it" in refusal(path)


def test_several_images_and_texts_are_no_input(tmp_path) -> None:
    add = helper.make_node("Add", ["x", "other"], ["y"])
    path = written(tmp_path / "a.onnx", [add], None, {"x": HERE, "other": HERE})
    assert "has 2 inputs for images (x, other)" in refusal(path)
    text = helper.make_node("Shape", ["x"], ["y"])
    path = written(tmp_path / "b.onnx", [text], None, {"x": HERE}, {"y": (4,)},
                   dtypes={"x": "string", "y": "int64"})  # fmt: skip
    assert "takes string, but images are numbers" in refusal(path)
    flat = helper.make_node("Identity", ["x"], ["y"])
    path = written(tmp_path / "c.onnx", [flat], None, {"x": (1, 7, 9)}, {"y": (1, 7, 9)})
    propose(path, ImportSettings())  # one channel of 7 x 9 px
    path = written(tmp_path / "d.onnx", [flat], None, {"x": (9,)}, {"y": (9,)})
    assert "has the shape (9), which is none of images" in refusal(path)


def test_unknown_outputs_are_listed_with_how_to_set_them(tmp_path) -> None:
    path = tiny_onnx.constant(tmp_path / "a.onnx", {"odd": np.ones((7, 5), np.float32)}, HERE)
    text = refusal(path)
    assert "odd (7, 5)" in text and "Set the reading by hand" in text


@pytest.mark.parametrize("task", ["pose", "classify", "obb"])
def test_other_tasks_of_ultralytics(tmp_path, task) -> None:
    metadata = {"task": task, "names": "{0: 'a'}", "stride": "32"}
    path = tiny_onnx.bright(tmp_path / "a.onnx", metadata=metadata)
    assert f"the task '{task}'" in refusal(path)


@pytest.mark.parametrize("names", ["__import__('os').system('x')", "(" * 5000, "{0: ", "7", "[]"])
def test_names_are_never_evaluated(tmp_path, names) -> None:
    metadata = {"task": "semantic", "names": names, "stride": "32"}
    path = tiny_onnx.bright(tmp_path / "a.onnx", metadata=metadata)
    assert propose(path, ImportSettings()).info.reading.classes == ("object",)


def test_mask2former_of_a_fixed_size_says_how_to_export_it(tmp_path) -> None:
    nodes = [helper.make_node("GridSample", ["x", "grid"], ["y"])]
    grid = np.zeros((2, 64, 64, 2), np.float32)  # a batch that does not fit
    text = refusal(written(tmp_path / "a.onnx", nodes, {"grid": grid}))
    assert "GridSample" in text


def test_the_description_of_another_model(tmp_path) -> None:
    for block in ("{", "[]", "{}", '{"format": 99}', "[" * 100_000):
        path = tiny_onnx.bright(tmp_path / "a.onnx", metadata={"napari_tally": block})
        assert "description in a.onnx" in refusal(path).replace("The d", "d")


def test_channels_that_do_not_fit(tmp_path) -> None:
    path = tiny_onnx.bright(tmp_path / "a.onnx")
    assert "1 input channels, but 2 are named" in refusal(path, channels=("a", "b"))
