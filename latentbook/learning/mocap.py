r"""Motion capture of two people walking: the angles of their joints, frame by frame.

29 recordings of subjects 07 and 35 of the Carnegie Mellon database, at 120 frames a second, all of them walks at 1.0
to 1.7 m/s. An example is one frame, :math:`x = (a - \bar a) / s`, with the mean :math:`\bar a` and the standard
deviation :math:`s` of each angle over the training part. Position and orientation of the whole body are left out, and
so are angles that never change, of the clavicles and fingers: of 62 values a frame, 50 remain.

Chapter 2.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float64
from torch import Tensor

from latentbook.learning.acclaim import Skeleton, parse_motion, parse_skeleton
from latentbook.learning.dataset import Dataset
from latentbook.learning.files import Published, published

__all__ = ["SUBJECTS", "mocap", "mocap_angles", "mocap_files"]

SUBJECTS = ("07", "35")
FRAMES_PER_SECOND = 120
# Radians. Angles that do not move are noise of 1e-15 in the files; the stillest that moves has a range of 0.1.
STILL = 1e-6
SERVER = "http://mocap.cs.cmu.edu/subjects"

# The database publishes no checksums: these are of the files that this book was written with. It has more recordings
# of both subjects, runs among them.
SKELETONS = {"07": "47697cab2c29022a94e1b395934075ca", "35": "15ea085711bbe82d258f46b4fb7249cd"}
TRAIN = {
    "07_01": "dbc1415edb087e17690ece2385abf6de",
    "07_02": "f4edffd13b801ddf245f9a55fc66a8dd",
    "07_03": "0fad76d7f5df9d3ac69a033fd1f14206",
    "07_08": "a97dd9e6e7ca4ec4fe71a532cfc941b7",
    "07_09": "5eb228f60048715f921b378a33cfb5ee",
    "07_10": "09eaa12fd2390ed99d34d966bdc5631a",
    "35_01": "4ee3391440883128c4e735da1da2d768",
    "35_02": "00be5e97b55d69fc9c2e4a601b6dc43f",
    "35_05": "a33f3aa64d60fe8bec562579cb1643f6",
    "35_09": "49caa6d3a0d6875972a7d5cb50f17fae",
    "35_10": "203cf8c3909fb7eea4880e9bcfdf1da8",
    "35_11": "3f1ff511deef3b6208af57f804e63574",
    "35_14": "1ea720a07761fa6a3836ef7597ca4c55",
    "35_15": "884ba8e976de3cb323764c54559b610f",
    "35_16": "60bee51f6ce5f81d3263c5265c47705e",
    "35_30": "9b1ccb02130004790d8d59432e90ee0f",
    "35_31": "88488c08d17ac2e69a9a5e4043427d17",
    "35_32": "f65a8177d4f2d5dc655414a06fd6a2bd",
    # Of each subject's recordings in order, every fifth is for the test, and the one before it for validation: these.
    "07_06": "a03b3a0a6393b700c7aff307c52f9d70",
    "07_11": "1ab27ed8a6430fd68e93866fe8c74b85",
    "35_07": "ed59cf4fe4867eb7f61a870486bc5104",
    "35_12": "a4e1ba3291b6e232717084fc0c3ab4ce",
    "35_28": "73a1e319001c7b3dcf6feabe7c7a0f98",
    "35_33": "20f3b44f5f85514eb0aa001e135c5787",
}
TEST = {
    "07_07": "f2f945670884ad2f0643fcb46a6ab2ec",
    "35_08": "622180334c783cec994200b96bdbbbb5",
    "35_13": "34770350f9b790e5d64498e066eef495",
    "35_29": "0722616f98cce4dcff51c0659112e4a4",
    "35_34": "2609aa3b0e777cf2e421227a448b3f1a",
}
NOTE = (
    "Frames of 29 walks, 120 a second, split by recording: numbers are not comparable with those of a split by frame. "
    "With held_out=2297, 'val' is the whole recordings 07_06, 07_11, 35_07, 35_12, 35_28 and 35_33."
)


class _Motions(NamedTuple):
    """Recordings, one row of angles for each frame, in radians, and where each row comes from."""

    angles: Float64[Tensor, "N A"]
    subject: Tensor
    place: Tensor


def mocap(part: str, *, normalised: bool = True) -> Dataset:
    """Return the joint angles of people who walk, one example for each frame.

    Frames follow each other in time, recording after recording; neighbours resemble each other, so that the parts are
    of whole recordings. At a few frames the left thumb jumps by up to 180 degrees, in the files themselves.

    Args:
        part: ``"train"`` (24 recordings, 8,840 frames) or ``"test"`` (5 recordings, 2,057 frames). With
            ``held_out=2297``, ``"val"`` is the last six of the former; another number may cut a recording.
        normalised: Whether each angle has mean 0 and standard deviation 1 over the training part, what is held
            out of it included; else angles are in radians, with the mean and deviation that lead back to them.

    Returns:
        Angles ``[N, 50]`` in torch's default dtype, on the CPU, in the order of `mocap_angles`; the subject is the
        label, and the number of the recording and the time in seconds since its beginning are the factors.

    Raises:
        TypeError: If `normalised` is not a bool.
        FileNotFoundError: If a file is nowhere to be had.
        ChecksumError: If a file is not the one that is known.
        ValueError: If a motion does not fit its skeleton: names both, and the bone.

    Reference:
        Carnegie Mellon University Graphics Lab, *Motion capture database*, mocap.cs.cmu.edu, funded by NSF EIA-0196217.

    Chapter 2.
    """
    if not isinstance(normalised, bool):
        raise TypeError(f"`normalised` is {normalised!r}, not a bool: pass True for deviations, False for radians")
    skeletons = _skeletons()
    train = _motions(TRAIN, skeletons)
    here = train if part == "train" else _motions(TEST, skeletons)
    moves = _moves(train)
    deviation, mean = torch.std_mean(train.angles[:, moves], 0)
    x = here.angles[:, moves]
    x, unit = ((x - mean) / deviation, "standard deviations over the training part") if normalised else (x, "radians")
    dtype = torch.get_default_dtype()
    return Dataset(
        x.to(dtype),
        here.subject,
        classes=SUBJECTS,
        name="mocap",
        note=f"{NOTE} Angles are in {unit}.",
        factors=here.place.to(dtype),
        factor_names=("recording", "seconds"),
    )


def mocap_angles() -> list[str]:
    """Return what the 50 values of an example are: a bone, and the axis that it turns about, as in ``"rtibia rx"``.

    Returns:
        One name for each value.

    Raises:
        FileNotFoundError: If a file is nowhere to be had.
        ChecksumError: If a file is not the one that is known.

    Chapter 2.
    """
    skeletons = _skeletons()
    moves = _moves(_motions(TRAIN, skeletons))
    return [name for name, kept in zip(skeletons[SUBJECTS[0]].angles, moves.tolist(), strict=True) if kept]


def mocap_files() -> list[Published]:
    """Return the skeletons and the recordings.

    Returns:
        31 files.

    Example:
        >>> mocap_files()[0].path
        'CMU_mocap/07/07.asf'

    Chapter 2.
    """
    skeletons = [_file(f"{subject}.asf", md5) for subject, md5 in SKELETONS.items()]
    return skeletons + [_file(f"{take}.amc", md5) for take, md5 in (TRAIN | TEST).items()]


def _file(name: str, md5: str) -> Published:
    subject = name[:2]
    return Published(f"CMU_mocap/{subject}/{name}", md5, [f"{SERVER}/{subject}/"])


def _skeletons() -> dict[str, Skeleton]:
    found = {}
    for subject, md5 in SKELETONS.items():
        file = _file(f"{subject}.asf", md5)
        found[subject] = parse_skeleton(file.path, published(file).decode())
    first, *others = found.values()
    for other in others:
        if other.axes != first.axes:
            bone = next(bone for bone in {**first.axes, **other.axes} if first.axes.get(bone) != other.axes.get(bone))
            raise ValueError(f"{first.file} and {other.file} differ in how {bone!r} turns: their angles do not compare")
    return found


def _motions(takes: dict[str, str], skeletons: dict[str, Skeleton]) -> _Motions:
    angles, subject, place = [], [], []
    for take, md5 in takes.items():
        file = _file(f"{take}.amc", md5)
        rows = parse_motion(file.path, published(file).decode(), skeletons[take[:2]])
        seconds = torch.arange(len(rows), dtype=torch.float64) / FRAMES_PER_SECOND
        angles.append(rows)
        subject.append(torch.full((len(rows),), SUBJECTS.index(take[:2])))
        place.append(torch.stack([torch.full_like(seconds, int(take[3:])), seconds], 1))
    return _Motions(torch.cat(angles), torch.cat(subject), torch.cat(place))


def _moves(train: _Motions) -> Tensor:
    """Return which angles change, over the training part."""
    return train.angles.amax(0) - train.angles.amin(0) > STILL
