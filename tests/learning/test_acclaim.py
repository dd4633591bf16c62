"""Skeletons and motions as VICON writes them, and what is said of those that do not fit."""

import math
import re

import pytest
import torch

from latentbook.learning.acclaim import Skeleton, parse_motion, parse_skeleton
from tests.learning.formats import amc, asf

LEG = {"lhipjoint": "", "lfemur": "rx ry rz", "ltibia": "rx", "lfoot": "rx rz"}
FRAMES = [
    {"lfemur": (90, 0, -45), "ltibia": (30,), "lfoot": (1e-3, 180)},
    {"lfemur": (1, 2, 3), "ltibia": (4,), "lfoot": (5, 6)},
]


def leg():
    return parse_skeleton("leg.asf", asf(LEG))


def test_a_skeleton_is_its_turning_bones_in_order():
    skeleton = leg()
    assert skeleton.root == ("tx", "ty", "tz", "rx", "ry", "rz")
    assert skeleton.axes == {"lfemur": ("rx", "ry", "rz"), "ltibia": ("rx",), "lfoot": ("rx", "rz")}
    assert skeleton.angles == ("lfemur rx", "lfemur ry", "lfemur rz", "ltibia rx", "lfoot rx", "lfoot rz")
    assert (skeleton.file, skeleton.unit) == ("leg.asf", "deg")


@pytest.mark.parametrize("first", [1, 135])
def test_a_motion_is_radians_without_the_root(first):
    angles = parse_motion("kick.amc", amc(FRAMES, first), leg())
    expected = torch.tensor([[90, 0, -45, 30, 1e-3, 180], [1, 2, 3, 4, 5, 6]]) * math.pi / 180
    torch.testing.assert_close(angles, expected)
    assert angles.dtype == torch.float64


def test_frames_may_list_their_bones_in_any_order():
    turned = [dict(reversed(frame.items())) for frame in FRAMES]
    assert parse_motion("a.amc", amc(turned), leg()).equal(parse_motion("b.amc", amc(FRAMES), leg()))


@pytest.mark.parametrize(
    ("unit", "header", "factor"),
    [
        ("deg", (), math.pi / 180),
        ("rad", (), 1.0),
        ("rad", (":DEGREES",), math.pi / 180),
        ("deg", (":FULLY-SPECIFIED", ":RADIANS"), 1.0),
    ],
)
def test_the_motion_and_else_the_skeleton_says_the_unit(unit, header, factor):
    skeleton = parse_skeleton("leg.asf", asf(LEG, unit))
    angles = parse_motion("a.amc", amc(FRAMES, header=header), skeleton)
    torch.testing.assert_close(angles[1], factor * torch.arange(1.0, 7.0))


def test_line_endings_and_comments_do_not_matter():
    text = amc(FRAMES).replace("\n", " \r\n").replace("ltibia", "\n# a remark\nltibia")
    assert parse_motion("a.amc", text, leg()).equal(parse_motion("b.amc", amc(FRAMES), leg()))
    assert parse_skeleton("leg.asf", asf(LEG).replace("\n", "\r\n")) == leg()


def changed(k, **bones):
    """All frames, with bones of the k-th replaced, or left out where they are None."""
    frames = [dict(frame) for frame in FRAMES]
    frames[k] = {bone: values for bone, values in (frames[k] | bones).items() if values is not None}
    return amc(frames)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (changed(1, ltibia=None), "kick.amc, frame 2, has no 'ltibia', which moves in leg.asf: it is cut short, or an"),
        (changed(0, tail=(1,)), "kick.amc, frame 1, moves 'tail', which is rigid or unknown in leg.asf"),
        (changed(0, lhipjoint=(1,)), "kick.amc, frame 1, moves 'lhipjoint', which is rigid or unknown in leg.asf"),
        (changed(1, lfoot=(5,)), "kick.amc, frame 2, gives 'lfoot' 1 values, but in leg.asf it has 2 (rx rz)"),
        (changed(0, ltibia=(5, 6)), "kick.amc, frame 1, gives 'ltibia' 2 values, but in leg.asf it has 1 (rx)"),
        (changed(0, lfoot=(5, "x")), "kick.amc, frame 1, gives 'lfoot' the values 5 x, which are not all finite"),
        (changed(0, ltibia=("nan",)), "kick.amc, frame 1, gives 'ltibia' the values nan, which are not all finite"),
        (amc(FRAMES).replace(" 3.7", "", 1), "kick.amc, frame 1, gives 'root' 5 values, but in leg.asf it has 6 (tx"),
        (
            amc(FRAMES).replace("root", "lroot"),
            "kick.amc, frame 1, moves 'lroot', which is rigid or unknown in leg.asf",
        ),
        (amc(FRAMES).replace("\n2\n", "\n3\n"), "kick.amc has frame 3 after frame 1: frames are missing"),
        (amc(FRAMES).replace("\n2\n", "\n"), "kick.amc has 'root' twice in frame 1"),
        (amc(FRAMES).replace("\n1\n", "\n"), "kick.amc has 'root' before its first frame"),
        (amc([]), "kick.amc has no frame: it is no .amc file, or is cut short"),
        ("", "kick.amc has no frame"),
    ],
)
def test_a_motion_that_does_not_fit_names_both_files_and_the_bone(text, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_motion("kick.amc", text, leg())


def test_a_motion_that_is_cut_within_a_frame_is_refused():
    """At every line; between frames there is nothing to see, and the checksum has to tell."""
    lines = amc(FRAMES).splitlines()
    for kept in range(len(lines)):
        part = "\n".join(lines[:kept])
        if kept == lines.index("2"):
            assert len(parse_motion("kick.amc", part, leg())) == 1
        else:
            with pytest.raises(ValueError, match=r"kick\.amc"):
                parse_motion("kick.amc", part, leg())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "leg.asf is no whole .asf file"),
        (asf(LEG).split(":hierarchy")[0], "leg.asf is no whole .asf file: it needs `:root` with an order"),
        (asf(LEG).replace("order", "older"), "leg.asf is no whole .asf file"),
        (asf({"hip": ""}), "leg.asf is no whole .asf file"),
        (asf(LEG, "grad"), "leg.asf gives angles in 'grad': only 'deg' and 'rad' are known"),
        (asf({"arm": "rx tx"}), "leg.asf lets 'arm' move by 'tx': only turns, by rx, ry and rz, are read"),
        (asf({"": "rx"}), "leg.asf has a bone without a name, which moves by rx"),
        (asf(LEG).replace("name ltibia", "nome ltibia"), "leg.asf has a bone without a name, which moves by rx"),
    ],
)
def test_what_is_no_skeleton(text, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_skeleton("leg.asf", text)


def test_a_skeleton_can_be_written_by_hand():
    skeleton = Skeleton("none", "rad", ("rx",), {"knee": ("rx",)})
    assert parse_motion("a.amc", "1\nroot 0\nknee 0.5\n2\nroot 0\nknee -0.5\n", skeleton).tolist() == [[0.5], [-0.5]]
