"""The ports to the channels: what goes out and how it fares (`sending`), and how attachments are got (`media`).

Holds types only; `channels` implements them and `infrastructure` what they stand on.
"""
