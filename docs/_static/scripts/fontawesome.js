// The theme's script for icons of one's own, of which this site has none: its icons are a font.
