"""One self-contained HTML file that shows what a run did and how far it can be believed."""
