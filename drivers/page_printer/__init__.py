"""The A4 printer, behind a CUPS queue: certificates, forms and copies as PDF."""
