"""The voices, one file a mode: frames to controls to waveform."""
