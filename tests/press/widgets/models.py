"""Small untrained models for the tests of the explorer."""

import torch
from torch import nn

from latentbook.learning.models.autoencoder import Autoencoder
from latentbook.learning.models.vae import VAE
from latentbook.learning.nets import mlp_decoder, mlp_encoder

EVENT = (1, 4, 4)


def vae(seed=0, event=EVENT, m=2):
    torch.manual_seed(seed)
    encoder, decoder = mlp_encoder(event, [8], 2 * m, nn.Tanh), mlp_decoder(m, [8], event, nn.Tanh)
    return VAE(encoder, decoder.append(nn.Sigmoid()))


def autoencoder(seed=0, event=EVENT):
    torch.manual_seed(seed)
    return Autoencoder(mlp_encoder(event, [8], 2, nn.SiLU), mlp_decoder(2, [8], event, nn.Softplus))


def decoder(seed=0, size=16):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, size))
