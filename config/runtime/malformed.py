"""What is said of bytes from outside that are not what they should be."""


class Malformed(Exception):
    """A request that cannot be read: answered with ``status``, and ``description`` says why.

    ``description`` never repeats what was sent. Status is 400, 408, 413, 415 or 431.
    """

    def __init__(self, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.description = description
        self.status = status
