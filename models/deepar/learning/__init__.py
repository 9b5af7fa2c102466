"""DeepAR learns: windows, likelihoods, the network, its training and evaluation. TensorFlow is imported here.

Others use `training`.
"""

__all__: list[str] = []
