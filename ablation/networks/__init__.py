"""The two players: architectures that name no activation, and how their weights start."""

from ablation.networks.alone import each_alone, pair
from ablation.networks.dcgan import dcgan
from ablation.networks.initialise import WEIGHTED, initialise
from ablation.networks.mlp import mlp
from ablation.networks.players import NORMS, Logit, Networks, SiteMaker, parameters
from ablation.networks.resnet import resnet

__all__ = [
    "NORMS",
    "WEIGHTED",
    "Logit",
    "Networks",
    "SiteMaker",
    "dcgan",
    "each_alone",
    "initialise",
    "mlp",
    "pair",
    "parameters",
    "resnet",
]
