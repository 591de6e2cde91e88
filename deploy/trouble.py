"""What ends a command with a sentence for its operator."""


class Trouble(Exception):
    """Something that the operator has to know, or can mend."""
