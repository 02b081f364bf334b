"""Whatever may be asked, made up by the thousand: by the document of the interface, and against it."""
