"""What lies in the object store and where: uploads, outputs, trained models, endpoints.

Others use `endpoints`, `folder_copies`, `keys`, `layout`, `model_files`, `packed_files`, `scoring_models`, `store`,
`training_logs`.
"""

__all__: list[str] = []
