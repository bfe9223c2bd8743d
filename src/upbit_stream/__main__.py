"""``python -m upbit_stream``: the same as ``upbit-stream``."""

from upbit_stream.cli.main import main

if __name__ == "__main__":
    main()
