"""libvirt's XML: models declared field by field, and the only way in to and out of XML text."""
