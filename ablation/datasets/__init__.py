"""What the generator learns to imitate: images as uint8 N C H W, or vectors as float32 N D."""

from ablation.datasets.colour import cifar10, svhn
from ablation.datasets.dataset import Dataset, as_bytes, scaled
from ablation.datasets.faces import celeba
from ablation.datasets.folders import image_folder
from ablation.datasets.handwriting import digits, mnist_5k, stacked_digits
from ablation.datasets.modes import Modes
from ablation.datasets.photos import photo_patches
from ablation.datasets.scans import emnist, fashion_mnist, kmnist, mnist
from ablation.datasets.toys import grid25, ring8, rings, spiral, swiss_roll
from ablation.files import cache_folder

__all__ = [
    "Dataset",
    "Modes",
    "as_bytes",
    "cache_folder",
    "celeba",
    "cifar10",
    "digits",
    "emnist",
    "fashion_mnist",
    "grid25",
    "image_folder",
    "kmnist",
    "mnist",
    "mnist_5k",
    "photo_patches",
    "ring8",
    "rings",
    "scaled",
    "spiral",
    "stacked_digits",
    "svhn",
    "swiss_roll",
]
