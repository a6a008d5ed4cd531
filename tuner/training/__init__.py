"""Fitting one configuration: modules, data, layers, groups, schedules. It knows nothing of Optuna."""
