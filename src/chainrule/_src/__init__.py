"""The implementation: wings, the higher ones of which import the lower ones only."""
