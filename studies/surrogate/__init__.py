"""A Gaussian process that knows the conditions of a space, and its functional ANOVA in closed form."""
