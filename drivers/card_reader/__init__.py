"""Smart cards over PC/SC: social security cards, bank cards (masked), bare contactless ones."""
