"""Parts of the Scenes screen."""
