"""A deployment of their own for these tests: whatever is made up may change anything, the routing policy too."""

from tests.api.conftest import administrator, auditor, deployment, supervisor

__all__ = ["administrator", "auditor", "deployment", "supervisor"]  # fixtures, made anew for this folder
