"""What a resident sees: templates, texts in every language, and the one style sheet."""
