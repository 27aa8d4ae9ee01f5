"""What is measured of answers and models: rewards, evaluation, verdicts, judgements, calibration."""
