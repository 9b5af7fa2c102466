"""A trained DeepAR model answers: instances and configuration in, predictions out (contract 001).

Others use `answering`, `inference_config`, `instances`.
"""

__all__: list[str] = []
