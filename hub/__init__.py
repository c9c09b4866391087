"""The reference central platform: receives applications from the terminals, keeps and shows them.

A Django project of its own. It imports nothing of the terminal's folders and could run anywhere.
"""
