"""Users' models, PMML and ONNX: what a file is, whether it may be used, and what it answers.

Only in processes of their own: neither a file nor its engine is to be trusted with a worker.
Others use `answering`, `columns`, `files`, `info`.
"""

__all__: list[str] = []
