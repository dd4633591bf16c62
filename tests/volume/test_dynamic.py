"""Laws of pruning while training: the budget holds, what is frozen stays, nothing waits for the host."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from latentbook.volume import DynamicPruning, latent_std, volume_penalty


def codes(*widths, count=400, mean=0.0):
    z = torch.randn(count, len(widths))
    return mean + (z - z.mean(0)) / z.std(0) * torch.tensor(widths)


def error_of(x, y):
    return (x - y).square().mean()


def test_nothing_is_frozen_at_first(device):
    frozen = DynamicPruning(3, budget=1.0).to(device)
    z = torch.randn(2, 5, 3, device=device)
    assert frozen(z).equal(z)
    torch.testing.assert_close(frozen.penalty(z), volume_penalty(z, 0.0))


def test_the_narrowest_goes_first_and_to_its_mean(device):
    frozen, z = DynamicPruning(3, budget=0.5).to(device), codes(2.0, 0.3, 0.4, mean=7.0).to(device)
    frozen.update(z, torch.zeros((), device=device), 3)
    assert frozen.active.tolist() == [True, False, True]
    torch.testing.assert_close(frozen(z)[:, 1], torch.full_like(z[:, 1], 7.0))
    assert frozen(z)[:, [0, 2]].equal(z[:, [0, 2]])


@pytest.mark.parametrize(("error", "freezes"), [(0.0099, True), (0.0101, False)])
def test_the_budget_decides(error, freezes):
    """With D = 4 a mean squared error of 0.01 is a distance of 0.2, and 0.2 + 2 x 0.4 is the budget."""
    frozen = DynamicPruning(2, budget=1.0, lipschitz=2.0)
    frozen.update(codes(3.0, 0.4), torch.tensor(error), 4)
    assert (~frozen.active).any() == freezes


@given(m=st.integers(1, 12), budget=st.floats(0.1, 3.0), momentum=st.floats(0.0, 0.99), seed=st.integers(0, 999))
def test_a_fixed_autoencoder_stays_within_its_budget(m, budget, momentum, seed):
    """Whatever the momentum: the price is booked at once, not when the average has seen it."""
    torch.manual_seed(seed)
    z = torch.randn(50, m) * torch.rand(m)
    decoder = torch.linalg.qr(torch.randn(m, m)).Q
    x, frozen = z @ decoder, DynamicPruning(m, budget, momentum)
    for _ in range(2 * m):
        error = error_of(frozen(z) @ decoder, x)
        assert (error * m).sqrt() < budget
        frozen.update(z, error, m)


def test_what_can_be_paid_is_spent():
    """The bound adds widths up, so that 0.1 four times is 0.4, whatever errors do."""
    z, frozen = codes(5.0, 0.1, 0.1, 0.1, 0.1, 0.1), DynamicPruning(6, budget=0.45, momentum=0.999)
    for _ in range(10):
        frozen.update(z, error_of(frozen(z), z), 6)
    assert frozen.active.tolist().count(False) == 4
    assert frozen.active[0]


def test_frozen_dimensions_stay_and_keep_their_value():
    frozen = DynamicPruning(2, budget=1.0, momentum=0.5)
    frozen.update(codes(3.0, 0.1, mean=1.0), torch.tensor(0.0), 2)
    value = frozen.mean[1].clone()
    # The dimension wakes up, the error grows beyond the budget, the codes move away.
    frozen.update(codes(3.0, 9.0, mean=4.0), torch.tensor(50.0), 2)
    assert frozen.active.tolist() == [True, False]
    assert frozen.mean[1] == value
    torch.testing.assert_close(frozen.mean[0], torch.tensor(2.5))


def test_the_last_dimension_may_go_and_then_nothing_happens():
    frozen, z = DynamicPruning(1, budget=10.0), codes(1.0)
    for _ in range(3):
        frozen.update(z, torch.tensor(0.0), 1)
    assert not frozen.active.any()
    assert frozen.penalty(z) == 1


def test_averages_forget_exponentially():
    frozen = DynamicPruning(1, budget=1e-9, momentum=0.8)
    for mean, error in ((1.0, 4.0), (2.0, 1.0), (4.0, 2.0)):
        frozen.update(codes(mean, mean=mean), torch.tensor(error), 3)
    average = (1.0 * 0.8 + 2.0 * 0.2) * 0.8 + 4.0 * 0.2
    torch.testing.assert_close(frozen.mean, torch.tensor([average]))
    torch.testing.assert_close(frozen.std, torch.tensor([average]))
    torch.testing.assert_close(frozen.squared_error, torch.tensor(3 * ((4.0 * 0.8 + 1.0 * 0.2) * 0.8 + 2.0 * 0.2)))


def test_the_penalty_sees_active_dimensions_only():
    """A frozen dimension that has died would silence a product without lift."""
    frozen, z = DynamicPruning(3, budget=1.0), codes(2.0, 3.0, 0.0).requires_grad_()
    frozen.update(z, torch.tensor(0.0), 3)
    penalty = frozen.penalty(z)
    torch.testing.assert_close(penalty, torch.tensor(math.sqrt(6)))
    torch.testing.assert_close(frozen.penalty(z, 1.0), torch.tensor(math.sqrt(12)))
    penalty.backward()
    assert (z.grad[:, 2] == 0).all()
    assert (z.grad[:, :2] != 0).all()


def test_gradients_pass_active_dimensions_only():
    frozen, z = DynamicPruning(2, budget=1.0), codes(2.0, 0.1).requires_grad_()
    frozen.update(z, torch.tensor(0.0), 2)
    frozen(z).sum().backward()
    assert z.grad[0].tolist() == [1.0, 0.0]


def test_a_batch_may_count_before_its_backward_pass():
    """The mask that the pass has seen stays what it was, though the batch freezes a dimension."""
    frozen, z = DynamicPruning(2, budget=1.0), codes(2.0, 0.1).requires_grad_()
    loss = frozen(z).sum() + frozen.penalty(z)
    frozen.update(z, torch.tensor(0.0), 2)
    loss.backward()
    assert not frozen.active.all()
    assert (z.grad != 0).all()


def test_a_checkpoint_goes_on_where_it_stood():
    frozen, again = DynamicPruning(3, budget=0.8), DynamicPruning(3, budget=0.8)
    for seed in range(3):
        torch.manual_seed(seed)
        frozen.update(codes(2.0, 1.0, 0.3), torch.tensor(0.01 * seed), 3)
    again.load_state_dict(frozen.state_dict())
    z = codes(2.0, 0.2, 0.3)
    for one in (frozen, again):
        one.update(z, torch.tensor(0.02), 3)
    assert not frozen.active.all()
    assert all(value.equal(again.state_dict()[name]) for name, value in frozen.state_dict().items())


def test_a_step_never_waits_for_the_host():
    """A tensor on the device `meta` has no value: whoever asks for one fails."""
    frozen, z = DynamicPruning(3, budget=1.0).to("meta"), torch.randn(5, 3, device="meta")
    frozen.update(z, torch.zeros((), device="meta"), 3)
    assert frozen.penalty(frozen(z)).device.type == "meta"


def test_single_precision_stays_single():
    frozen, z = DynamicPruning(2, budget=1.0).float(), codes(2.0, 0.1).float()
    frozen.update(z, torch.tensor(0.0), 2)
    assert frozen(z).dtype == frozen.std.dtype == torch.float32
    torch.testing.assert_close(frozen.std, latent_std(z))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"latent_dim": 0}, r"`latent_dim` is 0.*1 or more"),
        ({"budget": 0.0}, r"`budget` is 0.0.*above 0"),
        ({"momentum": 1.0}, r"`momentum` is 1.0.*\[0, 1\)"),
        ({"lipschitz": -1.0}, r"`lipschitz` is -1.0.*above 0"),
    ],
)
def test_impossible_settings_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        DynamicPruning(**{"latent_dim": 2, "budget": 1.0, **arguments})


def test_impossible_updates_are_named():
    frozen = DynamicPruning(2, budget=1.0)
    with pytest.raises(ValueError, match="larger batch"):
        frozen.update(torch.zeros(1, 2), torch.tensor(0.0), 4)
    with pytest.raises(ValueError, match=r"`event_size` is 0.*1 or more"):
        frozen.update(torch.zeros(3, 2), torch.tensor(0.0), 0)
    with pytest.raises(ValueError, match=r"`eta` is -1.0.*0 or more"):
        frozen.penalty(torch.randn(3, 2), -1.0)
