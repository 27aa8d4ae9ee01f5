"""From a recipe to a candidate: the runner, its plan, its work folder, the candidate's files."""
