"""What every page opens with: set-up, menu, sidebar, model picker."""
