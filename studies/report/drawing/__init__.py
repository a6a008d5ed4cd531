"""The figures of a report: their axes, what each shows, how they are drawn as SVG and written as files."""
