"""The figures of the pages as SVG: scores, curves, parallel coordinates, and the shares of outcomes."""
