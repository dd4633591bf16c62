"""Motion capture as a data set: on small files that are written here, and on the real ones where they are."""

import math
import os
import re
from pathlib import Path

import pytest
import torch

import latentbook.learning.mocap as source
from latentbook.core import ChecksumError
from latentbook.learning.data import load
from latentbook.learning.mocap import mocap_angles, mocap_files
from latentbook.learning.shelf import verify
from tests.learning.formats import amc, asf, files_below, md5

GIVEN = os.environ.get("LATENTBOOK_DATA")
REAL = Path(GIVEN or ".") / "CMU_mocap" / "07" / "07.asf"
real = pytest.mark.skipif(not REAL.is_file(), reason="needs LATENTBOOK_DATA=<folder> with CMU_mocap in it")

BONES = {"lfemur": "rx rz", "lclavicle": "ry", "rtibia": "rx"}
TAKES = {"TRAIN": ["07_01", "35_02", "07_06"], "TEST": ["07_07"]}


def motion(take, count):
    """A walk of its own: two angles swing, the clavicle stays, but for the noise of the real files."""
    angles = torch.randn(count, 3, generator=torch.Generator().manual_seed(int(take[3:]))) * 10 + 20
    return [
        {"lfemur": row[:2], "lclavicle": (7.125 + 1e-13 * k,), "rtibia": row[2:]}
        for k, row in enumerate(angles.tolist())
    ]


@pytest.fixture
def given(monkeypatch, tmp_path):
    """A LATENTBOOK_DATA with small recordings under the real names, and a way to write another file there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LATENTBOOK_DATA", str(tmp_path / "given"))
    tables = {name: {take: "" for take in takes} for name, takes in TAKES.items()}
    tables["SKELETONS"] = {"07": "", "35": ""}

    def write(name, text):
        place = tmp_path / "given" / "CMU_mocap" / name[:2] / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        for table in tables.values():
            if (key := name.split(".")[0]) in table:
                table[key] = md5(text.encode())

    for subject in ("07", "35"):
        write(f"{subject}.asf", asf(BONES))
    for k, take in enumerate([*TAKES["TRAIN"], *TAKES["TEST"]]):
        write(f"{take}.amc", amc(motion(take, 20 + k)))
    for name, table in tables.items():
        monkeypatch.setattr(source, name, table)
    return write


def degrees(take, count):
    return torch.tensor([[*frame["lfemur"], *frame["rtibia"]] for frame in motion(take, count)])


@pytest.mark.usefixtures("offline", "given")
def test_frames_follow_each_other_and_still_angles_are_left_out(tmp_path):
    train, test = load("mocap", normalised=False), load("mocap", "test", normalised=False)
    expected = torch.cat([degrees(take, 20 + k) for k, take in enumerate(TAKES["TRAIN"])])
    torch.testing.assert_close(train.x, expected * math.pi / 180)
    torch.testing.assert_close(test.x, degrees("07_07", 23) * math.pi / 180)
    assert mocap_angles() == ["lfemur rx", "lfemur rz", "rtibia rx"]
    assert train.y.tolist() == [0] * 20 + [1] * 21 + [0] * 22
    assert (train.classes, train.name, train.event_shape) == (("07", "35"), "mocap", (3,))
    assert train.note.endswith("Angles are in radians.")
    assert not (tmp_path / "cache").exists()


@pytest.mark.usefixtures("offline", "given")
def test_normalised_by_the_training_part_alone():
    train, test, plain = load("mocap"), load("mocap", "test"), load("mocap", normalised=False)
    torch.testing.assert_close(train.x.mean(0), torch.zeros(3))
    torch.testing.assert_close(train.x.std(0), torch.ones(3))
    back = test.x * plain.x.std(0) + plain.x.mean(0)
    torch.testing.assert_close(back, load("mocap", "test", normalised=False).x)
    assert load("mocap", "all").x.equal(torch.cat([train.x, test.x]))
    assert "standard deviations over the training part" in train.note


@pytest.mark.usefixtures("offline", "given")
def test_factors_say_where_a_frame_is_from():
    train = load("mocap")
    assert train.factor_names == ("recording", "seconds")
    assert train.factors[:, 0].tolist() == [1] * 20 + [2] * 21 + [6] * 22
    torch.testing.assert_close(train.factors[20:41, 1], torch.arange(21) / 120)
    val = load("mocap", "val", held_out=22)
    assert (val.factors[:, 0] == 6).all()
    assert val.x.equal(train.x[41:])


@pytest.mark.usefixtures("offline", "given")
def test_in_the_default_dtype():
    double = load("mocap", normalised=False)
    torch.set_default_dtype(torch.float32)
    single = load("mocap", normalised=False)
    assert (single.x.dtype, single.factors.dtype) == (torch.float32, torch.float32)
    assert single.x.equal(double.x.float())


@pytest.mark.usefixtures("offline")
def test_a_motion_that_does_not_fit_its_skeleton_names_both(given):
    given("35.asf", asf(BONES))
    given("35_02.amc", amc([{"lfemur": (1, 2), "lclavicle": (3,), "rtibia": (4, 5)}]))
    words = "CMU_mocap/35/35_02.amc, frame 1, gives 'rtibia' 2 values, but in CMU_mocap/35/35.asf it has 1 (rx)"
    with pytest.raises(ValueError, match=re.escape(words)):
        load("mocap")


@pytest.mark.usefixtures("offline")
def test_skeletons_that_differ_are_not_mixed(given):
    given("35.asf", asf(BONES | {"rtibia": "rx ry"}))
    with pytest.raises(ValueError, match=r"07\.asf and .*35\.asf differ in how 'rtibia' turns"):
        load("mocap")


@pytest.mark.usefixtures("offline", "given")
def test_a_truncated_file_is_refused_by_its_checksum(tmp_path):
    """Even between two frames, where the format shows nothing."""
    place = tmp_path / "given" / "CMU_mocap" / "07" / "07_06.amc"
    place.write_text(amc(motion("07_06", 21)))
    with pytest.raises(ChecksumError, match=r"07_06\.amc is truncated or altered"):
        load("mocap")
    wrong = [words for right, words in verify("mocap") if not right]
    assert len(wrong) == 1
    assert str(place) in wrong[0]


@pytest.mark.usefixtures("offline")
def test_without_the_files_one_error_names_the_original(monkeypatch, tmp_path):
    monkeypatch.setenv("LATENTBOOK_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    words = (
        r"07\.asf is not in .* http://mocap\.cs\.cmu\.edu/subjects/07/07\.asf .* folder that has CMU_mocap/07/07\.asf"
    )
    with pytest.raises(FileNotFoundError, match=words):
        load("mocap")
    assert files_below(tmp_path) == []


@pytest.mark.usefixtures("unchecked", "given")
def test_wrong_options():
    with pytest.raises(TypeError, match="`normalised` is 1, not a bool"):
        load("mocap", normalised=1)
    with pytest.raises(TypeError, match="`unit` is no option of the data set 'mocap': it knows `normalised`"):
        load("mocap", unit="deg")


def test_no_recording_is_in_two_parts():
    takes = [*source.TRAIN, *source.TEST]
    assert len(set(takes)) == len(takes) == 29
    assert len(mocap_files()) == len({file.path for file in mocap_files()}) == 31
    for subject in ("07", "35"):
        mine = sorted(take for take in takes if take.startswith(subject))
        assert mine[4::5] == sorted(take for take in source.TEST if take.startswith(subject))
    validation = [take for s in ("07", "35") for take in sorted(t for t in takes if t.startswith(s))[3::5]]
    assert [*source.TRAIN][-6:] == validation
    assert all(take in source.NOTE for take in validation)


@real
@pytest.mark.usefixtures("offline")
def test_the_real_recordings():
    train, val, test = load("mocap", held_out=2297), load("mocap", "val", held_out=2297), load("mocap", "test")
    assert [len(part) for part in (train, val, test)] == [6543, 2297, 2057]
    assert train.event_shape == (50,)
    # Counted in the files with grep: frames of 07_06, 07_11, 35_07, 35_12, 35_28 and 35_33.
    numbers, counts = val.factors[:, 0].unique_consecutive(return_counts=True)
    assert list(zip(numbers.tolist(), counts.tolist(), strict=True)) == [
        (6, 417),
        (11, 315),
        (7, 360),
        (12, 378),
        (28, 417),
        (33, 410),
    ]
    assert (train.y == 0).sum() + (val.y == 0).sum() + (test.y == 0).sum() == 3131
    # Whole recordings: the first frame of each is at second 0.
    for part in (train, val, test):
        assert (part.factors[:, 1] == 0).sum() == len(part.factors[:, 0].unique_consecutive())


@real
@pytest.mark.usefixtures("offline")
def test_real_angles_are_those_of_the_file():
    angles, names = load("mocap", normalised=False), mocap_angles()
    assert not [name for name in names if name.split()[0][1:] in ("clavicle", "fingers")]
    assert len(names) == 50
    # From the first frame of 07_01.amc, in degrees.
    for name, value in {
        "lowerback rx": -6.36782,
        "rtibia rx": 30.0014,
        "lhumerus rz": 82.8203,
        "rthumb rz": -48.7688,
    }.items():
        torch.testing.assert_close(angles.x[0, names.index(name)], torch.tensor(value * math.pi / 180))
    # A knee bends one way, and a walker bends each by 60 to 80 degrees.
    knees = angles.x[:, [names.index("ltibia rx"), names.index("rtibia rx")]]
    assert knees.min() > -1e-9
    assert ((knees.amax(0) > math.pi / 3) & (knees.amax(0) < math.pi * 80 / 180)).all()
    # Walking legs swing against each other.
    legs = angles.x[:, [names.index("lfemur rx"), names.index("rfemur rx")]]
    assert torch.corrcoef(legs.T)[0, 1] < -0.5
