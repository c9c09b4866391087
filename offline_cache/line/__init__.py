"""The line to the hub: who we are, what a batch looks like, when to try, what an answer is worth.

Nothing in here opens a seal or knows what an application is; it moves sealed bytes and believes
no answer that does not name them.
"""
