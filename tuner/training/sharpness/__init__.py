"""How flat the loss is around trained weights: curvature, adaptive sharpness, and a picture."""
