"""arXiv, the Hub's paper pages, Semantic Scholar and OpenAlex: the requests, and their answers as papers and citations."""
