"""What Onethread promises, tried: pure code without servers, everything else on real ones that the session starts."""
