"""What lies in the object store and where: uploads, outputs, trained models, endpoints."""

__all__: list[str] = []
