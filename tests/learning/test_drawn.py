"""Laws of drawn images: what a factor says is what is measured in the picture."""

import colorsys
import math

import pytest
import torch

from latentbook.learning.drawn import FACTORS, SHAPES, clock, draw_clock, draw_sprites, seed_of, sprites

# Areas of the shapes of radius 1: half base times height, four half-sides, pi times the half-axes.
AREAS = {"triangle": 0.75, "rectangle": 8 / 5, "ellipse": math.pi / 2}
SIZE = 64


def coordinates(size):
    line = (torch.arange(size) + 0.5) / size - 0.5
    return torch.meshgrid(line, -line, indexing="xy")


def moments(images):
    """Return area, centre of mass and covariance of grey images [N, 1, S, S], in units of the side."""
    x, y = coordinates(images.shape[-1])
    mass = images[:, 0] / images.shape[-1] ** 2
    area = mass.sum((1, 2))
    points = torch.stack([x, y])
    centre = torch.einsum("nij,dij->nd", mass, points) / area[:, None]
    second = torch.einsum("nij,dij,eij->nde", mass, points, points) / area[:, None, None]
    return area, centre, second - centre[:, :, None] * centre[:, None, :]


def brightest(images):
    """Return the colour of the shape itself: the largest value of each channel."""
    return images.flatten(2).amax(2)


@pytest.fixture(scope="module", params=SHAPES)
def shape(request):
    return request.param


@pytest.fixture(scope="module")
def grey(shape):
    """White shapes of all positions, sizes and angles, and what was asked for."""
    dataset = sprites("train", count=300, size=SIZE, shapes=(shape,), colour=False, free=("x", "y", "scale", "angle"))
    return dataset.x.double() / 255, dict(zip(dataset.factor_names, dataset.factors.double().T, strict=True))


def test_the_centre_of_mass_is_the_position(grey):
    images, factors = grey
    centre = moments(images)[1]
    # A tenth of a pixel: a soft edge and 8 bits.
    assert (centre - torch.stack([factors["x"], factors["y"]], 1)).abs().max() < 0.1 / SIZE


def test_the_area_grows_like_the_square_of_the_scale(grey, shape):
    images, factors = grey
    expected = AREAS[shape] * (factors["scale"] / 2) ** 2
    # The soft edge rounds corners: at worst 4 % of the smallest triangle.
    assert (moments(images)[0] / expected - 1).abs().max() < 0.04


def test_the_long_axis_is_the_angle(grey):
    images, factors = grey
    covariance = moments(images)[2]
    angle = torch.atan2(2 * covariance[:, 0, 1], covariance[:, 0, 0] - covariance[:, 1, 1]) / 2
    turn = (angle - factors["angle"] + math.pi / 2) % math.pi - math.pi / 2
    # In radians; the smallest shapes are 13 pixels long.
    assert turn.abs().max() < 0.03


def test_a_triangle_points_where_the_angle_says():
    """Its apex is twice as far from the centre as its base: the third moment along the axis is positive."""
    dataset = sprites("train", count=100, size=SIZE, colour=False, free=("angle",))
    x, y = coordinates(SIZE)
    angle = dataset.factors[:, 0, None, None]
    assert ((dataset[:][:, 0] * (x * angle.cos() + y * angle.sin()) ** 3).sum((1, 2)) > 0).all()


def test_hue_and_brightness_are_those_of_hsv():
    dataset = sprites("train", count=200, shapes=tuple(SHAPES), free=("hue", "brightness"))
    for colour, (hue, brightness) in zip(brightest(dataset[:]).tolist(), dataset.factors.tolist(), strict=True):
        # 8 bits at a brightness of 0.3 or more: a level of hue is 1 / (6 x 0.3 x 255), and is rounded twice.
        found = colorsys.rgb_to_hsv(*colour)
        assert found == (pytest.approx(hue, abs=0.0025), 1, pytest.approx(brightness, abs=0.5 / 255))


def test_hue_and_brightness_leave_the_outline_alone():
    still = sprites("train", count=1, free=())[:].amax(1)
    coloured = sprites("train", count=50, free=("hue", "brightness"))
    assert (coloured[:].amax(1) - still * coloured.factors[:, 1, None, None]).abs().max() <= 1 / 255


def test_a_grey_image_is_the_brightness_of_the_coloured_one():
    colour, grey = (sprites("train", count=50, colour=colour) for colour in (True, False))
    assert grey.image_shape == (1, 32, 32)
    assert grey.factor_names == tuple(name for name in FACTORS if name != "hue")
    assert colour.x.amax(1).int().sub(grey.x[:, 0].int()).abs().max() <= 1


@pytest.mark.parametrize("name", FACTORS)
def test_a_factor_alone_moves_and_keeps_its_draws(name):
    alone, every = sprites("train", count=20, free=(name,)), sprites("train", count=20)
    assert alone.factor_names == (name,)
    assert alone.factors[:, 0].equal(every.factors[:, list(FACTORS).index(name)])
    # Of 178 levels of brightness, 20 draws may hit a few twice.
    assert len(alone.x.unique(dim=0)) > 14


def test_factors_are_uniform_and_in_the_order_asked_for():
    """The largest gap between 10,000 uniform numbers and their law is beyond 2.5 / sqrt(10,000) once in 130,000."""
    free = tuple(FACTORS)[::-1]
    dataset = sprites("train", count=10_000, size=8, free=free)
    assert dataset.factor_names == free
    for name, values in zip(free, dataset.factors.T, strict=True):
        low, high = FACTORS[name]
        expected = low + (high - low) * (torch.arange(10_000) + 0.5) / 10_000
        assert (values.sort().values - expected).abs().max() < 0.025 * (high - low)
    # Independent: a correlation of 10,000 has a standard error of 0.01; 15 pairs, 5 of it.
    assert (torch.corrcoef(dataset.factors.T) - torch.eye(6)).abs().max() < 0.05


def test_sprites_with_no_free_factor_are_all_equal():
    dataset = sprites("train", count=300, free=())
    assert dataset.factors.shape == (300, 0)
    assert (dataset.x == dataset.x[:1]).all()
    assert dataset.x.any()


def test_labels_are_the_shapes():
    dataset = sprites("train", count=600, shapes=("ellipse", "triangle"), free=())
    assert dataset.classes == ("ellipse", "triangle")
    for label, shape in enumerate(dataset.classes):
        only = sprites("train", count=1, shapes=(shape,), free=()).x
        assert (dataset.subset(dataset.y == label).x == only).all()
    # Half of 600, with a standard error of 12.
    assert abs(int(dataset.y.sum()) - 300) < 60


def test_shapes_stay_inside_the_image(shape):
    dataset = sprites("train", count=2000, shapes=(shape,))
    edge = torch.ones(32, 32, dtype=torch.bool)
    edge[1:-1, 1:-1] = False
    assert not dataset.x[..., edge].any()


def test_drawing_follows_the_device_and_any_number_of_images(device):
    factors = torch.tensor([[0.1, 0.0, 0.4, 0.3, 0.2, 0.9]], device=device).expand(300, 6)
    images = draw_sprites(factors, torch.zeros(300, dtype=torch.int64, device=device), 16)
    assert (images.shape, images.device.type) == ((300, 3, 16, 16), device.type)
    assert (images == images[:1]).all()
    assert draw_clock(factors[:, :2]).device.type == device.type


# ---- clocks ----------------------------------------------------------------------------------------------------------


def between(found, expected):
    return ((found - expected + math.pi) % (2 * math.pi) - math.pi).abs()


def direction(images, inner, outer):
    """Return the angle from twelve o'clock, with the clock, of what is drawn in a ring."""
    x, y = coordinates(images.shape[-1])
    ring = (torch.hypot(x, y) >= inner) & (torch.hypot(x, y) <= outer)
    mass = images[:, 0] * ring
    return torch.atan2((mass * x).sum((1, 2)), (mass * y).sum((1, 2)))


@pytest.mark.parametrize(("size", "error"), [(28, 0.03), (64, 0.01)])
def test_the_angle_of_one_hand_is_seen(size, error):
    dataset = clock("train", hands=1, size=size, count=1000)
    assert dataset.factor_names == ("angle",)
    assert between(direction(dataset[:], 0.1, 1), dataset.factors[:, 0]).max() < error


def test_the_angles_of_two_hands_are_seen():
    dataset = clock("train", size=64, count=1000)
    hour, minute = dataset.factors.T
    # Only the long hand reaches beyond 0.33.
    assert between(direction(dataset[:], 0.33, 1), minute).max() < 0.02
    # Within that ring the short hand is what remains beside the long one, drawn alone.
    alone = draw_clock(torch.stack([minute, minute], 1), 64) / 255
    beside = between(hour, minute) > 0.6
    rest = (dataset[:] - alone).clamp_min(0)
    assert between(direction(rest, 0.16, 0.3), hour)[beside].max() < 0.05


def test_known_hours():
    """Three o'clock is right and not left, twelve o'clock is up and not down."""
    up, right = draw_clock(torch.tensor([[0.0], [math.pi / 2]]), 32)[:, 0].double()
    assert up[:16].sum() > 5 * up[16:].sum()
    assert right[:, 16:].sum() > 5 * right[:, :16].sum()
    # A quarter turn of the hand is one of the picture.
    assert up.rot90(-1).sub(right).abs().max() <= 1


def test_a_full_turn_comes_back():
    angles = torch.rand(20, 2)
    turned = draw_clock(angles + 2 * math.pi).int()
    assert (turned - draw_clock(angles).int()).abs().max() <= 1


def test_the_two_hands_differ():
    first, second = draw_clock(torch.tensor([[0.3, 2.0], [2.0, 0.3]])).double()
    assert (first - second).abs().max() > 100


def test_angles_are_uniform_and_independent():
    dataset = clock("train", size=8, count=10_000)
    for values in dataset.factors.T:
        expected = 2 * math.pi * (torch.arange(10_000) + 0.5) / 10_000
        assert (values.sort().values - expected).abs().max() < 0.025 * 2 * math.pi
    # Circular correlation: mean cosines of sum and difference have a standard error of 0.007.
    for angle in (dataset.factors.sum(1), dataset.factors[:, 0] - dataset.factors[:, 1]):
        assert torch.stack([angle.cos().mean(), angle.sin().mean()]).abs().max() < 0.035


# ---- draws -----------------------------------------------------------------------------------------------------------


def test_no_two_parts_share_a_seed():
    assert len({seed_of(part, seed) for part in ("train", "test") for seed in range(50)}) == 100


@pytest.mark.parametrize("draw", [sprites, clock])
def test_by_default_there_are_so_many(draw):
    assert (len(draw("train", size=8)), len(draw("test", size=8))) == (6000, 1500)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("draw", "options", "error", "message"),
    [
        (sprites, {"size": 7}, ValueError, "`size` is 7: pass a whole number of at least 8"),
        (sprites, {"count": 0}, ValueError, "`count` is 0: pass a whole number of at least 1"),
        (sprites, {"count": 2.5}, TypeError, r"`count` is 2\.5, not an integer"),
        (sprites, {"seed": -1}, ValueError, "`seed` is -1: pass a whole number of at least 0"),
        (sprites, {"free": "x"}, TypeError, r"`free` is 'x': pass a tuple of names out of \('x', 'y', 'scale'"),
        (sprites, {"free": ("x", "size")}, ValueError, r"`free` is \('x', 'size'\): pass some of \('x', 'y', 'scale'"),
        (sprites, {"free": ("x", "x")}, ValueError, r"`free` is \('x', 'x'\): pass .* each at most once"),
        (sprites, {"free": ("hue",), "colour": False}, ValueError, r"`free` is \('hue',\).*'angle', 'brightness'\)"),
        (sprites, {"shapes": ()}, ValueError, r"`shapes` is \(\): pass some of \('triangle', 'rectangle', 'ellipse'"),
        (sprites, {"shapes": ("star",)}, ValueError, r"`shapes` is \('star',\): pass some of \('triangle'"),
        (clock, {"hands": 3}, ValueError, "`hands` is 3: pass 1 or 2"),
        (clock, {"hands": 0}, ValueError, "`hands` is 0: pass a whole number of at least 1"),
        (clock, {"size": 28.0}, TypeError, r"`size` is 28\.0, not an integer"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, options, error, message):
    with pytest.raises(error, match=message):
        draw("train", **options)
