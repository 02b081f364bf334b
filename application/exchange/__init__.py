"""The ports to the channels: what providers delivered (`deliveries`), what goes out and how it fares (`sending`), how
attachments are got (`media`), and how much goes through each account (`traffic`).

Holds types only; `channels` implements them and `infrastructure` what they stand on.
"""
