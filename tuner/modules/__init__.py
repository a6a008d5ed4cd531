"""Modules that expose the catalogue's choices. Their paths stand in users' files and never change."""

from tuner.modules.convolution import ConvClassifier
from tuner.modules.perceptron import MLPClassifier
from tuner.modules.regressor import MLPRegressor

__all__ = ["ConvClassifier", "MLPClassifier", "MLPRegressor"]
