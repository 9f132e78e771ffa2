"""What AIR in PyTorch is made of, for its benchmark and its training."""
import torch
import torch.nn.functional as F
from torch import nn


def perceptron(inputs, hidden, outputs):
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(),
                         nn.Linear(hidden, outputs))


class SplitLSTM(nn.Module):
    """An LSTM over [image, fed, state]; the image is the same at each step, so
    that its product is formed once."""

    def __init__(self, pixels, fed, hidden):
        super().__init__()
        self.image = nn.Linear(pixels, 4 * hidden)
        self.rest = nn.Linear(fed + hidden, 4 * hidden, bias=False)

    def look(self, images):
        return self.image(images)

    def forward(self, seen, fed, hidden, memory):
        gates = seen + self.rest(torch.cat([fed, hidden], 1))
        enter, forget, new, leave = gates.chunk(4, 1)
        memory = forget.sigmoid() * memory + enter.sigmoid() * new.tanh()
        return leave.sigmoid() * memory.tanh(), memory


def weights(outputs, inputs, scale, shift):
    """[batch, outputs, inputs]: bilinear weights of sampling at scale * u +
    shift for u between -1 and 1; zero outside."""
    u = (2 * torch.arange(outputs) + 1) / outputs - 1
    place = ((scale * u + shift + 1) * inputs - 1) / 2
    return F.relu(1 - (place[:, :, None] - torch.arange(inputs)).abs())


def sample(images, side, scale, x, y):
    """Reads [batch, n, n] images on a grid of side x side. An axis-aligned
    window is separable: two small products."""
    n = images.shape[1]
    return (weights(side, n, scale, y) @ images
            @ weights(side, n, scale, x).transpose(1, 2))


def divergence(mean, deviation):
    """KL of a normal from the standard normal, summed over its numbers."""
    return (0.5 * (mean ** 2 + deviation ** 2 - 1)
            - deviation.log()).sum(1, keepdim=True)
