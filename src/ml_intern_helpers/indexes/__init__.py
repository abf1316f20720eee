"""What a release of a library really offers: names, arguments, defaults; read from its files, never by importing it."""
