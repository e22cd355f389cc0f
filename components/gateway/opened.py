"""Another name for what `requests` defines."""

from components.gateway.requests import Opened, Role

__all__ = ["Opened", "Role"]
