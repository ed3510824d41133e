"""What people see of the signing service: templates, and texts in every language."""
