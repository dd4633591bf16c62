"""The layers that the laws are stated for, and what they are as matrices."""

import itertools
import warnings

import torch
from hypothesis import strategies as st
from torch import nn

CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
# In one dimension everything is combined with everything, in two and three what differs from one.
SIZES = {1: (7,), 2: (5, 4), 3: (5, 3, 3)}
KERNELS = {1: 3, 2: (3, 2), 3: (3, 1, 2)}


def dense(layer, in_shape):
    """Return a layer's matrix, one row an input: what it makes of every unit vector, without the bias."""
    shape = (layer.in_channels, *in_shape) if in_shape else (layer.in_features,)
    units = torch.eye(torch.Size(shape).numel()).to(layer.weight).reshape(-1, *shape)
    with torch.no_grad(), warnings.catch_warnings():
        # torch says that it copies the input to pad it on one side.
        warnings.filterwarnings("ignore", message="Using padding='same' with even kernel lengths")
        return (layer(units) - layer(torch.zeros_like(units))).flatten(1)


def svd_norm(layer, in_shape=()):
    return torch.linalg.matrix_norm(dense(layer, in_shape), 2).item()


def convolutions():
    modes = ("zeros", "circular", "reflect", "replicate")
    paddings = (0, 1, "valid", "same")
    for count, stride, dilation, groups in itertools.product((1, 2, 3), (1, 2, 3), (1, 2), (1, 2)):
        if count > 1 and (dilation, groups) == (2, 2):
            continue
        for padding, mode in itertools.product(paddings, modes):
            impossible = padding == "same" and stride > 1
            known = padding in (0, "valid") and mode != "zeros"
            if impossible or known or (count == 3 and stride == 3):
                continue
            options = {"stride": stride, "dilation": dilation, "groups": groups, "padding": padding}
            yield count, {**options, "padding_mode": mode}


def transposed():
    for count, stride, dilation, groups in itertools.product((1, 2, 3), (1, 2, 3), (1, 2), (1, 2)):
        if count > 1 and (dilation, groups) == (2, 2):
            continue
        # torch allows as many added rows as the stride or the dilation, whichever is more, less one.
        for padding, added in itertools.product((0, 1), range(max(stride, dilation))):
            options = {"stride": stride, "dilation": dilation, "groups": groups, "padding": padding}
            yield count, {**options, "output_padding": added}


def cases():
    """Yield a maker, a spatial size and a name for every layer."""
    for (kinds, options_of), short in (((CONVOLUTIONS, convolutions), "conv"), ((TRANSPOSED, transposed), "convt")):
        for count, options in options_of():
            name = f"{short}{count}d-" + "-".join(f"{key[0]}{value}" for key, value in options.items())
            yield kinds[count], (2, 4, KERNELS[count]), options, SIZES[count], name


CASES = list(cases())


@st.composite
def drawn_layers(draw):
    """Draw a layer of any kind and a size of its input, neither of them round."""
    count = draw(st.integers(1, 3))

    def each(low, high):
        return draw(st.tuples(*[st.integers(low, high)] * count))

    groups, stride, dilation = draw(st.integers(1, 3)), each(1, 3), each(1, 2)
    channels = [groups * draw(st.integers(1, 2)) for _ in range(2)]
    options = {"stride": stride, "dilation": dilation, "groups": groups, "padding": each(0, 2)}
    if draw(st.booleans()):
        added = [draw(st.integers(0, max(pair) - 1)) for pair in zip(stride, dilation, strict=True)]
        return TRANSPOSED[count](*channels, each(1, 3), output_padding=tuple(added), **options), each(1, 5)
    options["padding_mode"] = draw(st.sampled_from(["zeros", "circular", "reflect", "replicate"]))
    if draw(st.booleans()):
        options.update(padding="same", stride=1)
    return CONVOLUTIONS[count](*channels, each(1, 3), **options), each(1, 5)
