"""Plain tables for terminals. Pure."""


def table(header, rows):
    """Lines of aligned columns: the first to the left, the others to the right; None is empty."""
    texts = [[_text(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[column]) for row in texts) for column in range(len(header))]

    def line(row):
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        return "  ".join(cells).rstrip()
    return "\n".join([line(texts[0]), "  ".join("-" * width for width in widths),
                      *map(line, texts[1:])])


def _text(cell):
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.2f}" if abs(cell) < 10 else f"{cell:.1f}"
    return str(cell)
