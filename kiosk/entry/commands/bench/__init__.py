"""`kiosk bench WHAT`: figures beside a peer or a limit, measured in the same run.

One module for each subject with `run(corpus, *, json) -> int`. Machines are shared and noisy, so what
is compared is measured in turns (`report.interleaved`), and ratios are what counts.
"""
