"""How good samples are: distances, diversity, copying and coverage, each beside what real samples reach."""

from __future__ import annotations

from ablation.scores.choosing import EXTRACTORS, choose, downloaded, inception, kind
from ablation.scores.families import families
from ablation.scores.floors import Floor, believed, floors
from ablation.scores.judging import NotFinite, Scored, judged, score, stand_in
from ablation.scores.look import Glance, Look, distance, glance
from ablation.scores.names import base, thousands
from ablation.scores.neighbours import copying, manifolds, nearest
from ablation.scores.real import Reference, reference
from ablation.scores.toys import coverage, frechet, histogram, varies

__all__ = [
    "EXTRACTORS",
    "Floor",
    "Glance",
    "Look",
    "NotFinite",
    "Reference",
    "Scored",
    "base",
    "believed",
    "choose",
    "copying",
    "coverage",
    "distance",
    "downloaded",
    "families",
    "floors",
    "frechet",
    "glance",
    "histogram",
    "inception",
    "judged",
    "kind",
    "manifolds",
    "nearest",
    "reference",
    "score",
    "stand_in",
    "thousands",
    "varies",
]
