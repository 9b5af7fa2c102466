"""The search for hyper-parameters: spaces, trials, and the model with the best of them."""

__all__: list[str] = []
