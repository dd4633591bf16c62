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
