"""Who did what (docs/access.md)."""

from streams.systems.declaration import DeclaredTopic, Keep, System

__all__ = ["AUDIT"]

AUDIT = System(
    name="audit",
    topics=(
        DeclaredTopic.events(
            "audit",
            "AuditRecord",
            words="Who did what, and what came of it: every write, and every refusal for lack of rights.",
            key="The project.",
            keep=Keep.AUDIT,
        ),
    ),
    state="streams.audit.log:open_audit",
    views=("streams.views.access.audit",),
)
