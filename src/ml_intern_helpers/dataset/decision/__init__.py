"""GO, GO WITH FILTERS or NO GO, with filter code that was run on the rows and its effect checked."""
