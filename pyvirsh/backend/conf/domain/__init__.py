"""The domain model: `parse_domain` makes one of XML text, `format_domain` writes it.

Source: libvirt's domain XML format.
"""

from pyvirsh.backend.conf.domain.domain import Devices, Domain, format_domain, parse_domain

__all__ = ["Devices", "Domain", "format_domain", "parse_domain"]
