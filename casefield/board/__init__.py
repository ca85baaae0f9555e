"""Home (my next tasks), the duty board (what is late), search."""
