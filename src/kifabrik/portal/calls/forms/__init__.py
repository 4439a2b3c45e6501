"""Forms of calls: the proposal in its nine sections, the technical check, the decision, a new call."""
