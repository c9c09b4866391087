"""ID card readers (SAM_V host protocol)."""
