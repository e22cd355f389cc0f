"""What every page starts with: set-up, menu, sidebar, model picker."""
