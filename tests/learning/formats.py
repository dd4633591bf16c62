"""Small files in the originals' formats, and where they are put."""

import gzip
import hashlib
import struct


def idx(values):
    """Pack bytes as the originals are packed: 0x08 for bytes, the number of dimensions, the sizes, the values."""
    header = struct.pack(f">{1 + values.ndim}i", 0x800 + values.ndim, *values.shape)
    return gzip.compress(header + values.numpy().tobytes(), mtime=0)


def md5(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def files_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def fill(folder, contents):
    folder.mkdir(parents=True)
    for file, content in contents.items():
        (folder / file).write_bytes(content)


def asf(bones, unit="deg"):
    """Write a skeleton as VICON does; a bone without axes is rigid."""
    parts = ["# a skeleton", ":version 1.10", ":units", "  mass 1.0", "  length 0.45", f"  angle {unit}"]
    parts += [":root", "   order TX TY TZ RX RY RZ", "   axis XYZ", "   position 0 0 0  ", ":bonedata"]
    for number, (bone, axes) in enumerate(bones.items(), 1):
        parts += [
            "  begin",
            f"     id {number} ",
            f"     name {bone}",
            "     direction 0 -1 0 ",
            "     axis 0 0 20  XYZ",
        ]
        parts += [f"    dof {axes}", "    limits (-160.0 20.0)", "           (-70.0 70.0)"] if axes else []
        parts += ["  end"]
    return "\n".join([*parts, ":hierarchy", "  begin", f"    root {' '.join(bones)}", "  end", ""])


def amc(frames, first=1, header=("#!OML:ASF H:\\somewhere.ASF", ":FULLY-SPECIFIED", ":DEGREES")):
    """Write a motion: for each frame the values of each bone, after those of the root."""
    parts = [*header]
    for number, frame in enumerate(frames, first):
        parts += [str(number), "root 8.8 15.7 -31.7 5.5 4.9 3.7"]
        parts += [f"{bone} {' '.join(map(str, values))}" for bone, values in frame.items()]
    return "\n".join([*parts, ""])
