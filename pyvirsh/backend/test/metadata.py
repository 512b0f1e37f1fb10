"""A domain's title, description and the elements that applications keep in it."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.checks import allowed, invalid, no_metadata, not_null, null
from pyvirsh.backend.errors import INVALID_ARG, VirError
from pyvirsh.backend.test.base import AFFECT, TestBase

_TEXTS = {c.DOMAIN_METADATA_DESCRIPTION: "description", c.DOMAIN_METADATA_TITLE: "title"}


class Metadata(TestBase):
    """Title, description, elements."""

    def domain_get_metadata(self, dom: DomainRef, type: int, uri: "str | None", flags: int = 0) -> str:
        function = "virDomainGetMetadata"
        affect_uri(type, uri, function)
        allowed(flags, AFFECT, "testDomainGetMetadata")
        _known(type)
        model = self.guest(dom).one(flags).model
        if type in _TEXTS:
            found: str | None = getattr(model, _TEXTS[type])
        else:
            from pyvirsh.backend.conf import metadata as elements

            found = elements.find(model.metadata, uri or "")
        if not found:
            raise no_metadata()
        return found

    def domain_set_metadata(
        self,
        dom: DomainRef,
        type: int,
        metadata: "str | None",
        key: "str | None",
        uri: "str | None",
        flags: int = 0,
    ) -> None:
        function = "virDomainSetMetadata"
        if type == c.DOMAIN_METADATA_TITLE and metadata and "\n" in metadata:
            raise invalid("metadata title can't contain newlines")
        affect_uri(type, uri, function)
        if type in _TEXTS:
            null(key, "key", function)
        elif type == c.DOMAIN_METADATA_ELEMENT and metadata is not None:
            not_null(key, "key", function)
        allowed(flags, AFFECT, "testDomainSetMetadata")
        _known(type)
        guest = self.guest(dom)
        for definition in guest.asked(flags):
            if type in _TEXTS:
                setattr(definition.change(), _TEXTS[type], metadata or None)
            else:
                from pyvirsh.backend.conf import metadata as elements

                kept = elements.replace(definition.model.metadata, uri or "", key, metadata)
                definition.change().metadata = kept
        guest.emit(c.DOMAIN_EVENT_ID_METADATA_CHANGE, type, uri)


def affect_uri(type: int, uri: "str | None", function: str) -> None:
    """Check that a URI is there for elements and only for them.  Errors: INVALID_ARG."""
    if type in _TEXTS:
        null(uri, "uri", function)
    elif type == c.DOMAIN_METADATA_ELEMENT:
        not_null(uri, "uri", function)


def _known(type: int) -> None:
    if type not in _TEXTS and type != c.DOMAIN_METADATA_ELEMENT:
        raise VirError(INVALID_ARG, f"unknown metadata type '{type}'")
