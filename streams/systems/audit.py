"""Who did what (docs/access.md)."""

from streams.systems.declaration import DeclaredTopic, Keep, System

__all__ = ["AUDIT"]

AUDIT = System(
    name="audit",
    topics=(
        DeclaredTopic(
            name="audit",
            records=("AuditRecord",),
            keep=Keep.AUDIT,
            words="Who did what, and what came of it: every write, and every refusal for lack of rights.",
            key="The project.",
            action="send",
        ),
    ),
    state="streams.audit.log:open_audit",
    views=("streams.views.access.audit",),
)
