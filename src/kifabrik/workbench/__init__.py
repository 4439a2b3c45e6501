"""The walk dataset -> training -> evaluation -> release in a run folder, in resumable steps. Knows no portal."""
