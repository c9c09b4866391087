"""Document cameras (高拍仪). Runs in the vision process only."""
