"""QR and barcode scanners on a serial line."""
