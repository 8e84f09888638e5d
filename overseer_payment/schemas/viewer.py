"""Who asks, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass, field

from overseer_payment.errors import Forbidden
from overseer_payment.host_contract import PERMISSIONS, User


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks, and what they may do. Without `payment.view` only rows of `user`'s own customers exist."""

    actor: str
    """For the audit trail: `user:42`, `token`, `cli:alice`."""
    user: User | None = None
    permissions: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def operator(cls, actor: str) -> Viewer:
        """Someone at the machine itself (CLI, tests): may do everything."""
        return cls(actor, None, frozenset(PERMISSIONS))

    @property
    def sees_all(self) -> bool:
        return "payment.view" in self.permissions

    def require(self, permission: str) -> None:
        """Raises Forbidden unless `permission` was granted."""
        if permission not in self.permissions:
            raise Forbidden(f"You need the permission {permission} ({PERMISSIONS[permission]}).")
