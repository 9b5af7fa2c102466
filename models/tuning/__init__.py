"""The search for hyper-parameters: spaces, trials, and the model with the best of them.

Others use `search`, `search_space`, `tuned_model`.
"""

__all__: list[str] = []
