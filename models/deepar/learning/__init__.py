"""DeepAR learns: windows, likelihoods, the network, its training and evaluation. TensorFlow is imported here."""

__all__: list[str] = []
