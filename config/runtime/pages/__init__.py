"""What the pages of every product stand on: languages, look, templates, visitors, explanations."""
