"""The command ``repricer``: its subcommands, options, session and printers."""
